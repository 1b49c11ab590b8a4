"""What a running step shares between the thread that drives its kernel and the thread that schedules."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jupyter_mlops.engine.events import Event
from jupyter_mlops.engine.family import end_marked
from jupyter_mlops.engine.kernels import CONTEXT_VARIABLE
from jupyter_mlops.engine.patience import Patience
from jupyter_mlops.engine.processes import KernelProcess
from jupyter_mlops.engine.usage import Meter, Usage
from jupyter_mlops.engine.warm.source import WarmStart

__all__ = ["Launch", "StepSession", "StepStopped", "StopReason"]

StopReason = Literal["timeout", "cancelled"]

_GRACE = 1.5
"""Seconds between asking a step to stop and ending its processes."""

_PATIENCE = 4.0
"""Seconds between asking a step to stop and going on without its thread."""


class StepStopped(Exception):
    """The step was asked to stop before its kernel had started."""


class StepSession:
    """A step on its way; both threads may use it at any time.

    Args:
        slug: The step.
        cells: Ids of the user's cells.
        emit: Takes events; called in the step's thread.
        timeout: Seconds this attempt may take, or None.
        mark: Path of the step's context file, which its processes carry in their environment.
    """

    def __init__(
        self,
        slug: str,
        cells: tuple[str, ...],
        emit: Callable[[Event], None],
        timeout: float | None = None,
        mark: Path | None = None,
    ) -> None:
        self.slug = slug
        self.cells = cells
        self.emit = emit
        self.timeout = timeout
        self.kernel = "cold"
        self._mark = mark
        self._meter: Meter | None = None
        self.started = time.monotonic()
        self.stop_reason: StopReason | None = None
        self._stopped_at: float | None = None
        self._killed = False
        self._closed = False
        self._process: KernelProcess | None = None
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self.started

    @property
    def usage(self) -> Usage | None:
        """What the kernel and all that it started have used, as far as known."""
        return None if self._meter is None else self._meter.usage

    def measure(self) -> None:
        """Look at what the kernel's processes use; the more often, the more exact."""
        if self._meter is not None:
            self._meter.read()

    def attach(self, process: KernelProcess) -> None:
        """Note the kernel's process; it is ended at once if the step was asked to stop meanwhile."""
        with self._lock:
            self._process = process
            self._meter = Meter(process.pid)
            stopped = self.stop_reason is not None
        if stopped:
            process.kill()

    def restart(self) -> None:
        """Count the time from now on: what went before was waiting."""
        self.started = time.monotonic()

    def check(self) -> None:
        """Raise StepStopped if the step was asked to stop."""
        if self.stop_reason is not None:
            raise StepStopped

    @property
    def is_stopping(self) -> bool:
        """Whether the step was asked to stop, be it too late for its code."""
        return self._stopped_at is not None

    def stop(self, reason: StopReason) -> None:
        """Ask the step to stop: its code is interrupted."""
        with self._lock:
            if self._stopped_at is not None:
                return
            self._stopped_at = time.monotonic()
            if self._closed:
                return
            self.stop_reason = reason
            process = self._process
        if process is not None:
            process.interrupt()

    def close(self) -> None:
        """Note that the step's code has ended: from here on, being asked to stop does not make its results doubtful."""
        with self._lock:
            self._closed = True

    def kill(self) -> None:
        """End the kernel and whatever it started."""
        self.measure()
        with self._lock:
            self._killed = True
            process = self._process
        if process is not None:
            process.kill()
            if self._mark is not None:  # those that left the family
                end_marked(CONTEXT_VARIABLE, str(self._mark))

    def finish(self, *, well: bool) -> None:
        """End what is left of the kernel's processes when the step has ended.

        Args:
            well: Whether it ended as it should. Then what it has detached from itself on purpose goes on.
        """
        if well and self._process is not None and self.stop_reason is None:
            self._process.release()
        else:
            self.kill()

    def next_deadline(self) -> float | None:
        """Return when (monotonic clock) something is due for this step."""
        if self._stopped_at is not None:
            return self._stopped_at + (_PATIENCE if self._killed else _GRACE)
        return None if self.timeout is None else self.started + self.timeout

    def is_overdue(self) -> bool:
        """Tell whether that time has come."""
        deadline = self.next_deadline()
        return deadline is not None and time.monotonic() >= deadline

    def is_abandoned(self) -> bool:
        """Tell whether the step's thread did not end although its processes did."""
        return self._killed and self._stopped_at is not None and time.monotonic() >= self._stopped_at + _PATIENCE


@dataclass(frozen=True, slots=True)
class Launch:
    """How a step's kernel is started.

    Args:
        kernel_name: Name of the kernelspec.
        environment: Its environment stanza.
        cwd: Working directory.
        sockets: Where ipc sockets go, a prefix in a private folder that is short enough; None uses ports.
        log: File for what the kernel's process prints on its own.
        warm: Where a forked kernel is to be had, or why there is none.
        patience: Its limits of time.
    """

    kernel_name: str
    environment: Mapping[str, str]
    cwd: Path
    sockets: Path | None
    log: Path
    warm: WarmStart = field(default_factory=WarmStart)
    patience: Patience = field(default_factory=Patience)
