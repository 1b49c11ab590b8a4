"""Private copies of the project, so that runs neither see nor disturb each other or the user."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["Leavings", "Workspace", "plan_copy"]

MOST_FILES = 20_000
MOST_BYTES = 1024**3
LINKED_BYTES = 64 * 1024**2
"""Larger files are linked instead of copied if no step writes them."""

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".mlops", "__pycache__", ".ipynb_checkpoints", "node_modules"})


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What belongs to the project when ``verify`` begins.

    Args:
        root: The folder that is copied.
        folders: Relative paths, parents first.
        files: Relative path, and whether a link does.
    """

    root: Path
    folders: tuple[str, ...]
    files: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Leavings:
    """What a step has changed in its copy.

    Args:
        place: Where its files are kept.
        folders: New ones, as relative paths, parents first.
        files: New and changed ones.
        gone: Files and folders that are there no more, parents first.
    """

    place: Path
    folders: tuple[str, ...]
    files: tuple[str, ...]
    gone: tuple[str, ...]


class _TooMuch(Exception):
    pass


def plan_copy(root: Path, folder: Path, may_write: Callable[[Path], bool]) -> CopyPlan:
    """Find out what to copy: the project, or the notebook's folder alone if the project is too large.

    Args:
        root: The project's root.
        folder: Where the notebook runs, in ``root``.
        may_write: Whether a step may write a file.

    Raises:
        UsageError: The notebook's own folder is too large.
    """
    for candidate in dict.fromkeys((root, folder)):
        try:
            return _plan(candidate, may_write)
        except _TooMuch:
            continue
    raise UsageError(
        f"The folder {folder} is too large to work in copies of it: more than {MOST_FILES} files or 1 GiB.",
        hint="Put the notebook and what it reads into a folder of its own.",
    )


def _plan(root: Path, may_write: Callable[[Path], bool]) -> CopyPlan:
    folders: list[str] = []
    files: list[tuple[str, bool]] = []
    total = 0
    for path in _walk(root):
        relative = path.relative_to(root).as_posix()
        if path.is_dir() and not path.is_symlink():
            folders.append(relative)
            continue
        try:
            size = path.stat().st_size
        except OSError:
            continue
        linked = path.is_file() and size > LINKED_BYTES and not may_write(path)
        total += 0 if linked else size
        files.append((relative, linked))
        if len(files) + len(folders) > MOST_FILES or total > MOST_BYTES:
            raise _TooMuch
    return CopyPlan(root, tuple(folders), tuple(files))


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        is_folder = entry.is_dir() and not entry.is_symlink()
        if entry.name in LEFT_OUT or (is_folder and (entry / "pyvenv.cfg").exists()):
            continue
        if is_folder or entry.is_file() or entry.is_symlink():
            yield entry
        if is_folder:
            yield from _walk(entry)


class Workspace:
    """A place where one copy of the project stands at a time, so that every run sees the same paths.

    Args:
        place: An empty folder of ours.
        plan: What to copy.
        folder: Where the notebook runs.
    """

    def __init__(self, place: Path, plan: CopyPlan, folder: Path) -> None:
        self.project = plan.root
        self.root = place.resolve() / (plan.root.name or "project")
        self.folder = self.root / folder.relative_to(plan.root)
        self._plan = plan
        self._stamps: dict[str, tuple[int, int]] = {}

    def renew(self, leavings: Sequence[Leavings] = ()) -> Path:
        """Put a fresh copy there; return the folder to run in.

        Args:
            leavings: What earlier steps have changed, in their order.

        Raises:
            InfrastructureError: The disk is full or failed.
        """
        try:
            if self.root.exists():
                shutil.rmtree(self.root)
            self.root.mkdir(parents=True)
            for name in self._plan.folders:
                (self.root / name).mkdir()
            for name, linked in self._plan.files:
                self._copy(name, linked=linked)
            self._stamps = {name: _stamp(path) for name, path in self._files().items()}
            for item in leavings:
                self._add(item)
        except OSError as error:
            raise InfrastructureError(f"The project can't be copied to {self.root}: {error}.") from error
        return self.folder

    def keep(self, place: Path) -> Leavings:
        """Move what has been changed since there was a fresh copy to a new folder.

        Raises:
            InfrastructureError: The disk is full or failed.
        """
        try:
            place.mkdir(parents=True)
            present = self._files()
            every = {path.relative_to(self.root).as_posix() for path in _walk(self.root)}
            files = tuple(name for name, path in present.items() if self._stamps.get(name) != _stamp(path))
            folders = tuple(sorted(every - present.keys() - set(self._plan.folders)))
            gone = tuple(name for name in (*self._plan.folders, *self._stamps) if name not in every)
            for name in files:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                present[name].rename(place / name)
        except OSError as error:
            raise InfrastructureError(f"What a step has written can't be kept in {place}: {error}.") from error
        return Leavings(place, folders, files, gone)

    def _files(self) -> dict[str, Path]:
        paths = (path for path in _walk(self.root) if path.is_symlink() or not path.is_dir())
        return {path.relative_to(self.root).as_posix(): path for path in paths}

    def _add(self, leavings: Leavings) -> None:
        for name in leavings.gone:
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for name in leavings.folders:
            (self.root / name).mkdir(exist_ok=True)
        for name in leavings.files:
            (self.root / name).unlink(missing_ok=True)
            shutil.copy2(leavings.place / name, self.root / name, follow_symlinks=False)

    def _copy(self, name: str, *, linked: bool) -> None:
        source, target = self.project / name, self.root / name
        if source.is_symlink():
            goal = source.resolve()
            inside = goal.is_relative_to(self.project) and not source.readlink().is_absolute()
            target.symlink_to(source.readlink() if inside else goal)
        elif linked:
            try:
                target.symlink_to(source)
            except OSError:  # Windows asks for a privilege
                shutil.copy2(source, target)
        else:
            try:
                shutil.copy2(source, target)
            except (FileNotFoundError, PermissionError):  # gone meanwhile, or not for us: the notebook will see
                return


def _stamp(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_mtime_ns, status.st_size
