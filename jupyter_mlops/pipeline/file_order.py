"""Steps run in one folder: whoever touches a file that another one writes keeps the order of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.analysis.model import CellFacts

__all__ = ["file_conflicts"]


@dataclass(frozen=True, slots=True)
class _Touches:
    reads: frozenset[str]
    writes: frozenset[str]
    any_read: bool
    any_write: bool

    @property
    def something(self) -> bool:
        return bool(self.reads or self.writes or self.any_read or self.any_write)


def file_conflicts(steps: Sequence[Sequence[CellFacts]]) -> list[tuple[int, int, str]]:
    """Pairs of steps whose order matters for files.

    Returns:
        (earlier, later, path or ``files``) by positions.
    """
    every = enumerate(_touches(cells) for cells in steps)
    touches = [(place, item) for place, item in every if item.something]
    found = []
    for position, (later, second) in enumerate(touches):
        for earlier, first in touches[:position]:
            path = _conflict(first, second)
            if path is not None:
                found.append((earlier, later, path))
    return found


def _touches(cells: Sequence[CellFacts]) -> _Touches:
    return _Touches(
        frozenset(path for cell in cells for path in cell.files_read),
        frozenset(path for cell in cells for path in cell.files_written),
        any(cell.unknown_files is not None for cell in cells),
        any(cell.unknown_writes for cell in cells),
    )


def _conflict(first: _Touches, second: _Touches) -> str | None:
    if (first.any_write and second.something) or (second.any_write and first.something):
        return "files"
    if (first.any_read and second.writes) or (second.any_read and first.writes):
        return "files"
    for written, touched in ((first.writes, second.reads | second.writes), (second.writes, first.reads)):
        for path in sorted(written):
            if any(_same(path, other) for other in touched):
                return f"file:{path}"
    return None


def _same(path: str, other: str) -> bool:
    return path == other or other.startswith(path + "/") or path.startswith(other + "/")
