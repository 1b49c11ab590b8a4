"""Computes the rows of requests that wait together in one go, on a thread that may hang without harm."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.deploy.predictor import ModelFailure, Predictor
from jupyter_mlops.deploy.schema import Rows
from jupyter_mlops.deploy.serving.problems import Busy, TooSlow
from jupyter_mlops.deploy.serving.settings import Settings

__all__ = ["Batcher"]

_MOST_STUCK = 3
Outputs = dict[str, Any]


@dataclass(eq=False)
class _Job:
    rows: Rows
    wanted: tuple[str, ...]
    future: asyncio.Future[Outputs]
    queued: float = field(default_factory=time.monotonic)


class Batcher:
    """Runs a model for many requests: whatever waits when the thread is free is computed together.

    So a lone request waits for nobody, and batches grow with the load. A thread whose model hangs is left alone and
    replaced, a few times at most: threads can't be stopped.

    Args:
        label: The model's name and version, for messages.
        noticed: Is told how many requests waited when a batch was taken.
    """

    def __init__(
        self, predictor: Predictor, settings: Settings, label: tuple[str, int], noticed: Callable[[int], None]
    ) -> None:
        self._predictor = predictor
        self._settings = settings
        self._label = label
        self._noticed = noticed
        self._waiting: deque[_Job] = deque()
        self._running: list[_Job] = []
        self._worker: _Worker | None = None
        self._stuck = 0
        self._pace = 0.01

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def usable(self) -> bool:
        """Whether the model has not hung too often."""
        return self._stuck < _MOST_STUCK

    async def submit(self, rows: Rows, wanted: tuple[str, ...]) -> Outputs:
        """Return the outputs of rows.

        Raises:
            Busy: Too many wait, or the model hangs.
            TooSlow: It took too long.
            ModelFailure: It raised.
        """
        if not self.usable or len(self._waiting) >= self._settings.queue:
            raise Busy(self._pace * (len(self._waiting) + 1))
        job = _Job(rows, wanted, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if not self._running:
            self._next()
        try:
            return await asyncio.wait_for(job.future, self._settings.timeout)
        except (asyncio.TimeoutError, TimeoutError):
            if job in self._running:
                self._abandon()
            elif job in self._waiting:
                self._waiting.remove(job)
            raise TooSlow(*self._label, self._settings.timeout) from None

    def close(self) -> None:
        """Let the thread end when it has nothing more to do."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _next(self) -> None:
        """Hand the next batch to the thread, if something waits."""
        while self._waiting and self._waiting[0].future.done():
            self._waiting.popleft()
        if not self._waiting or not self.usable:
            return
        self._noticed(len(self._waiting))
        self._running = self._taken()
        if self._worker is None:
            self._worker = _Worker(asyncio.get_running_loop(), "-".join(map(str, self._label)))
        batch = self._running
        self._worker.do(lambda: _computed(self._predictor, batch), lambda results: self._done(batch, results))

    def _taken(self) -> list[_Job]:
        first = self._waiting.popleft()
        jobs, rows = [first], len(first.rows)
        while self._predictor.padding is not None and self._waiting:
            job = self._waiting[0]
            if job.wanted != first.wanted or rows + len(job.rows) > self._settings.max_batch:
                break
            self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
                rows += len(job.rows)
        return jobs

    def _done(self, batch: list[_Job], results: list[Outputs | Exception]) -> None:
        if batch is not self._running:  # it was given up before it ended
            self._stuck -= 1
            if not self._running:
                self._next()
            return
        self._pace += 0.1 * ((time.monotonic() - batch[0].queued) / len(batch) - self._pace)
        self._running = []
        for job, result in zip(batch, results, strict=True):
            if job.future.done():
                continue
            job.future.set_exception(result) if isinstance(result, Exception) else job.future.set_result(result)
        self._next()

    def _abandon(self) -> None:
        """Give up what runs: everybody in the batch is told, and another thread goes on."""
        batch, self._running = self._running, []
        self._stuck += 1
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
        for job in batch:
            if not job.future.done():
                job.future.set_exception(TooSlow(*self._label, self._settings.timeout))
        self._next()


class _Worker:
    """A thread that does one thing after another, and never keeps the process from ending."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=f"model-{name}", daemon=True).start()

    def do(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._queue.put((work, then))

    def stop(self) -> None:
        self._queue.put(None)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            work, then = item
            result = work()
            try:
                self._loop.call_soon_threadsafe(then, result)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _computed(predictor: Predictor, batch: list[_Job]) -> list[Outputs | Exception]:
    """Compute a batch; if it fails, each by itself, so that one's rows don't spoil the others' answers."""
    try:
        found = predictor.run(Rows.joined([job.rows for job in batch]), batch[0].wanted)
    except Exception as error:
        return [_one(predictor, job) for job in batch] if len(batch) > 1 else [_plain(error)]
    results: list[Outputs | Exception] = []
    start = 0
    for job in batch:
        stop = start + len(job.rows)
        results.append({name: values[start:stop] for name, values in found.items()})
        start = stop
    return results


def _one(predictor: Predictor, job: _Job) -> Outputs | Exception:
    try:
        return predictor.run(job.rows, job.wanted)
    except Exception as error:
        return _plain(error)


def _plain(error: Exception) -> Exception:
    return error if isinstance(error, ModelFailure) else ModelFailure(f"The model failed: {type(error).__name__}.")
