"""Takes outputs out of the text of a notebook file, and leaves every other byte as it is."""

from __future__ import annotations

import json
from typing import Any

from jupyter_mlops.notebook.layout import cell_layouts

__all__ = ["KEEP", "strip_outputs"]

KEEP = "keep_output"
"""A cell with this tag keeps its outputs."""

_EMPTY: dict[str, Any] = {"outputs": [], "execution_count": None}


def strip_outputs(text: str) -> str:
    """Take the outputs and the execution counts of all code cells away.

    Args:
        text: A notebook's JSON, known to be well formed; a byte order mark may stand before it.

    Returns:
        The text in its own layout; the same one if there was nothing to take away.
    """
    cells = json.loads(text.removeprefix("\ufeff"))["cells"]
    edits = []
    for cell, layout in zip(cells, cell_layouts(text), strict=True):
        if cell.get("cell_type") != "code" or KEEP in (cell.get("metadata") or {}).get("tags", ()):
            continue
        for name, empty in _EMPTY.items():
            member = layout.member(name)
            if member is not None and cell[name] != empty:
                edits.append((member.start, member.end, json.dumps(empty)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
