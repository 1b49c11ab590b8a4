"""Files written once, hashed on the way, forced to disk at the end."""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .failpoints import reach

__all__ = ["HashingFile", "new_hasher", "write_atomically"]

CHUNK = 8 * 1024 * 1024
PENDING = 8
"""Chunks that may wait to be hashed: more would only hold memory."""
SYNC_EVERY = 64 * 1024 * 1024
"""Bytes after which the disk begins to work: it is the slowest of all, and idle until it is told."""
Buffer = Any  # bytes, bytearray, memoryview, PickleBuffer: typing has no name for it before Python 3.12


def new_hasher() -> Any:
    """Return a BLAKE3 hasher, or None where the kernel has no ``blake3``."""
    try:
        from blake3 import blake3
    except ImportError:
        return None
    return blake3()


class HashingFile:
    """A new file that is written front to back; ``digest`` and ``size`` are known when it is closed.

    While it is written, one thread computes the digest and another forces to disk what is there already.

    Args:
        path: The file; one that exists is replaced.
        fsync: Whether to wait for the disk at the end.
    """

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        path.unlink(missing_ok=True)  # not truncated: its content may be linked elsewhere
        self._path = path
        self._file = path.open("xb", buffering=1024 * 1024)
        self._hasher = new_hasher()
        self._fsync = fsync
        self._hashing = _Background("mlops-hash", limit=PENDING)
        self._syncing = _Background("mlops-disk", limit=1)
        self._unsynced = 0
        self.size = 0
        self.digest: str | None = None

    def __enter__(self) -> HashingFile:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None:
            self.close()
            return
        self._fsync = False
        with contextlib.suppress(OSError):  # the error on its way says more
            self.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: Buffer) -> int:
        """Append bytes or anything with a contiguous buffer; nothing large is copied.

        Memory of ``CHUNK`` bytes and more must stay as it is until the file is closed.
        """
        view = memoryview(data)
        if view.nbytes == 0:
            return 0
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        for start in range(0, view.nbytes, CHUNK):
            self._write_chunk(view[start : start + CHUNK])
        self.size += view.nbytes
        return view.nbytes

    def pad(self, alignment: int) -> None:
        """Append zeros up to a multiple of ``alignment``."""
        self.write(bytes(-self.size % alignment))

    def close(self) -> None:
        """Finish the file: everything written, forced to disk, digest known."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            reach("value.written")
            # An error that one sync was told is not told to the next: this one says it.
            self._syncing.finish()
            if self._fsync:
                os.fsync(self._file.fileno())
            reach("value.synced")
            self._hashing.finish()
        finally:
            self._syncing.close()
            self._hashing.close()
            self._file.close()
        if self._hasher is not None:
            self.digest = self._hasher.hexdigest()

    def _write_chunk(self, chunk: memoryview) -> None:
        if self._hasher is not None:
            if chunk.nbytes == CHUNK:
                self._hashing.submit(self._hasher.update, chunk)
            elif self._hashing.is_used:  # in its turn; the memory may be used again at once
                self._hashing.submit(self._hasher.update, bytes(chunk))
            else:
                self._hasher.update(chunk)
        self._file.write(chunk)
        self._unsynced += chunk.nbytes
        if self._unsynced >= SYNC_EVERY and self._fsync and hasattr(os, "fdatasync") and self._syncing.is_idle:
            self._unsynced = 0
            self._syncing.submit(os.fdatasync, self._file.fileno())


class _Background:
    """A thread that does one thing after the other; made when there is something to do.

    Args:
        limit: How many things may wait before ``submit`` does.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[Any]] = deque()

    @property
    def is_used(self) -> bool:
        """Whether it was ever given anything to do."""
        return self._pool is not None

    @property
    def is_idle(self) -> bool:
        """Whether it has done all that it was given."""
        return all(item.done() for item in self._waiting)

    def submit(self, work: Callable[[Any], object], argument: Any) -> None:
        """Have something done; raises what went wrong with something earlier."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        if len(self._waiting) >= self._limit:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(work, argument))

    def finish(self) -> None:
        """Wait until all is done; raises what went wrong."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown()


def write_atomically(path: Path, write: Callable[[Path], None], *, fsync: bool = True) -> None:
    """Let ``write`` make a temporary file beside ``path``, then put it in place at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        reach("atomic.written")
        if fsync:
            _sync(temporary)
        temporary.replace(path)
        reach("atomic.renamed")
    finally:
        temporary.unlink(missing_ok=True)
    if fsync and os.name == "posix":
        _sync(path.parent)


def write_json(path: Path, value: Any, *, fsync: bool = True) -> None:
    """Write JSON atomically."""
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    write_atomically(path, lambda part: _write_text(part, text), fsync=fsync)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _sync(path: Path) -> None:
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
