"""Locking a file, which the system frees when the process that holds it ends in whatever way."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

__all__ = ["lock"]

_PAUSE = 0.02


def lock(path: Path, *, shared: bool = False, wait: float = 0.0) -> int | None:
    """Lock a file, which is made if need be; another process, or another call in this one, may hold it.

    Args:
        shared: Whether others may hold it shared at the same time.
        wait: Seconds to wait for it.

    Returns:
        A descriptor, which keeps the lock until it is closed; None if the lock is taken.

    Raises:
        OSError: The file can't be made, or the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    due = time.monotonic() + wait
    try:
        while not _take(descriptor, shared):
            if time.monotonic() >= due:
                os.close(descriptor)
                return None
            time.sleep(_PAUSE)
        if _is_file_of(descriptor, path):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)  # whoever held it has removed it: others would lock a new one
    return lock(path, shared=shared, wait=max(0.0, due - time.monotonic()))


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, shared: bool) -> bool:
        # There are no shared locks: a holder takes one byte of many, who wants to be alone takes all of them.
        import secrets

        os.lseek(descriptor, secrets.randbelow(1 << 20) if shared else 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1 if shared else 1 << 20)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _is_file_of(descriptor: int, path: Path) -> bool:
    try:
        return os.name == "nt" or os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
