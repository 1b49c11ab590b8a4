"""Why a step begins at a cell, in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlops.notebook.model import Cell
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.suggest.code import Stage
from jupyter_mlops.pipeline.suggest.roles import listed
from jupyter_mlops.pipeline.suggest.segments import Page, Segment

__all__ = ["reason_for"]

_DOES: Mapping[Stage, str] = {
    "load": "loads data",
    "prepare": "works on earlier values",
    "split": "splits the data",
    "train": "trains",
    "predict": "predicts",
    "evaluate": "evaluates",
    "save": "writes files",
    "explore": "only looks, nothing below depends on it",
    "compute": "computes something new",
}


def reason_for(
    cell: Cell, page: Page, segments: Sequence[Segment], place: int | None, owner: Step | None, pipeline: Pipeline
) -> str:
    """Say why a cell is tagged, or why not.

    Args:
        place: Position of the segment that the cell starts, or None if it starts none.
        owner: The step the cell belongs to.
    """
    if place is None or owner is None or segments[place].fixed:
        return _untagged(cell, owner)
    segment = segments[place]
    stage = page.stage(segment.cells)
    heading = segment.heading
    why = f'heading "{heading.text}"' if heading is not None else _DOES[stage]
    return "; ".join([why, *_crossing(owner), *_beside(place, segments, owner, pipeline)])


def _untagged(cell: Cell, owner: Step | None) -> str:
    if cell.role != "step" or cell.step is not None or cell.metrics:
        return "has tags already"
    return f"goes on with {owner.name}" if owner is not None else "stays as it is"


def _crossing(step: Step) -> list[str]:
    found = []
    if step.inputs:
        found.append(f"takes {listed(step.inputs)}")
    if step.outputs:
        found.append(f"gives {listed(step.outputs)}")
    return found


def _beside(place: int, segments: Sequence[Segment], owner: Step, pipeline: Pipeline) -> list[str]:
    """Whether it can run beside the step above it."""
    slugs = [step.slug for step in pipeline.steps]
    at = slugs.index(owner.slug)
    if at == 0 or place == 0:
        return []
    above = pipeline.steps[at - 1]
    return [] if above.slug in _ancestors(owner.slug, pipeline) else [f"can run beside {above.name}"]


def _ancestors(slug: str, pipeline: Pipeline) -> set[str]:
    seen: set[str] = set()
    todo = [slug]
    while todo:
        for source in pipeline.upstream(todo.pop()):
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return seen
