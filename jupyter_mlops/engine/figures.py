"""The figures that a step's cells have shown, as artifacts: they are taken from its executed notebook."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.runtime.agreed import PLOTLY
from jupyter_mlops.runtime.describe import TIMES
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["FIGURE", "figures_of", "is_figure"]

FIGURE = "figure"
"""Kind of these artifacts, and the middle of their ids."""

MOST = 200
"""Figures of a step."""

LARGEST = 20_000_000
"""Bytes of a figure."""

ROOM = 100_000_000
"""Bytes of all figures of a step."""

_PNG = b"\x89PNG\r\n\x1a\n"
_DISPLAYS = ("display_data", "execute_result")
_TYPES = (PLOTLY, "image/svg+xml", "image/png", "image/jpeg", "text/html")
"""In the order of preference: of one output, one picture is kept."""


@dataclass(frozen=True, slots=True)
class _Picture:
    cell: str
    type: str
    content: bytes


def is_figure(record: ArtifactRecord) -> bool:
    """Tell whether an artifact was taken from an executed notebook."""
    return record.id.partition(".")[2].startswith(f"{FIGURE}:")


def figures_of(
    executed: Mapping[str, Any], notebook: Notebook, step: Step, objects: ObjectStore
) -> tuple[tuple[ArtifactRecord, ...], str | None]:
    """Store the figures that a step's own cells show.

    Args:
        executed: The step's executed notebook.
        notebook: The user's notebook, for the numbers of cells.
        objects: Where they go; equal ones are one object.

    Returns:
        Their records in the order of the page, and what there is to say if some were left out.

    Raises:
        InfrastructureError: The disk is full or failed.
    """
    found = [item for cell in executed.get("cells", ()) if cell.get("id") in step.cells for item in _pictures(cell)]
    numbers = {cell.id: cell.index + 1 for cell in notebook.cells}
    records: list[ArtifactRecord] = []
    room, seen = ROOM, dict.fromkeys(step.cells, 0)
    for item in found:
        seen[item.cell] += 1
        if len(records) == MOST or len(item.content) > min(LARGEST, room):
            continue
        room -= len(item.content)
        several = sum(other.cell == item.cell for other in found) > 1
        number = f" {seen[item.cell]}" if several else ""
        records.append(
            ArtifactRecord(
                f"{step.slug}.{FIGURE}:{item.cell}:{seen[item.cell]}",
                FIGURE,
                (f"figure{number} of cell {numbers.get(item.cell, '?')}",),
                objects.put_bytes(item.content),
                len(item.content),
                type=item.type,
                preview=_preview(item),
            )
        )
    left_out = len(found) - len(records)
    note = f"{left_out} of its figures are in the executed notebook alone: too many, or too large" if left_out else None
    return tuple(records), note


def _pictures(cell: Mapping[str, Any]) -> Iterator[_Picture]:
    for output in cell.get("outputs") or ():
        if output.get("output_type") not in _DISPLAYS:
            continue
        data = output.get("data") or {}
        for kind in _TYPES:
            content = _content(kind, data[kind]) if kind in data else None
            if content:
                yield _Picture(str(cell["id"]), kind, content)
                break


def _content(kind: str, value: Any) -> bytes | None:
    """The bytes of a picture; None if it is none."""
    if kind == PLOTLY:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") if isinstance(value, Mapping) else None
    text = "".join(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    if not isinstance(text, str):
        return None
    if kind in ("image/png", "image/jpeg"):
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            return None
    if kind == "text/html" and not ("Plotly.newPlot" in text or "Plotly.react" in text):
        return None  # a table, not a figure
    return text.encode("utf-8", "replace")


def _preview(item: _Picture) -> str:
    if item.type == "image/png" and item.content[:8] == _PNG and len(item.content) >= 24:
        width, height = struct.unpack(">II", item.content[16:24])
        return f"PNG {width}{TIMES}{height}"
    names = {"image/svg+xml": "SVG", "image/jpeg": "JPEG", "image/png": "PNG", "text/html": "plotly figure"}
    return names.get(item.type, "plotly figure")
