"""Asks the process that analyses: one request at a time, the newest of each notebook, and none for too long."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.server.analyst.signs import PROBLEM, RESULT
from jupyter_mlops.server.problems import RequestProblem

__all__ = ["Analyst", "Refused"]

_TRIES = 2
"""How often a request is tried whose process died: once may be bad luck."""


class Refused(Exception):
    """The process answered with a problem.

    Args:
        problem: Its JSON form.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["message"])
        self.problem = problem


class _Died(Exception):
    """The process ended without an answer."""


@dataclass(eq=False)
class _Request:
    key: tuple[str, ...]
    body: dict[str, Any]
    waiting: list[asyncio.Future[str]] = field(default_factory=list)


class Analyst:
    """Keeps one process; lives in the event loop's thread.

    Args:
        seconds: How long a request may take before the process is ended.
        memory: Bytes that it may have.
        log: Told when it is started anew.
    """

    def __init__(self, *, seconds: float, memory: int, log: logging.Logger | Any) -> None:
        self._seconds = seconds
        self._memory = memory
        self._log = log
        self._queue: OrderedDict[tuple[str, ...], _Request] = OrderedDict()
        self._running: _Request | None = None
        self._worker: asyncio.Task[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, "mlops-analyst")
        self._closed = False

    async def ask(self, kind: str, body: dict[str, Any], client: str = "") -> str:
        """Return the answer to a request, as JSON.

        Args:
            kind: ``analysis``, ``suggestions``, ``plan`` or ``explain``.
            client: Who asks; a newer request of the same client about the same notebook supersedes one that waits.

        Raises:
            RequestProblem: It was superseded, took too long, or the process dies of it.
            Refused: The process has a problem with it.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        request = _Request((kind, body["path"], client), {**body, "kind": kind}, [future])
        running = self._running
        if running is not None and running.body == request.body:
            running.waiting.append(future)
            return await future
        older = self._queue.pop(request.key, None)
        if older is not None and older.body == request.body:
            request.waiting = [*older.waiting, future]
        elif older is not None:
            _fail(older, _superseded(body["path"]))
        self._queue[request.key] = request
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    def start(self) -> None:
        """Start the process ahead, so that the first request finds it ready."""
        self._thread.submit(self._ensure)

    def close(self) -> None:
        """End the process; requests that wait are refused."""
        self._closed = True
        for request in self._queue.values():
            _fail(request, RequestProblem("unavailable", "The Jupyter server is shutting down."))
        self._queue.clear()
        self._kill()
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        while self._queue and not self._closed:
            _, self._running = self._queue.popitem(last=False)
            request = self._running
            request.waiting = [future for future in request.waiting if not future.done()]  # who hung up
            try:
                if request.waiting:
                    answer = await self._answer(request.body)
                    _settle(request, answer)
            except Exception as error:
                _fail(request, error)
            finally:
                self._running = None

    async def _answer(self, body: dict[str, Any]) -> str:
        line = json.dumps(body).encode() + b"\n"
        loop = asyncio.get_running_loop()
        for _ in range(_TRIES):
            asked = loop.run_in_executor(self._thread, self._exchange, line)
            try:
                answer = (await asyncio.wait_for(asyncio.shield(asked), self._seconds)).decode()
            except asyncio.TimeoutError:
                self._kill()
                await asyncio.gather(asked, return_exceptions=True)
                self._log.warning("jupyter-mlops: the analysis took more than %g s and was ended", self._seconds)
                raise RequestProblem(
                    "timeout",
                    f"The analysis of the notebook took more than {self._seconds:g} s.",
                    hint="Split very large cells; MlopsServer.analysis_seconds allows more.",
                ) from None
            except _Died:
                self._log.warning("jupyter-mlops: the process that analyses notebooks died; it is started anew")
                continue
            if answer.startswith(PROBLEM):
                raise Refused(json.loads(answer.removeprefix(PROBLEM)))
            return answer.removeprefix(RESULT)
        raise RequestProblem(
            "unavailable",
            "The process that analyses the notebook dies of it.",
            hint="The server's log may say why; MlopsServer.analysis_memory allows more memory.",
        )

    def _exchange(self, line: bytes) -> bytes:
        process = self._ensure()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except (OSError, ValueError) as error:
            self._kill()
            raise _Died from error
        if not answer.endswith(b"\n"):
            self._kill()
            raise _Died
        return answer

    def _ensure(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "jupyter_mlops.server.analyst.process", str(self._memory)]
            # a session of its own: Ctrl-C in the server's terminal is not for it
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue


def _superseded(path: str) -> RequestProblem:
    return RequestProblem("superseded", f"A newer request about {path} took the place of this one.")


def _settle(request: _Request, answer: str) -> None:
    for future in request.waiting:
        if not future.done():
            future.set_result(answer)


def _fail(request: _Request, error: Exception) -> None:
    for future in request.waiting:
        if not future.done():
            future.set_exception(error)
