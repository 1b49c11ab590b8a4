"""Notebook JSON of nbformat 4.0 to 4.4 as nbformat 4.5, in memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["assign_ids", "joined", "upgrade_cell", "upgrade_notebook"]

_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NEWEST_MINOR = 5


def joined(source: str | Sequence[str]) -> str:
    """Return a multi-line string of the format, which may be a list of lines, as one string."""
    return source if isinstance(source, str) else "".join(source)


def assign_ids(cells: Iterable[tuple[object, str, str]]) -> list[str]:
    """Give each cell a valid id that no other cell has.

    A valid id stays; of cells that share one, the first keeps it. A cell without one gets a digest
    of its kind, its content and the number of equal cells above it, so that editing or moving
    other cells doesn't change it.

    Args:
        cells: The id as found (or anything else, such as None), the kind and the source of each cell.

    Returns:
        An id per cell, in order.
    """
    listed = list(cells)
    taken = {found for found, _, _ in listed if _is_valid(found)}
    used: set[object] = set()
    ordinals: dict[tuple[str, str], int] = {}
    ids: list[str] = []
    for found, kind, source in listed:
        ordinal = ordinals.get((kind, source), 0)
        ordinals[kind, source] = ordinal + 1
        if isinstance(found, str) and _is_valid(found) and found not in used:
            new = found
        else:
            stem = found[:40] + "-" if isinstance(found, str) and _is_valid(found) else ""
            new = _fresh_id(stem, kind, source, ordinal, taken)
        used.add(new)
        taken.add(new)
        ids.append(new)
    return ids


def upgrade_cell(cell: Mapping[str, Any], cell_id: str) -> dict[str, Any]:
    """Return the cell as nbformat 4.5 has it; outputs and attachments are shared, not copied."""
    upgraded = {**cell, "id": cell_id, "source": joined(cell["source"])}
    upgraded.setdefault("metadata", {})
    if upgraded["cell_type"] == "code":
        upgraded.setdefault("outputs", [])
        count = upgraded.get("execution_count")
        upgraded["execution_count"] = count if type(count) is int else None
    return upgraded


def upgrade_notebook(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a well-formed notebook as nbformat 4.5.

    Args:
        raw: The notebook's JSON, nbformat 4; it is not changed.

    Returns:
        A new notebook with new cells; metadata, outputs and attachments are shared with ``raw``.
    """
    cells = raw["cells"]
    ids = assign_ids((cell.get("id"), cell["cell_type"], joined(cell["source"])) for cell in cells)
    return {
        **raw,
        "cells": [upgrade_cell(cell, cell_id) for cell, cell_id in zip(cells, ids, strict=True)],
        "metadata": raw.get("metadata", {}),
        "nbformat": 4,
        "nbformat_minor": max(_NEWEST_MINOR, raw.get("nbformat_minor", 0)),
    }


def _is_valid(cell_id: object) -> bool:
    return isinstance(cell_id, str) and _VALID_ID.fullmatch(cell_id) is not None


def _fresh_id(stem: str, kind: str, source: str, ordinal: int, taken: set[object]) -> str:
    attempt = 0
    while True:
        text = "\0".join((kind, str(ordinal), str(attempt), source))
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        if stem + digest not in taken:
            return stem + digest
        attempt += 1
