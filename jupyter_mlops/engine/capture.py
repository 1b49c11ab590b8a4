"""What is kept of the outputs of a cell: all of it, within limits that no memory, disk or screen is too small for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.engine.steplog import Lines

__all__ = ["LIMITS", "Capture", "Limits", "readable_size", "shortened"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    Args:
        text: Characters from the beginning of what a cell prints.
        lines: Lines from there; notebooks hold each as a text of its own.
        tail: Characters from its end, where it prints more.
        outputs: Pieces of output of a cell; text beyond them counts as the end.
        rich: Characters that the tables, images and the like of a cell may have.
        step: Characters from the beginnings of what all cells of a step print.
        message: Bytes of a single table, image or the like; a larger one is not even unpacked.
    """

    text: int = 10_000_000
    lines: int = 200_000
    tail: int = 250_000
    outputs: int = 2_000
    rich: int = 50_000_000
    step: int = 100_000_000
    message: int = 64_000_000


LIMITS = Limits()
_LONGEST_MESSAGE = 100_000


class Capture:
    """Decides what is kept of a step's outputs, cell by cell.

    Args:
        limits: How much.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._step = limits.step
        self.begin()

    def begin(self) -> None:
        """A cell begins."""
        self._room = self._given = min(self._limits.text, self._step)
        self._lines = self._limits.lines
        self._count = 0
        self._rich = self._limits.rich
        self._end: _End | None = None
        self._dropped = 0

    def clear(self) -> None:
        """The cell has cleared its outputs."""
        self._step += self._given - self._room
        self.begin()

    def text(self, stream: str, text: str, left_out: int = 0, end: str = "") -> str:
        """Take what the cell prints.

        Args:
            left_out: Characters that went missing after it.
            end: What came after these.

        Returns:
            What is kept of it at this place; the rest is up to ``end``.
        """
        if self._end is None:
            self._count += 1
            kept = self._beginning(text) if self._count <= self._limits.outputs else ""
            self._room -= len(kept)
            self._step -= len(kept)
            text = text[len(kept) :]
            if not text and not left_out:
                return kept
            self._end = _End(self._limits.tail)
        else:
            kept = ""
        self._end.add(stream, text)
        if left_out:
            self._end.skip(left_out)
            self._end.add(stream, end)
        return kept

    @property
    def room(self) -> int:
        """How many more characters of text are kept at their place."""
        return self._room if self._end is None else 0

    def _beginning(self, text: str) -> str:
        """As much of a text as there is room for."""
        kept = text[: self._room]
        lines = kept.count("\n")
        if lines > self._lines:
            kept = kept[: -len(kept.split("\n", self._lines)[-1])]
            lines = self._lines
        self._lines -= lines
        return kept

    def data(self, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Take a table, an image or the like.

        Returns:
            What is shown of it: itself, or words in its place; None if there have been too many.
        """
        self._count += 1
        if self._count > self._limits.outputs:
            self._dropped += 1
            return None
        shown = self.update(data)
        self._rich -= _size(shown)
        return shown

    def update(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take what replaces an output that is there already; the same as ``data`` otherwise."""
        size = _size(data)
        if size <= self._rich:
            return data
        limit = readable_size(self._limits.rich)
        return {"text/plain": f"[{', '.join(data)} of {readable_size(size)} left out: a cell shows up to {limit}]"}

    def end(self) -> str | None:
        """The cell has ended: return what follows the text that was kept, if there was more."""
        if self._end is None and not self._dropped:
            return None
        text = "" if self._end is None else self._end.text()
        left_out = 0 if self._end is None else self._end.left_out
        notices = []
        if left_out:
            notices.append(
                f"{readable_size(left_out)} of output left out here: of a cell the first "
                f"{readable_size(self._limits.text)} or {self._limits.lines:,} lines and the end are kept"
            )
        if self._dropped:
            notices.append(f"{self._dropped} outputs left out: of a cell {self._limits.outputs} are kept")
        return "".join(f"\n[{notice}]\n" for notice in notices) + text


@dataclass
class _End:
    """The last lines of what a cell prints."""

    size: int
    left_out: int = 0
    _lines: deque[str] = field(default_factory=deque)
    _held: int = 0
    _source: Lines = field(default_factory=Lines)

    def add(self, stream: str, text: str) -> None:
        """Take more of it."""
        if len(text) > self.size:
            self.left_out += len(text) - self.size
            text = text[-self.size :]
        for line in self._source.add(stream, text):
            self._lines.append(line)
            self._held += len(line) + 1
        while self._held > self.size:
            gone = len(self._lines.popleft()) + 1
            self._held -= gone
            self.left_out += gone

    def skip(self, left_out: int) -> None:
        """Note that something is missing here: what came before it is not the end."""
        self.left_out += left_out + self._held
        self._lines.clear()
        self._held = 0
        self._source = Lines()

    def text(self) -> str:
        """Return what is there."""
        rest = self._source.rest()
        return "".join(f"{line}\n" for line in self._lines) + "\n".join(rest)


def _size(data: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, (str, bytes)) else len(repr(value)) for value in data.values())


def readable_size(count: int) -> str:
    """``1.5 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.3g} {unit}" if unit != "B" else f"{count} B"


def shortened(text: str) -> str:
    """Cut the middle out of a message that nobody could read."""
    if len(text) <= _LONGEST_MESSAGE:
        return text
    half = _LONGEST_MESSAGE // 2
    return f"{text[:half]}\n[{readable_size(len(text) - 2 * half)} left out]\n{text[-half:]}"
