"""The proposal: roles, steps and names put together, and checked by slicing the notebook with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlops.analysis.interpreter import analyse
from jupyter_mlops.analysis.machine import Environment
from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.diagnostics import Diagnostic, has_errors
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.pipeline.suggest.code import CellCode, Stage, read_code
from jupyter_mlops.pipeline.suggest.flow import Flow, find_flow, find_ties
from jupyter_mlops.pipeline.suggest.headings import find_headings
from jupyter_mlops.pipeline.suggest.model import CellSuggestion, Suggestion
from jupyter_mlops.pipeline.suggest.naming import name_segments
from jupyter_mlops.pipeline.suggest.reasons import reason_for
from jupyter_mlops.pipeline.suggest.roles import Proposed, find_metrics, find_roles
from jupyter_mlops.pipeline.suggest.segments import Page, Segment, cut, merge_at

__all__ = ["suggest"]

_NEAR = 3
_MOST_TRIES = 40
_FORWARD = frozenset({"MLO050"})


@dataclass(slots=True)
class _Draft:
    """A proposal in the making.

    Args:
        roles: By cell.
        metrics: By cell.
        segments: In the order of the page.
    """

    notebook: Notebook
    page: Page
    roles: dict[int, Proposed]
    metrics: dict[int, Proposed]
    segments: list[Segment]
    names: list[str] = field(default_factory=list)

    def tags(self) -> dict[int, list[str]]:
        """The tags to add, by cell."""
        self.names = name_segments(self.notebook, self.page, self.segments)
        found = {cell: [item.tag] for cell, item in self.roles.items()}
        for segment, name in zip(self.segments, self.names, strict=True):
            if segment.fixed:
                continue
            found[segment.cells[0]] = [f"step:{name}"]
            for cell in segment.cells:
                if cell in self.metrics:
                    found[cell] = [f"step:{name}", "metrics"]
        return found


def suggest(notebook: Notebook, environment: Environment | None = None) -> Suggestion:
    """Propose tags for the cells of a notebook that have none; nothing is executed or written.

    The proposal is sliced; where that shows an error, the steps in question are merged.

    Args:
        environment: What is known of the environment the notebook runs in.
    """
    before = slice_notebook(notebook, environment)
    draft = _draft(notebook, environment)
    known = {_key(item) for item in before.diagnostics if item.severity == "error"}
    pipeline = before
    for _ in range(_MOST_TRIES):
        pipeline = slice_notebook(_tagged(notebook, draft.tags()), environment)
        new = [item for item in pipeline.diagnostics if item.severity == "error" and _key(item) not in known]
        if not new or not _mend(draft, new):
            break
    else:
        draft.roles, draft.metrics, draft.segments = {}, {}, []
        pipeline = before
    return _suggestion(draft, pipeline)


def _key(item: Diagnostic) -> tuple[str, str | None, int | None]:
    return item.code, item.cell, item.line


# --- drafting ---------------------------------------------------------------------------------------------------------


def _draft(notebook: Notebook, environment: Environment | None) -> _Draft:
    cells = [cell for cell in notebook.cells if cell.kind == "code" and cell.role != "skip"]
    skipped = [cell for cell in notebook.cells if cell.role == "skip" and cell.kind == "code"]
    facts = analyse(cells, environment, skipped=skipped)
    codes = read_code(cells, facts)
    free = [cell.index for cell in cells if cell.role == "step" and cell.step is None and not cell.metrics]
    roles = find_roles(notebook, facts, codes, free)
    page = _page(notebook, facts, codes, roles)
    metrics = find_metrics(facts, codes, [cell for cell in page.work if cell not in page.fixed], page.flow)
    measured: dict[int, Stage] = {cell: "evaluate" for cell in metrics if page.stages[cell] != "train"}
    page = replace(page, stages={**page.stages, **measured})
    ties = find_ties(facts, page.work, page.flow, near=_NEAR)
    return _Draft(notebook, page, roles, metrics, cut(page, ties) if page.work else [])


def _page(
    notebook: Notebook, facts: NotebookFacts, codes: Mapping[int, CellCode], roles: Mapping[int, Proposed]
) -> Page:
    """The cells to be cut into steps: those above the first step that the user has named."""
    named = min((cell.index for cell in notebook.cells if cell.step is not None), default=len(notebook.cells))
    every = [cell.index for cell in notebook.cells if cell.index in codes and cell.role == "step"]
    every = [index for index in every if index not in roles]
    flow = find_flow(facts, every)
    work = [index for index in every if index < named]
    fixed = frozenset(index for index in work if notebook.cells[index].metrics)
    stages = {index: _stage(facts, codes[index], index, bool(flow.gives[index])) for index in work}
    return Page(work, codes, stages, flow, find_headings(notebook), fixed)


def _stage(facts: NotebookFacts, code: CellCode, index: int, gives: bool) -> Stage:
    stage = code.stage(facts.cells[index])
    if stage != "compute":
        return stage
    if not gives and code.parsed:
        return "explore"
    made = [facts.versions[number] for number in facts.cells[index].made]
    read = {facts.versions[use.version].name for use in facts.cells[index].uses}
    again = any(
        version.name in read or any(facts.versions[item].cell != index for item in version.previous)
        for version in made
        if version.kind != "code" and not version.name.startswith("$")
    )
    return "prepare" if again else "compute"


# --- checking ---------------------------------------------------------------------------------------------------------


def _tagged(notebook: Notebook, tags: Mapping[int, Sequence[str]]) -> Notebook:
    """The notebook with more tags, in memory."""
    cells: list[dict[str, Any]] = []
    for index, cell in enumerate(notebook.raw["cells"]):
        metadata = cell["metadata"]
        if tags.get(index):
            metadata = {**metadata, "tags": [*(metadata.get("tags") or ()), *tags[index]]}
        cells.append({**cell, "metadata": metadata})
    return parse_notebook({**notebook.raw, "cells": cells}, notebook.path)


def _mend(draft: _Draft, problems: Sequence[Diagnostic]) -> bool:
    """Take back what has led to an error; tell whether there was anything to take back."""
    index_of = {cell.id: cell.index for cell in draft.notebook.cells}
    places = [index_of.get(item.cell or "", -1) for item in problems]
    wrong = [cell for cell in places if cell in draft.roles]
    if wrong:
        for cell in dict.fromkeys(wrong):
            _drop_role(draft, cell)
        return True
    if len(draft.segments) > 1:
        pairs = {_pair(draft, cell, forward=item.code in _FORWARD) for item, cell in zip(problems, places, strict=True)}
        for place in sorted(pairs, reverse=True):
            draft.segments = merge_at(draft.segments, place)
        return True
    if draft.roles:
        for cell in list(draft.roles):
            _drop_role(draft, cell)
        return True
    return False


def _pair(draft: _Draft, cell: int, *, forward: bool) -> int:
    """The first of the two steps to merge: that of a cell and its neighbour, the last two if the cell is in none."""
    last = len(draft.segments) - 2
    place = next((place for place, item in enumerate(draft.segments) if cell in item.cells), last + 1)
    return min(place if forward else max(place - 1, 0), last)


def _drop_role(draft: _Draft, cell: int) -> None:
    """Let a cell be part of the step around it after all."""
    del draft.roles[cell]
    page, segments = draft.page, draft.segments
    none: frozenset[str] = frozenset()
    stage: Stage = "compute"
    draft.page = replace(
        page,
        work=sorted([*page.work, cell]),
        stages={**page.stages, cell: stage},
        flow=Flow({**page.flow.takes, cell: {}}, {**page.flow.gives, cell: none}),
    )
    before = [place for place, item in enumerate(segments) if item.cells[0] < cell and not item.fixed]
    place = before[-1] if before else 0
    if not segments:
        draft.segments = [Segment((cell,))]
        return
    joined = tuple(sorted((*segments[place].cells, cell)))
    draft.segments = [*segments[:place], Segment(joined, segments[place].heading), *segments[place + 1 :]]


# --- the result -------------------------------------------------------------------------------------------------------


def _suggestion(draft: _Draft, pipeline: Pipeline) -> Suggestion:
    tags = draft.tags()
    found = [
        _cell(draft, pipeline, cell, tuple(tags.get(cell.index, ())))
        for cell in draft.notebook.cells
        if cell.kind == "code"
    ]
    steps = tuple(step.name for step in pipeline.steps)
    return Suggestion(draft.notebook.name, steps, tuple(found), not has_errors(pipeline.diagnostics))


def _cell(draft: _Draft, pipeline: Pipeline, cell: Cell, add: tuple[str, ...]) -> CellSuggestion:
    replayed = cell.index in draft.roles or cell.role != "step"
    owner = next((step for step in pipeline.steps if cell.id in step.cells), None) if not replayed else None
    if cell.index in draft.roles:
        reason = draft.roles[cell.index].reason
    else:
        metrics = draft.metrics.get(cell.index)
        place = next((place for place, item in enumerate(draft.segments) if cell.index in item.cells), None)
        starts = place is not None and draft.segments[place].cells[0] == cell.index
        reason = reason_for(cell, draft.page, draft.segments, place if starts else None, owner, pipeline)
        if metrics is not None:
            reason = f"{metrics.reason}; {reason}" if starts else metrics.reason
    return CellSuggestion(cell.id, cell.index + 1, owner.name if owner else None, add, reason)
