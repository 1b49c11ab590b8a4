"""A step's log: what it prints, as it appears, as lines of plain text."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from types import TracebackType
from typing import IO

__all__ = ["Lines", "StepLog", "shorten_log"]

_LONGEST_LINE = 65_536
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_LARGEST_LOG = 100_000_000
_LARGEST_FILE = 4_000_000
_KEPT = 100_000


class Lines:
    """Makes lines of text that comes in pieces; what ``\\r`` lets overwrite is gone, as on a terminal."""

    def __init__(self) -> None:
        self._pending: dict[str, str] = {}

    def add(self, stream: str, text: str) -> list[str]:
        """Take text; return the lines that are complete by it."""
        *lines, rest = (self._pending.pop(stream, "") + text).split("\n")
        done = [_overwritten(line) for line in lines]
        shown = _overwritten(rest)
        rest = f"{shown}\r" if rest.endswith("\r") else shown
        if len(rest) > _LONGEST_LINE:
            done.append(rest)
        elif rest:
            self._pending[stream] = rest
        return done

    def rest(self) -> list[str]:
        """Return what was printed without an end of the line."""
        pending = [self._pending.pop(stream) for stream in sorted(self._pending)]
        return [line for text in pending if (line := _overwritten(text))]


class StepLog:
    """Appends to a step's log, line by line; a disk that is full takes nothing from the step.

    Args:
        path: The file; it is made when the log is opened, and removed if nothing came into it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = Lines()
        self._file: IO[str] | None = None
        self._room = _LARGEST_LOG

    def __enter__(self) -> StepLog:
        with contextlib.suppress(OSError):
            self._file = self._path.open("a", encoding="utf-8", errors="replace", newline="\n", buffering=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_size == 0:
                self._path.unlink()

    def write(self, stream: str, text: str) -> None:
        """Take what a stream printed."""
        self._append(self._lines.add(stream, text))

    def flush(self) -> None:
        """Write what waits for the end of its line."""
        self._append(self._lines.rest())

    def note(self, text: str) -> None:
        """Write lines of another origin, without their colours."""
        self.flush()
        self._append(_ANSI.sub("", text).split("\n"))

    def _append(self, lines: list[str]) -> None:
        if self._file is None or not lines or self._room < 0:
            return
        text = "\n".join(lines) + "\n"
        self._room -= len(text)
        if self._room < 0:
            text = "[the rest of this log was left out: it grew too large]\n"
        with contextlib.suppress(OSError):
            self._file.write(text)
            self._file.flush()


def shorten_log(path: Path) -> None:
    """Keep the end of a file that has grown too large; whoever writes must have opened it to append."""
    with contextlib.suppress(OSError):
        if path.stat().st_size <= _LARGEST_FILE:
            return
        with path.open("r+b") as file:
            file.seek(-_KEPT, 2)
            end = file.read(_KEPT)
            file.seek(0)
            file.write(b"[the beginning of this log was left out: it grew too large]\n" + end)
            file.truncate()


def _overwritten(line: str) -> str:
    """What a terminal would show of a line, a final ``\\r`` belonging to the end of the line."""
    return line.rstrip("\r").rpartition("\r")[2]
