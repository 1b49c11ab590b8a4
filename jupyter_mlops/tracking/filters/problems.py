"""What is wrong with a filter, and where."""

from __future__ import annotations

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.drawing.labels import display_width

__all__ = ["FilterError", "shortened"]

_BEFORE, _AFTER = 60, 40
"""Characters shown around the place."""


class FilterError(UsageError):
    """A filter, an order or a list of columns that makes no sense.

    Args:
        what: ``filter``, ``order`` or ``list of columns``.
        problem: What is wrong, a sentence without its full stop.
        text: The whole of it.
        position: Where in it, from 0; the end is its length.
    """

    def __init__(self, what: str, problem: str, text: str, position: int, *, hint: str | None = None) -> None:
        super().__init__(f"{problem} (in the {what}, character {position + 1}).\n{_pointed(text, position)}", hint=hint)
        self.text = text
        self.position = position


def _pointed(text: str, position: int) -> str:
    """The line with the place, and a caret under it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    before, after = text[start:position], text[position : len(text) if end < 0 else end]
    if len(before) > _BEFORE:
        before = "..." + before[-_BEFORE:]
    if len(after) > _AFTER:
        after = after[:_AFTER] + "..."
    before, after = printable(before), printable(after)
    return f"  {before}{after}\n  {' ' * display_width(before)}^"


def shortened(text: str) -> str:
    """Return a text as messages quote it."""
    return printable(text if len(text) <= _AFTER else text[:_AFTER] + "...")
