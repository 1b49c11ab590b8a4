"""The processes of a step: those below its kernel, and those that left it but carry its mark."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["descendants", "end_marked", "end_marked_below", "marked"]

_PROC = Path("/proc")


def descendants(pid: int) -> list[int]:
    """Return the processes below this one; cheap where the system lists a process's children."""
    if not _lists_children():
        return _descendants_of_all(pid)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = list(_children(waiting.pop()))
        found += below
        waiting += below
    return found


def marked(variable: str, value: str) -> list[int]:
    """Return this user's processes that were started with an environment variable of this value.

    A process that the user's code sends into the background with ``setsid`` or ``nohup`` loses its parent and its
    process group, but what it inherited in its environment stays with it.
    """
    own = os.getpid()
    return [pid for pid, environment in _environments() if pid != own and environment.get(variable) == value]


def end_marked(variable: str, value: str) -> None:
    """End such processes at once."""
    for pid in marked(variable, value):
        with contextlib.suppress(OSError):
            os.kill(pid, 9)


def end_marked_below(variable: str, folder: Path) -> None:
    """End those of this user's processes that were started with the path of something in a folder."""
    own = os.getpid()
    for pid, environment in _environments():
        value = environment.get(variable)
        if pid != own and value and Path(value).is_relative_to(folder):
            with contextlib.suppress(OSError):
                os.kill(pid, 9)


def _lists_children() -> bool:
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                yield from map(int, (thread / "children").read_bytes().split())


def _descendants_of_all(pid: int) -> list[int]:
    import psutil

    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _environments() -> Iterator[tuple[int, dict[str, str]]]:
    if sys.platform.startswith("linux"):
        for folder in _PROC.iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):  # it ended, or it is another user's
                    yield int(folder.name), _parsed((folder / "environ").read_bytes())
        return
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            yield process.pid, process.environ()


def _parsed(raw: bytes) -> dict[str, str]:
    entries = (os.fsdecode(entry).partition("=") for entry in raw.split(b"\0") if entry)
    return {name: value for name, _, value in entries}
