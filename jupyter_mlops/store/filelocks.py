"""Keeps runs of several processes from mixing up the user's files while a step reads, writes or is saved.

Two runs of one pipeline in one folder write the same files. Without locks one would save what the other has written,
and hand it out again later.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.store.home import Home
from jupyter_mlops.store.lockfiles import lock
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["FileLocks", "Wanted", "unused"]

_PREFIX = "file-"


@dataclass
class _Held:
    descriptor: int
    shared: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files that a step uses; absolute paths.

    Args:
        writes: What it writes, or what is put in place for it.
        reads: What it only reads.
    """

    writes: frozenset[Path] = frozenset()
    reads: frozenset[Path] = frozenset()

    def locks(self) -> dict[str, tuple[Path, bool]]:
        """Return for each lock's name the path and whether others may hold it as well.

        Folders that a path lies in are held shared: a step may write a folder as a whole.
        """
        found: dict[str, tuple[Path, bool]] = {}
        parents = {parent for path in (*self.writes, *self.reads) for parent in path.parents}
        for path in (*self.writes, *sorted((self.reads | parents) - self.writes)):
            name = hash_bytes(os.fsencode(os.path.normcase(path)))[:32]
            found[_PREFIX + name] = path, path not in self.writes
        return found


class FileLocks:
    """Locks on files, held by a run as a whole: its own steps are in order already. Any thread may use it.

    Args:
        home: The store; runs with different stores don't know of each other.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.locks
        self._mutex = threading.Lock()
        self._held: dict[str, _Held] = {}

    def claim(self, wanted: Wanted) -> Path | None:
        """Take all locks, or none.

        Returns:
            None if they are taken; else a path that another run uses.
        """
        taken: list[str] = []
        with self._mutex:
            for name, (path, shared) in sorted(wanted.locks().items()):
                if not self._take(name, shared):
                    self._give_back(taken)
                    return path
                taken.append(name)
        return None

    def release(self, wanted: Wanted) -> None:
        """Give back what was claimed."""
        with self._mutex:
            self._give_back(wanted.locks())

    def _take(self, name: str, shared: bool) -> bool:
        held = self._held.get(name)
        if held is not None and (shared or not held.shared):
            held.count += 1
            return True
        if held is not None:
            return False  # steps of this run read it at this moment
        try:
            descriptor = lock(self._folder / name, shared=shared)
        except OSError:
            return True  # no locks on this file system
        if descriptor is None:
            return False
        self._held[name] = _Held(descriptor, shared)
        return True

    def _give_back(self, names: Iterable[str] | Mapping[str, object]) -> None:
        for name in names:
            held = self._held.get(name)
            if held is None:
                continue
            held.count -= 1
            if held.count == 0:
                os.close(held.descriptor)
                del self._held[name]


def unused(home: Home) -> Iterator[Path]:
    """Go through the locks that nobody holds; each is held while it is looked at."""
    for path in sorted(home.locks.glob(f"{_PREFIX}*")):
        with contextlib.suppress(OSError):
            descriptor = lock(path)
            if descriptor is not None:
                try:
                    yield path
                finally:
                    os.close(descriptor)
