"""Digests of the project's files, which need not be read again while they are untouched."""

from __future__ import annotations

import contextlib
import json
import stat
import time
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.store.objects import hash_bytes, hash_file

__all__ = ["ABSENT", "FileHashes", "UnknownContentError"]

ABSENT = "absent"
_SMALL = 1 << 18
"""Bytes up to which a file is simply read."""
_FRESH = 2_000_000_000
"""Nanoseconds in which a file may change once more without a new time."""
_MOST_FILES = 20_000
_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints", ".git", ".mlops"})


class UnknownContentError(Exception):
    """What a path holds can't be told."""


class FileHashes:
    """Digests by path; those of large files are remembered by size, times and inode.

    Args:
        memory: The file they are remembered in; None for nowhere.
    """

    def __init__(self, memory: Path | None) -> None:
        self._memory = memory
        self._known: dict[str, list[object]] = {}
        self._changed = False
        if memory is not None:
            with contextlib.suppress(OSError, ValueError):
                read = json.loads(memory.read_text(encoding="utf-8"))
                self._known = read if isinstance(read, dict) else {}

    def save(self) -> None:
        """Write down what was found out."""
        from jupyter_mlops.engine.output import write_whole

        if self._memory is not None and self._changed:
            with contextlib.suppress(OSError, InfrastructureError):
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._memory, json.dumps(self._known))

    def content(self, path: Path) -> str:
        """Return the digest of a file or of a whole folder, or ``absent``.

        Raises:
            UnknownContentError: It can't be read, is no file, or is too much.
        """
        try:
            if path.is_dir():
                return "folder:" + self._folder(path)
            return self.file(path)
        except FileNotFoundError:
            return ABSENT
        except (OSError, ValueError) as error:
            raise UnknownContentError(f"{path.name} can't be read ({error})") from error

    def file(self, path: Path) -> str:
        """Return the digest of a file."""
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnknownContentError(f"{path.name} is not a file")
        if found.st_size <= _SMALL:
            return hash_file(path)
        name, state = str(path.resolve()), [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        known = self._known.get(name)
        if isinstance(known, list) and known[:4] == state:
            return str(known[4])
        digest = hash_file(path)
        if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _FRESH:
            self._known[name] = [*state, digest]
            self._changed = True
        return digest

    def files_of(self, folder: Path) -> list[Path]:
        """List the files below a folder, without caches and hidden folders of tools.

        Raises:
            UnknownContentError: There are too many.
        """
        found = []
        for path in folder.rglob("*"):
            if _SKIPPED.isdisjoint(path.relative_to(folder).parts) and path.is_file():
                found.append(path)
                if len(found) > _MOST_FILES:
                    raise UnknownContentError(f"the folder {folder.name} has more than {_MOST_FILES:,} files")
        return sorted(found)

    def _folder(self, folder: Path) -> str:
        entries = [[path.relative_to(folder).as_posix(), self.file(path)] for path in self.files_of(folder)]
        return hash_bytes(json.dumps(entries).encode())
