"""Which files of the project a step touches: by what Python says it opens, and by what has changed on disk."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .content import content_of

__all__ = ["Stamp", "Watcher", "file_digest", "stamps"]

Stamp = tuple[int, int, int]
IGNORED_FOLDERS = frozenset({"__pycache__", ".ipynb_checkpoints", ".mlops", ".git", ".pytest_cache"})
IGNORED_FILES = frozenset({"matplotlibrc"})
IGNORED_SUFFIXES = (".py", ".pyc", ".so", ".pyd", ".pth", ".egg-link")
PICKLES = frozenset({".pkl", ".pickle", ".p", ".joblib", ".sav"})
MOST_PICKLED = 256 * 1024 * 1024
PROCESSES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.forkpty"}
)
_CELL = re.compile(r"ipykernel_\d+[\\/]|^<ipython-input")
_STARTERS = ("subprocess", "pty", "os", "asyncio", "IPython", "pexpect", "ptyprocess", "ipykernel")


def stamps(root: Path) -> dict[str, Stamp]:
    """Size, time and inode of every file below a folder, by its relative path."""
    found = {}
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in IGNORED_FOLDERS]
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118 (many files)
            try:
                info = os.stat(path)  # noqa: PTH116
            except OSError:
                continue
            found[Path(path).relative_to(root).as_posix()] = (info.st_size, info.st_mtime_ns, info.st_ino)
    return found


def file_digest(path: Path) -> str | None:
    """Digest of a file's bytes; of its content where the bytes of equal contents differ."""
    if path.suffix.lower() in PICKLES and path.stat().st_size <= MOST_PICKLED:
        digest = _pickled(path)
        if digest is not None:
            return digest
    hasher = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while chunk := file.read(8 * 1024 * 1024):
                hasher.update(chunk)
    except OSError:
        return None
    return hasher.hexdigest()


def _pickled(path: Path) -> str | None:
    """The user's own file, read in the process that has just written it."""
    try:
        if path.read_bytes()[:1] == b"\x80" and path.suffix.lower() != ".joblib":
            import pickle

            with path.open("rb") as file:
                return content_of(pickle.load(file)).digest
        import joblib

        return content_of(joblib.load(path)).digest
    except Exception:
        return None


class Watcher:
    """Listens to Python's audit events; there is no way to stop, so that it can be told to look away.

    Args:
        root: The copy of the project.
        project: The project itself, for code that names it by an absolute path.
    """

    def __init__(self, root: Path, project: Path) -> None:
        self.watching = False
        self._roots = tuple(os.path.normcase(str(path)) + os.sep for path in (root, project))
        self._root = root
        self._events: dict[tuple[str, str], dict[str, Any]] = {}
        self._inside = False

    def listen(self) -> None:
        """Begin."""
        sys.addaudithook(self._hear)

    def take(self) -> list[dict[str, Any]]:
        """Return what happened since the last call."""
        events, self._events = list(self._events.values()), {}
        return events

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching or self._inside:
            return
        if event != "open" and event != "sqlite3.connect" and event not in PROCESSES:
            return
        self._inside = True
        try:
            if event in PROCESSES:
                self._note_process(event, arguments)
            else:
                self._note_file(event, arguments)
        except Exception:  # whatever happens here must not happen to the user
            pass
        finally:
            self._inside = False

    def _note_file(self, event: str, arguments: tuple[Any, ...]) -> None:
        place = arguments[0]
        if isinstance(place, int) or place is None:
            return
        path = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(place)))  # noqa: PTH109,PTH118
        root = next((item for item in self._roots if os.path.normcase(path).startswith(item)), None)
        if root is None:
            return
        relative = path[len(root) :].replace(os.sep, "/")
        writes, reads = (True, True) if event == "sqlite3.connect" else _access(arguments)
        name = relative.rpartition("/")[2]
        if IGNORED_FOLDERS.intersection(relative.split("/")) or name in IGNORED_FILES:
            return
        if not writes and name.endswith(IGNORED_SUFFIXES):
            return
        for kind in ("write",) * writes + ("read",) * reads:
            self._note(kind, relative)

    def _note_process(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_users_own():
            return
        command: Any = "a shell command"
        if event == "subprocess.Popen":
            command = arguments[1] if arguments[1] else arguments[0]
        elif arguments:
            command = arguments[1] if event == "os.posix_spawn" else arguments[0]
        if isinstance(command, (list, tuple)):
            command = " ".join(os.fsdecode(item) for item in command)
        self._note("process", os.fsdecode(command)[:200])

    def _note(self, kind: str, name: str) -> None:
        if (kind, name) not in self._events:
            self._events[kind, name] = {"kind": kind, "name": name, "line": self._line(), "cwd": self._where()}

    def _where(self) -> str | None:
        try:
            return Path.cwd().relative_to(self._root).as_posix()
        except (ValueError, OSError):
            return None

    def _line(self) -> int | None:
        """The line of the notebook's cell that is being executed."""
        lines = [line for name, line in _frames() if _is_cell(name)]
        return lines[-1] if lines else None

    def _is_users_own(self) -> bool:
        """Whether the notebook or a module of the project starts a process, rather than a library."""
        for name, _ in _frames():
            parts = re.split(r"[\\/<> ]|\.py", name)
            if _is_cell(name):
                return True
            if os.path.normcase(name).startswith(self._roots) and "site-packages" not in parts:
                return True
            if not any(part in _STARTERS for part in parts):
                return False
        return False


def _access(arguments: tuple[Any, ...]) -> tuple[bool, bool]:
    """Whether a file is opened for writing, and for reading."""
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(sign in mode for sign in "wax+"), "r" in mode or "+" in mode
    access = (flags or 0) & (os.O_WRONLY | os.O_RDWR)
    return bool(access), access != os.O_WRONLY


def _is_cell(name: str) -> bool:
    return _CELL.search(name) is not None


def _frames() -> Iterator[tuple[str, int]]:
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
