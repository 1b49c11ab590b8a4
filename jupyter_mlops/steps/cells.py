"""Notebook cells as plain dicts: the few operations that this package needs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "ERROR_TAG",
    "INJECTED_TAG",
    "PARAMETERS_TAG",
    "code_cell",
    "has_tag",
    "markdown_cell",
    "own_cell",
    "parameters_cells",
    "role_of",
    "text_of",
    "unexecuted",
]

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
ERROR_TAG = "papermill-error-cell-tag"


def text_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's source as one text; files hold it as lines or as one text."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def has_tag(cell: Mapping[str, Any], tag: str) -> bool:
    """Tell whether a cell carries this tag."""
    return tag in (cell.get("metadata", {}).get("tags") or ())


def role_of(cell: Mapping[str, Any]) -> str | None:
    """Return what a cell of ours in a step notebook is for; None for the user's own cells."""
    ours = cell.get("metadata", {}).get("mlops")
    role = ours.get("role") if isinstance(ours, Mapping) else None
    return role if isinstance(role, str) else None


def code_cell(cell_id: str, source: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Make a code cell that has not been executed."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": dict(metadata),
        "outputs": [],
        "source": source,
    }


def markdown_cell(cell_id: str, source: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Make a markdown cell."""
    return {"cell_type": "markdown", "id": cell_id, "metadata": dict(metadata), "source": source}


def own_cell(role: str, source: str, *, suffix: str = "", tags: Iterable[str] = ()) -> dict[str, Any]:
    """Make a cell of ours: its id and metadata say what it is for."""
    metadata: dict[str, Any] = {"mlops": {"role": role}}
    if tags := list(tags):
        metadata["tags"] = tags
    return code_cell(f"mlops-{role}{suffix}", source, metadata)


def unexecuted(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a cell without what an execution left in it."""
    kept = {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
    result: dict[str, Any] = copy.deepcopy(kept)
    result["source"] = text_of(cell)
    result.setdefault("metadata", {})
    if result["cell_type"] == "code":
        result["outputs"] = []
        result["execution_count"] = None
    return result


def parameters_cells(raw: Mapping[str, Any], parameter_cells: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return the notebook's parameters cells in their order.

    Args:
        raw: The notebook's JSON.
        parameter_cells: Ids of the cells that are known to define parameters, whatever their tags.
    """
    known = set(parameter_cells)
    return [
        cell
        for cell in raw.get("cells", [])
        if cell.get("cell_type") == "code" and (cell.get("id") in known or has_tag(cell, PARAMETERS_TAG))
    ]
