"""Where things stand in the text of a notebook file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]

__all__ = ["CellLayout", "Member", "cell_layouts", "members", "source_lines"]

_BLANKS = re.compile(r"[ \t\r\n]*")
_BRACKET_OR_STRING = re.compile(r'["{}\[\]]')
_SCALAR = re.compile(r"[^\s,\]}]+")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, by offsets in the text.

    Args:
        key_start: Of the key's opening quote.
        start: Where the value begins.
        end: Behind the value.
    """

    key: str
    key_start: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CellLayout:
    """A cell's object in the text.

    Args:
        start: Of its opening brace.
        end: Behind its closing brace.
        members: In their order.
    """

    start: int
    end: int
    members: tuple[Member, ...]

    def member(self, key: str) -> Member | None:
        """Return the member with this key, the last one if there are several, as JSON readers do."""
        return next((item for item in reversed(self.members) if item.key == key), None)


def cell_layouts(text: str) -> list[CellLayout]:
    """Find the cells of a notebook.

    Args:
        text: A notebook's JSON, known to be well formed.

    Returns:
        One layout for each cell, in their order.
    """
    top = CellLayout(0, len(text), tuple(members(text, text.index("{"))))
    cells = top.member("cells")
    if cells is None:
        return []
    return [CellLayout(start, end, tuple(members(text, start))) for start, end in _elements(text, cells.start)]


def source_lines(text: str) -> list[list[int]]:
    """Find the lines of the file on which the lines of the cells' sources stand.

    Args:
        text: A notebook's JSON, known to be well formed.

    Returns:
        For each cell, the 1-based line of the file for each line of its source.
    """
    breaks = [match.start() for match in re.finditer("\n", text)]
    found = []
    for cell in cell_layouts(text):
        source = cell.member("source")
        pieces = list(_strings(text, source.start)) if source is not None else []
        found.append(_lines([(bisect_right(breaks, offset) + 1, piece) for offset, piece in pieces]))
    return found


def members(text: str, start: int) -> Iterator[Member]:
    """Go through the members of the object that begins at an offset."""
    at = _skip_blanks(text, start + 1)
    while text[at] == '"':
        key, after = scanstring(text, at + 1, False)
        value = _skip_blanks(text, _skip_blanks(text, after) + 1)
        end = _value_end(text, value)
        yield Member(key, at, value, end)
        at = _skip_blanks(text, end)
        if text[at] == ",":
            at = _skip_blanks(text, at + 1)


def _elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Offsets of the elements of the array that begins at an offset."""
    at = _skip_blanks(text, start + 1)
    while text[at] != "]":
        end = _value_end(text, at)
        yield at, end
        at = _skip_blanks(text, end)
        if text[at] == ",":
            at = _skip_blanks(text, at + 1)


def _strings(text: str, start: int) -> Iterator[tuple[int, str]]:
    """A string, or the strings of an array, with their offsets."""
    spans = _elements(text, start) if text[start] == "[" else iter([(start, start)])
    for at, _ in spans:
        yield at, scanstring(text, at + 1, False)[0]


def _lines(pieces: list[tuple[int, str]]) -> list[int]:
    """Line by line of the joined pieces, the line of the file where the piece with its beginning stands."""
    lines: list[int] = []
    begins = True
    for number, piece in pieces:
        first, *rest = piece.split("\n")
        if begins and (first or rest):
            lines.append(number)
        lines += [number] * (len(rest) - 1)
        if rest and rest[-1]:
            lines.append(number)
        begins = rest[-1] == "" if rest else begins and not first
    return lines


def _skip_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()


def _value_end(text: str, start: int) -> int:
    """The offset behind the value that begins at an offset; nesting of any depth is fine."""
    if text[start] == '"':
        return int(scanstring(text, start + 1, False)[1])
    if text[start] not in "{[":
        match = _SCALAR.match(text, start)
        assert match is not None
        return match.end()
    depth, at = 0, start
    while True:
        match = _BRACKET_OR_STRING.search(text, at)
        assert match is not None
        at = match.end()
        if match.group() == '"':
            at = scanstring(text, at, False)[1]
            continue
        depth += 1 if match.group() in "{[" else -1
        if depth == 0:
            return at
