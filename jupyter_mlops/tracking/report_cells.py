"""The executed notebook as a report shows it: cells in groups of their steps, and the figures in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from markupsafe import Markup

    from jupyter_mlops.tracking.rendering import Output, Renderer
    from jupyter_mlops.tracking.report_steps import StepView

__all__ = ["OUTPUT_NOTEBOOK", "CellView", "FigureView", "GroupView", "cell_groups", "figures"]

OUTPUT_NOTEBOOK = "output.ipynb"
"""The executed notebook in a run's folder."""

_MOST_OPEN = 60
"""Cells beyond which the steps are folded."""

_LARGEST_GALLERY = 3_000_000
"""Characters of pictures that are shown twice, in the gallery and at their cells."""

_MOST_FIGURES = 60

_MARKER = "papermill-error-cell-tag"
_LABELS = (
    ("injected-parameters", "parameters of this run"),
    ("parameters", "parameters"),
    ("imports", "imports"),
    ("functions", "functions"),
    ("setup", "setup"),
    ("skip", "skipped"),
)


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as the page shows it.

    Args:
        label: What a cell outside of all steps is for.
    """

    id: str
    kind: str
    source: Markup
    outputs: tuple[Output, ...]
    count: int | None
    step: StepView | None
    label: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """Cells of one step that stand together, or cells between steps.

    Args:
        begins: Whether the step begins here.
        is_folded: Whether the reader has to open it.
    """

    step: StepView | None
    cells: tuple[CellView, ...]
    begins: bool
    is_folded: bool


@dataclass(frozen=True, slots=True)
class FigureView:
    """A picture in the gallery.

    Args:
        picture: The picture; None where the gallery would become too large.
    """

    cell: str
    step: StepView | None
    picture: Markup | None


def cell_groups(folder: Path, pipeline: Pipeline | None, steps: Mapping[str, StepView]) -> tuple[GroupView, ...]:
    """Render the executed notebook of a run's folder."""
    from jupyter_mlops.tracking.rendering import Renderer

    pairs = _pairs(folder, pipeline, steps)
    renderer = Renderer()
    views = [_cell(renderer, cell, steps.get(slug)) for cell, slug in pairs]
    is_long = sum(view.kind != "markdown" for view in views) > _MOST_OPEN
    groups: list[list[CellView]] = []
    for view in views:
        if groups and groups[-1][0].step is view.step:
            groups[-1].append(view)
        else:
            groups.append([view])
    seen = set[str]()
    found = []
    for cells in groups:
        step = cells[0].step
        slug = "" if step is None else step.record.slug
        failed = step is not None and step.record.status == "failed"
        is_folded = is_long and step is not None and not failed
        found.append(GroupView(step, tuple(cells), bool(slug) and slug not in seen, is_folded))
        seen.add(slug)
    return tuple(found)


def figures(groups: Sequence[GroupView]) -> tuple[FigureView, ...]:
    """Gather the pictures of all cells."""
    found = [
        (cell, output)
        for group in groups
        for cell in group.cells
        for output in cell.outputs
        if output.kind == "picture"
    ][:_MOST_FIGURES]
    fits = sum(len(output.html) for _, output in found) <= _LARGEST_GALLERY
    return tuple(FigureView(cell.id, cell.step, output.html if fits else None) for cell, output in found)


def _pairs(
    folder: Path, pipeline: Pipeline | None, steps: Mapping[str, StepView]
) -> list[tuple[Mapping[str, Any], str]]:
    """Each cell with the slug of its step."""
    owners = {cell: step.slug for step in pipeline.steps for cell in step.cells} if pipeline else {}
    found = [cell for cell in _read_cells(folder / OUTPUT_NOTEBOOK) if not _is_marker(cell)]
    if found:
        return [(cell, owners.get(str(cell.get("id")), "")) for cell in found]
    return [
        (cell, slug)
        for slug, view in steps.items()
        if view.record.notebook
        for cell in _read_cells(folder / view.record.notebook)
        if not _is_ours(cell)
    ]


def _cell(renderer: Renderer, cell: Mapping[str, Any], step: StepView | None) -> CellView:
    source = cell.get("source", "")
    source = "".join(source) if isinstance(source, list) else str(source)
    kind = str(cell.get("cell_type"))
    outputs = cell.get("outputs")
    return CellView(
        id=str(cell.get("id", "")),
        kind=kind,
        source=renderer.markdown(source, cell.get("attachments")) if kind == "markdown" else renderer.code(source),
        outputs=renderer.outputs(outputs) if isinstance(outputs, list) else (),
        count=cell.get("execution_count"),
        step=step,
        label="" if kind == "markdown" or step else _label(cell),
    )


def _label(cell: Mapping[str, Any]) -> str:
    tags = (cell.get("metadata") or {}).get("tags") or ()
    return next((label for tag, label in _LABELS if tag in tags), "")


def _is_marker(cell: Mapping[str, Any]) -> bool:
    """Whether papermill's ways say here that something failed, which the top of the report says."""
    return _MARKER in ((cell.get("metadata") or {}).get("tags") or ())


def _is_ours(cell: Mapping[str, Any]) -> bool:
    return bool(((cell.get("metadata") or {}).get("mlops") or {}).get("role"))


def _read_cells(path: Path) -> list[Mapping[str, Any]]:
    """The cells of an executed notebook; none if it is not there or was cut off."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
