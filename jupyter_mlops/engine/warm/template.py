"""A template process, seen from the engine: asked for kernels, tells of their end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.warm.process import WarmProcess
from jupyter_mlops.engine.warm.wish import Wish, table

__all__ = ["NoWarmKernelError", "Template"]

_PACKET = 1 << 20
_PROBE_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
_SILENT = "the template does not answer"
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


class NoWarmKernelError(Exception):
    """There is no forked kernel to be had; the message says why."""


@dataclass
class _Spare:
    """A kernel that waits, or is about to."""

    lifeline: socket.socket
    connection: Mapping[str, Any]
    file: Path
    process: WarmProcess | None = None
    ready: bool = False


class Template:
    """Starts the process; all methods may be called in any thread.

    Args:
        wish: What it is like.
        folder: Private, and short enough for sockets.
        arguments: From a connection file to the arguments of a kernel.
    """

    def __init__(self, wish: Wish, folder: Path, arguments: Callable[[str], list[str]]) -> None:
        self.wish = wish
        self.failure: str | None = None
        self._folder = folder
        self._arguments = arguments
        self._changed = threading.Condition()
        self._tops: list[str] | None = None
        self._installed: Mapping[str, int] = {}
        self._spares: dict[int, _Spare] = {}
        self._running: dict[int, WarmProcess] = {}
        self._wanted = 0
        self._awaited = 0
        self._count = 0
        self._closed = False
        self._channel: socket.socket | None = None
        self._start()

    def want(self, spares: int) -> None:
        """Have this many kernels waiting from now on."""
        with self._changed:
            self._wanted = spares
            self._order()

    def take(
        self,
        environment: Mapping[str, str],
        cwd: Path,
        streams: tuple[int, int],
        *,
        seconds: float,
        stopped: Callable[[], bool],
    ) -> WarmProcess:
        """Let a waiting kernel begin; waits for one if there is none.

        Args:
            environment: All its variables.
            streams: Descriptors for what its process prints on its own, standard output and standard error.
            seconds: How long to wait.
            stopped: Whether to give up.

        Raises:
            NoWarmKernelError: There is none.
        """
        while True:
            spare = self._awaited_spare(time.monotonic() + seconds, stopped)
            try:
                _begin(spare, environment, cwd, streams)
            except OSError:
                self._give_up_on(spare)  # it died while it waited: perhaps there is another one
                continue
            assert spare.process is not None
            return spare.process

    def is_current(self) -> bool:
        """Tell whether nothing was installed since it has imported its modules."""
        with self._changed:
            if self.failure is not None or self._closed:
                return False
            return all(_time(folder) == time for folder, time in self._installed.items())

    def close(self) -> None:
        """End it and the kernels that wait; it lives on, asked for nothing, while others run."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self.failure = self.failure or "the run is over"
            for spare in self._spares.values():
                spare.lifeline.close()
            self._spares.clear()
            self._send({"do": "retire"})
            if self.failure == _SILENT and self._process is not None:
                self._process.kill()
            self._changed.notify_all()

    # starting

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        log = self._folder / "template.log"
        command = [*self.wish.command, "-m", "mlops_runtime.template", str(theirs.fileno())]
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=self._folder,
                    env=dict(self.wish.environment),
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        except OSError as error:
            self.failure = f"the template did not start: {error}"
            ours.close()
            return
        finally:
            theirs.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._channel = ours
        order = {"cwd": str(self.wish.cwd), "imports": self.wish.imports, "seconds": _PROBE_SECONDS}
        self._send({"do": "prepare", **order, **{name: table()[name] for name in ("pools", "threads")}})
        threading.Thread(target=self._listen, args=(ours, self._process), name="mlops-template", daemon=True).start()

    def _send(self, order: Mapping[str, Any], descriptor: int | None = None) -> None:
        if self._channel is None:
            return
        with contextlib.suppress(OSError):  # its end is noticed by who listens
            packet = json.dumps(order).encode()
            socket.send_fds(self._channel, [packet], [] if descriptor is None else [descriptor])

    # listening

    def _listen(self, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        while packet := _receive(channel):
            with self._changed:
                self._hear(json.loads(packet))
                self._changed.notify_all()
        with self._changed:
            self.failure = self.failure or "the template has ended"
            for kernel in self._running.values():
                kernel.note_orphaned()
            for spare in self._spares.values():
                spare.lifeline.close()
            self._spares.clear()
            self._channel = None
            channel.close()
            self._changed.notify_all()
        process.wait()

    def _hear(self, answer: Mapping[str, Any]) -> None:
        if answer["is"] == "ready":
            self._tops, self._installed = answer["tops"], answer["folders"]
            self._order()
        elif answer["is"] == "unsafe":
            self.failure = answer["reason"]
        elif answer["is"] == "forked" and (spare := self._spares.get(answer["number"])):
            spare.process = WarmProcess(answer["pid"], spare.connection, spare.file, spare.lifeline)
            self._running[answer["pid"]] = spare.process
        elif answer["is"] == "spare" and (spare := self._spares.get(answer["number"])):
            spare.ready = True
            self._order()
        elif answer["is"] == "ended":
            kernel = self._running.pop(answer["pid"], None)
            if kernel is not None:
                kernel.note_end(answer["status"])
            if self._drop(lambda spare: spare.process is kernel) and not self._closed:
                self.failure = self.failure or "a forked kernel ended before it was used"

    def _drop(self, chosen: Callable[[_Spare], bool]) -> bool:
        numbers = [number for number, spare in self._spares.items() if chosen(spare)]
        for number in numbers:
            self._spares.pop(number).lifeline.close()
        return bool(numbers)

    # kernels

    def _order(self) -> None:
        """Have as many kernels forked as are wanted; the condition is held.

        One after another, unless more are waited for: what nobody waits for must not slow down what somebody needs.
        """
        while self._tops is not None and self.failure is None and len(self._spares) < self._wanted:
            if sum(not spare.ready for spare in self._spares.values()) >= max(1, self._awaited):
                return
            self._count += 1
            number = self._count
            prefix = self._folder / f"w{number}"
            connection: dict[str, Any] = {
                "transport": "ipc",
                "ip": str(prefix),
                **{name: port for port, name in enumerate(_PORTS, 1)},
                "key": secrets.token_hex(16),
                "signature_scheme": "hmac-sha256",
                "kernel_name": "",
            }
            file = prefix.with_suffix(".json")
            file.touch(mode=0o600)
            file.write_text(json.dumps(connection), encoding="utf-8")
            ours, theirs = socket.socketpair()
            self._spares[number] = _Spare(ours, connection, file)
            self._send({"do": "fork", "number": number, "argv": self._arguments(str(file))}, theirs.fileno())
            theirs.close()

    def _awaited_spare(self, deadline: float, stopped: Callable[[], bool]) -> _Spare:
        with self._changed:
            self._awaited += 1
            try:
                return self._ready_spare(deadline, stopped)
            finally:
                self._awaited -= 1

    def _ready_spare(self, deadline: float, stopped: Callable[[], bool]) -> _Spare:
        with self._changed:  # once more: it is reentrant
            while True:
                if self.failure is not None:
                    raise NoWarmKernelError(self.failure)
                if self._tops is not None and (file := self.wish.shadowed(self._tops)):
                    raise NoWarmKernelError(f"{file} stands for an installed module")
                number = next((number for number, spare in self._spares.items() if spare.ready and spare.process), None)
                if number is not None:
                    found = self._spares.pop(number)
                    self._order()
                    return found
                if self._tops is not None and len(self._spares) < self._awaited:
                    self._wanted = max(self._wanted, self._awaited)
                    self._order()
                left = deadline - time.monotonic()
                if left <= 0:
                    self.failure = _SILENT
                    raise NoWarmKernelError(self.failure)
                if stopped():
                    raise NoWarmKernelError("the step was stopped")
                self._changed.wait(min(left, 0.2))

    def _give_up_on(self, spare: _Spare) -> None:
        spare.lifeline.close()


def _begin(spare: _Spare, environment: Mapping[str, str], cwd: Path, streams: tuple[int, int]) -> None:
    """Tell a kernel that it is needed, and wait until it has begun.

    Raises:
        OSError: It does not answer.
        NoWarmKernelError: It can't begin there.
    """
    lifeline = spare.lifeline
    lifeline.settimeout(_ANSWER_SECONDS)
    socket.send_fds(lifeline, [b"!"], list(streams))
    lifeline.sendall(json.dumps({"env": dict(environment), "cwd": str(cwd)}).encode() + b"\n")
    answer = lifeline.recv(4096)
    if answer != b"started\n":
        lifeline.close()
        if not answer:
            raise ConnectionResetError
        raise NoWarmKernelError(answer.decode("utf-8", "replace").strip())
    lifeline.settimeout(None)


def _receive(channel: socket.socket) -> bytes:
    try:
        return channel.recv(_PACKET)
    except OSError:
        return b""


def _time(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return None
