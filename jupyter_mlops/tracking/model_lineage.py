"""What a registered model came from: code, data, parameters, commit, environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.pipeline.model import Pipeline, Snippet
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, RunRecord, StepRecord
from jupyter_mlops.tracking.recorded import Recorded

__all__ = ["LineageCell", "LineageData", "LineageStep", "ModelLineage", "model_lineage"]


@dataclass(frozen=True, slots=True)
class LineageCell:
    """A cell of the notebook as it was when the run began.

    Args:
        number: Its place on the page, counted from 1 over all cells; None where that is not known.
        source: What it says; of cells that are replayed (imports, functions, parameters), what the steps took of them.
    """

    id: str
    number: int | None
    source: str


@dataclass(frozen=True, slots=True)
class LineageStep:
    """A step that the model came through.

    Args:
        computed_in: The run that computed its results, if they were reused.
        replayed: Code of other cells that it needed.
        took: Ids of the artifacts that it took.
    """

    name: str
    slug: str
    status: str
    computed_in: str | None
    cells: tuple[LineageCell, ...]
    replayed: tuple[LineageCell, ...]
    took: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineageData:
    """A content on the way to the model.

    Args:
        step: Slug of the step that made it; empty for a file of the project that was read.
    """

    name: str
    step: str
    digest: str
    bytes: int
    type: str | None


@dataclass(frozen=True, slots=True)
class ModelLineage:
    """Everything that is on record of how a model came into being.

    Args:
        steps: From the first to the one that made the model.
        data: Files that were read, then what steps handed on; the model itself is the last.
        parameters: Of the run, those that these steps read; all where that is not known.
        environment: Python, platform, distributions, as far as recorded.
        uncommitted: Whether there were changes besides the commit; None if that was not recorded.
    """

    run_id: str
    pipeline: str
    notebook: str | None
    commit: str | None
    uncommitted: bool | None
    user: str | None
    started: int
    steps: tuple[LineageStep, ...]
    data: tuple[LineageData, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[LineageData, ...]:
        """The files of the project that were read."""
        return tuple(item for item in self.data if not item.step)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``models show --format json`` prints."""
        return {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "notebook": self.notebook,
            "commit": self.commit,
            "uncommitted": self.uncommitted,
            "user": self.user,
            "started": self.started,
            "parameters": dict(self.parameters),
            "environment": dict(self.environment),
            "steps": [
                {
                    "name": step.name,
                    "slug": step.slug,
                    "status": step.status,
                    "computed_in": step.computed_in,
                    "cells": [_cell(cell) for cell in step.cells],
                    "replayed": [_cell(cell) for cell in step.replayed],
                    "took": list(step.took),
                }
                for step in self.steps
            ],
            "data": [
                {
                    "name": item.name,
                    "step": item.step or None,
                    "digest": item.digest,
                    "bytes": item.bytes,
                    "type": item.type,
                }
                for item in self.data
            ],
        }


def model_lineage(database: Database, run: RunRecord, step: str, artifact: str, page: Recorded | None) -> ModelLineage:
    """Follow an artifact back through the run that made it.

    Args:
        step: Slug of the step that made it, and ``artifact`` its id.
        page: The run's notebook and pipeline, where it kept them.
    """
    steps = {item.slug: item for item in database.steps_of(run.run_id)}
    made = {item.id: item for item in database.artifacts_of(run.run_id)}
    taken = {slug: database.artifacts_of(run.run_id, slug, "in") for slug in steps}
    passed = _upstream(step, taken, made)
    ordered = [item for item in steps.values() if item.slug in passed]
    return ModelLineage(
        run_id=run.run_id,
        pipeline=run.pipeline,
        notebook=run.notebook,
        commit=run.commit,
        uncommitted=_uncommitted(database, run),
        user=run.user,
        started=run.started,
        steps=tuple(_step(item, taken[item.slug], page) for item in ordered),
        data=tuple(_data(ordered, taken, made, artifact)),
        parameters=_parameters(run, passed, page),
        environment=_environment(database, run),
    )


def _upstream(step: str, taken: Mapping[str, Iterable[ArtifactRecord]], made: Mapping[str, ArtifactRecord]) -> set[str]:
    found: set[str] = set()
    waiting = [step]
    while waiting:
        slug = waiting.pop()
        if slug not in found:
            found.add(slug)
            waiting += [made[item.id].step for item in taken.get(slug, ()) if item.id in made]
    return found


def _step(step: StepRecord, taken: Iterable[ArtifactRecord], page: Recorded | None) -> LineageStep:
    planned = None if page is None else next((item for item in page.pipeline.steps if item.slug == step.slug), None)
    numbers, sources = _page(page)
    return LineageStep(
        step.name,
        step.slug,
        step.status,
        step.reused_from,
        tuple(
            LineageCell(cell, numbers.get(cell), sources.get(cell, "")) for cell in (planned.cells if planned else ())
        ),
        _replayed((*planned.replay, *planned.replay_loaded), numbers) if planned else (),
        tuple(item.id for item in taken),
    )


def _replayed(snippets: Iterable[Snippet], numbers: Mapping[str, int]) -> tuple[LineageCell, ...]:
    return tuple(LineageCell(item.cell, numbers.get(item.cell), item.source.strip("\n")) for item in snippets)


def _page(page: Recorded | None) -> tuple[dict[str, int], dict[str, str]]:
    if page is None:
        return {}, {}
    cells = page.notebook.cells
    return {cell.id: cell.index + 1 for cell in cells}, {cell.id: cell.source for cell in cells}


def _data(
    steps: Iterable[StepRecord],
    taken: Mapping[str, Iterable[ArtifactRecord]],
    made: Mapping[str, ArtifactRecord],
    artifact: str,
) -> list[LineageData]:
    records = {item.id: item for step in steps for item in taken[step.slug] if item.kind != "state"}
    files = {name: item for name, item in records.items() if name not in made}
    others = {name: item for name, item in records.items() if name in made and name != artifact}
    last = [made[artifact]] if artifact in made else []
    return [
        LineageData(item.name, made[item.id].step if item.id in made else "", item.digest, item.bytes, item.type)
        for item in (*files.values(), *others.values(), *last)
    ]


def _parameters(run: RunRecord, slugs: set[str], page: Recorded | None) -> dict[str, Any]:
    if page is None:
        return dict(run.parameters)
    read = _read_by(page.pipeline, slugs)
    return {name: value for name, value in run.parameters.items() if name in read}


def _read_by(pipeline: Pipeline, slugs: set[str]) -> set[str]:
    return {name for step in pipeline.steps if step.slug in slugs for name in step.parameters}


def _environment(database: Database, run: RunRecord) -> dict[str, Any]:
    try:
        found = json.loads(database.document(run.run_id, "environment") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _uncommitted(database: Database, run: RunRecord) -> bool | None:
    documents = database.documents(run.run_id)
    if "git-diff" in documents:
        return True
    # Who records the environment records the changes, too; without either nobody looked.
    return False if run.commit is not None and "environment" in documents else None


def _cell(cell: LineageCell) -> dict[str, Any]:
    return {"id": cell.id, "number": cell.number, "source": cell.source}
