"""Locks between processes that a killed process can't leave behind: the system frees them.

``locks/objects`` is held (shared) by whoever is about to record objects, so that clean-up, which holds it alone, never
removes one in between. ``locks/run-ID`` is held by the process that runs a run: if it is free, that process is gone.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.store.filelocks import FileLocks
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.lockfiles import lock

__all__ = ["InUse", "RunLock", "abandoned", "alone", "is_alive"]

_RUN = "run-"
_PATIENCE = 60.0


class InUse:
    """Keeps objects from being cleaned up while some work is about to record them; any thread may use it.

    Args:
        home: The store.
    """

    def __init__(self, home: Home) -> None:
        self._path = home.locks / "objects"
        self._mutex = threading.Lock()
        self._works: set[str] = set()
        self._descriptor: int | None = None

    def hold(self, work: str) -> None:
        """Begin some work.

        Raises:
            InfrastructureError: A clean-up does not end.
        """
        with self._mutex:
            if self._descriptor is None:
                self._descriptor = self._acquire()
            self._works.add(work)

    def release(self, work: str) -> None:
        """End it; nothing happens if it had not begun."""
        with self._mutex:
            self._works.discard(work)
            if not self._works:
                self._close()

    def close(self) -> None:
        """End all work."""
        with self._mutex:
            self._works.clear()
            self._close()

    def _acquire(self) -> int | None:
        try:
            found = lock(self._path, shared=True, wait=_PATIENCE)
        except OSError:
            return None  # no locks on this file system: clean-up spares what is young
        if found is None:
            raise InfrastructureError(
                "A clean-up of the store holds it for more than a minute.", hint="Run again once it has ended."
            )
        return found

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextlib.contextmanager
def alone(home: Home) -> Iterator[bool]:
    """Keep everybody from recording objects; yields False if the file system has no locks.

    Raises:
        InfrastructureError: Others hold the store for too long.
    """
    try:
        descriptor = lock(home.locks / "objects", wait=_PATIENCE)
    except OSError:
        yield False
        return
    if descriptor is None:
        raise InfrastructureError("Runs in progress hold the store for more than a minute.", hint="Try again later.")
    try:
        yield True
    finally:
        os.close(descriptor)


class RunLock:
    """Shows that a run's process is alive, and what it leaves behind if it is killed.

    Args:
        home: The store.
    """

    def __init__(self, home: Home) -> None:
        self.in_use = InUse(home)
        self.files = FileLocks(home)
        self._home = home
        self._path = home.locks
        self._descriptor: int | None = None

    def begin(self, run_id: str) -> None:
        """The run has been recorded."""
        self._path = _path_of(self._home, run_id)
        with contextlib.suppress(OSError):
            self._descriptor = lock(self._path)

    def owns(self, folder: Path | None) -> None:
        """Note a folder outside of the store that is to be removed if this process can't do so."""
        if self._descriptor is not None and folder is not None:
            os.write(self._descriptor, f"{folder}\n".encode("utf-8", "surrogateescape"))

    def close(self) -> None:
        """The run has ended, and its record says so."""
        self.in_use.close()
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def abandoned(home: Home) -> dict[str, list[Path]]:
    """Find the runs whose process was killed, and the folders that it left; asked again, they are not found again."""
    found: dict[str, list[Path]] = {}
    for path in sorted(home.locks.glob(f"{_RUN}*")):
        with contextlib.suppress(OSError):
            descriptor = lock(path)
            if descriptor is None:
                continue
            try:
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
            found[path.name[len(_RUN) :]] = [Path(line) for line in text.splitlines()]
    return found


def is_alive(home: Home, run_id: str, pid: int | None) -> bool:
    """Tell whether a process runs a run of this machine, or nobody knows.

    Args:
        pid: What was recorded as its process.
    """
    if _path_of(home, run_id).exists() or pid is None:
        return True
    import psutil

    return bool(psutil.pid_exists(pid))


def _path_of(home: Home, run_id: str) -> Path:
    return home.locks / f"{_RUN}{run_id}"
