"""Adds tags to the text of a notebook file, and leaves every other byte as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.notebook.layout import CellLayout, Member, cell_layouts, members

__all__ = ["add_tags"]

_LEVELS_ABOVE_CELL_MEMBERS = 3  # the notebook, its cells, the cell


@dataclass(frozen=True, slots=True)
class _Style:
    """How the file is written.

    Args:
        indent: Of a cell's members, or None where all stands on one line.
        unit: One level of indentation.
    """

    indent: str | None
    unit: str
    newline: str

    def break_at(self, level: int) -> str:
        """What stands before a member, so many levels below the cell's own members."""
        return "" if self.indent is None else self.newline + self.indent + self.unit * level

    def write(self, value: object, level: int) -> str:
        """The value of a member at this level."""
        if self.indent is None:
            return json.dumps(value, ensure_ascii=False)
        return json.dumps(value, ensure_ascii=False, indent=self.unit).replace("\n", self.break_at(level))


def add_tags(text: str, tags: Mapping[int, Sequence[str]]) -> str:
    """Add tags to cells.

    Args:
        text: A notebook's JSON, known to be well formed; a byte order mark may stand before it.
        tags: For cells by their positions, the tags to add; tags that a cell has already are left out.

    Returns:
        The text with the tags, in the file's own layout; where JSON keys are sorted, they stay so.
    """
    edits: list[tuple[int, int, str]] = []
    for index, cell in enumerate(cell_layouts(text)):
        if tags.get(index):
            edits += _edit(text, cell, tags[index])
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _edit(text: str, cell: CellLayout, tags: Sequence[str]) -> list[tuple[int, int, str]]:
    style = _style(text, cell)
    metadata = cell.member("metadata")
    if metadata is None:
        return [_insert(cell.start, cell.end, cell.members, "metadata", {"tags": list(dict.fromkeys(tags))}, style, 0)]
    inner = tuple(members(text, metadata.start))
    known = next((item for item in reversed(inner) if item.key == "tags"), None)
    if known is None:
        return [_insert(metadata.start, metadata.end, inner, "tags", list(dict.fromkeys(tags)), style, 1)]
    present = json.loads(text[known.start : known.end])
    every = list(dict.fromkeys([*present, *tags]))
    return [] if every == present else [(known.start, known.end, style.write(every, 1))]


def _insert(
    start: int, end: int, inner: Sequence[Member], key: str, value: object, style: _Style, level: int
) -> tuple[int, int, str]:
    """The edit that puts a new member into the object at ``start``."""
    written = f'"{key}": {style.write(value, level)}'
    if not inner:
        outer = style.break_at(level - 1) if style.indent is not None else ""
        return start, end, "{" + style.break_at(level) + written + outer + "}"
    keys = [item.key for item in inner]
    after = next((item for item in inner if item.key > key), None) if keys == sorted(keys) else None
    if after is not None:
        return after.key_start, after.key_start, written + "," + (style.break_at(level) or " ")
    last = inner[-1].end
    return last, last, "," + (style.break_at(level) or " ") + written


def _style(text: str, cell: CellLayout) -> _Style:
    first = cell.members[0].key_start
    line = text.rfind("\n", 0, first) + 1
    indent = text[line:first]
    if line == 0 or indent.strip():
        return _Style(None, "", "\n")
    unit = indent[: len(indent) // _LEVELS_ABOVE_CELL_MEMBERS]
    return _Style(indent, unit, "\r\n" if text[line - 2 : line] == "\r\n" else "\n")
