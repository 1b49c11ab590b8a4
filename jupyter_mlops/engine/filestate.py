"""The files that a step changes, as they were before it: so that another attempt begins where the first one did."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlops.pipeline.model import Step

__all__ = ["FileSnapshot"]

_LARGEST_FOLDER = 1_000_000_000
"""Bytes; a larger folder is neither copied nor put back."""


class FileSnapshot:
    """Keeps copies of what a step declares to write.

    Files that earlier steps made are put back by the step's load cell anyway; this is for those of the project, and
    for what a failed attempt left.

    Args:
        step: The step.
        cwd: Where it runs.
        place: Folder for the copies; need not exist.
    """

    def __init__(self, step: Step, cwd: Path, place: Path) -> None:
        self._targets = dict(enumerate(cwd / name for name in step.files_written))
        self._place = place
        self._taken = False

    def prepare(self) -> None:
        """Copy the files before the first attempt; put them back before each further one.

        Raises:
            OSError: A file can't be copied.
        """
        if self._taken:
            for number, target in self._targets.items():
                self._restore(target, self._place / str(number))
            return
        self._place.mkdir(parents=True, exist_ok=True)
        for number, target in list(self._targets.items()):
            if target.is_dir() and not self._can_be_copied(target):
                del self._targets[number]
            elif target.exists():
                _copy(target, self._place / str(number))
        self._taken = True

    def _can_be_copied(self, folder: Path) -> bool:
        if self._place.resolve().is_relative_to(folder.resolve()):
            return False  # the project itself
        return sum((folder / name).lstat().st_size for name in _files(folder)) <= _LARGEST_FOLDER

    def _restore(self, target: Path, copy: Path) -> None:
        if not copy.exists():
            _remove(target)
        elif copy.is_dir() and target.is_dir():
            kept = set(_files(copy))
            for name in set(_files(target)) - kept:
                (target / name).unlink(missing_ok=True)
            for name in kept:
                _restore_file(copy / name, target / name)
        elif copy.is_dir():
            _remove(target)
            _copy(copy, target)
        else:
            _restore_file(copy, target)


def _files(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def _restore_file(copy: Path, target: Path) -> None:
    """Put a file back, if it is another one by now; the file itself stays, with its links and its rights."""
    if target.is_file() and _state(copy) == _state(target):
        return
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(copy, target)


def _remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
