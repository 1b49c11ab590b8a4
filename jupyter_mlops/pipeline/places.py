"""Where something is in a notebook, in words for people."""

from __future__ import annotations

from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["cell_labels", "cell_place", "source_line"]

_LONGEST_TITLE = 60


def cell_place(notebook: Notebook, cell: str | None, line: int | None = None, pipeline: Pipeline | None = None) -> str:
    """Name a cell by its number on the page, counted from 1 over all cells, and by its step.

    Args:
        cell: Id of the cell, or None for the notebook as a whole.
        line: 1-based line in the cell.
        pipeline: For the name of the cell's step; what the tags say where it is None.

    Returns:
        Such as ``cell 3 (train), line 2``; empty for the notebook as a whole.
    """
    found = next((item for item in notebook.cells if item.id == cell), None)
    if found is None:
        return ""
    owner = _owner(notebook, found, pipeline)
    place = f"cell {found.index + 1}" + (f" ({owner})" if owner else "")
    return place if line is None else f"{place}, line {line}"


def cell_labels(notebook: Notebook) -> dict[str, str]:
    """Name each code cell by its number on the page and what it is about.

    Returns:
        For each cell's id a text such as ``cell 3: Train the forest``: the heading right above the cell, else its
        first line.
    """
    labels = {}
    above: Cell | None = None
    for cell in notebook.cells:
        if cell.kind == "code":
            title = printable(_heading(above) or _first_line(cell.source))
            short = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 3]}..."
            labels[cell.id] = f"cell {cell.index + 1}" + (f": {short}" if short else "")
        above = cell
    return labels


def source_line(notebook: Notebook, cell: str | None, line: int | None) -> str | None:
    """Return this 1-based line of the cell's source, or None if there is no such line."""
    found = next((item for item in notebook.cells if item.id == cell), None)
    lines = found.source.split("\n") if found else []
    return lines[line - 1] if line is not None and 0 < line <= len(lines) else None


def _owner(notebook: Notebook, cell: Cell, pipeline: Pipeline | None) -> str | None:
    """The step of a cell, or its role where it belongs to none."""
    for step in pipeline.steps if pipeline else ():
        if cell.id in step.cells:
            return step.name
    if cell.role == "text":
        return None
    if cell.role != "step":
        return cell.role
    named = [item.step for item in notebook.cells[: cell.index + 1] if item.step is not None]
    return named[-1] if named else None


def _heading(cell: Cell | None) -> str:
    """The last heading of a markdown cell."""
    if cell is None or cell.kind != "markdown":
        return ""
    headings = [line.strip("# \t") for line in cell.source.split("\n") if line.startswith("#")]
    return headings[-1] if headings else ""


def _first_line(source: str) -> str:
    lines = (line.strip().lstrip("#").strip() for line in source.split("\n"))
    return next((line for line in lines if line), "")
