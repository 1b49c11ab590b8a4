"""Processor time and memory of a kernel and all that it started."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.engine.family import descendants

__all__ = ["Meter", "Usage"]

_USER_TIME = 11
"""Where the four times begin among the fields of ``/proc/PID/stat`` that follow the name."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used.

    Args:
        cpu_seconds: Processor time so far, of ended child processes too.
        memory: Bytes in memory: now, or the most there ever was.
    """

    cpu_seconds: float
    memory: int


class Meter:
    """Watches a process and those below it; to be asked now and then, from any thread.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._lock = threading.Lock()
        self._cpu = 0.0
        self._peak = 0
        self._seen = False

    @property
    def usage(self) -> Usage | None:
        """The processor time and the peak of memory, as far as they were seen; None if nothing was."""
        with self._lock:
            return Usage(self._cpu, self._peak) if self._seen else None

    def read(self) -> None:
        """Look at the processes."""
        own = _usage(self._pid)
        if own is None:
            return  # it has ended: what was seen last counts
        others = [used for pid in descendants(self._pid) if (used := _usage(pid)) is not None]
        cpu = own.cpu_seconds + sum(used.cpu_seconds for used in others)
        memory = own.memory + sum(used.memory for used in others)
        with self._lock:
            self._seen = True
            # Time of a process that nobody waits for is lost to the sum when it ends.
            self._cpu = max(self._cpu, cpu)
            self._peak = max(self._peak, memory, _high_water(self._pid))


def _usage(pid: int) -> Usage | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return _usage_elsewhere(pid)
    ticks = sum(map(int, fields[_USER_TIME : _USER_TIME + 4]))
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def _usage_elsewhere(pid: int) -> Usage | None:
    if Path("/proc/self").exists():
        return None  # the process has ended
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return Usage(sum(process.cpu_times()[:4]), process.memory_info().rss)
    return None


def _high_water(pid: int) -> int:
    """The most bytes that the process itself ever held; the system remembers it between two looks."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_bytes().split(b"VmHWM:")[1].split()[0]) * 1024
    return 0
