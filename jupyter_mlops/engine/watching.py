"""Waits until files change."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["FileState", "states_of", "wait_for_change"]

FileState = tuple[int, int, int] | None
"""Size, time and inode of a file; None where there is none."""

_POLL = 0.25


def states_of(paths: Iterable[Path]) -> dict[Path, FileState]:
    """Look at files."""
    return {path: _state(path) for path in paths}


def wait_for_change(known: Mapping[Path, FileState]) -> list[Path]:
    """Wait until files differ from what is known of them, and nobody writes them any more.

    Returns:
        Those that differ.
    """
    now = states_of(known)
    while now == known:
        time.sleep(_POLL)
        now = states_of(known)
    while True:  # many programs save by putting another file in the place of the old one
        time.sleep(_POLL)
        later = states_of(known)
        if later == now:
            return [path for path in known if now[path] != known[path]]
        now = later


def _state(path: Path) -> FileState:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
