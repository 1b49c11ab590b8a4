"""An artifact for those who look at it: what made it, what used it, what it looks like; its content is not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.locating import ABSENT, find_step
from jupyter_mlops.tracking.recorded import Recorded, Slicer, recorded

__all__ = ["artifacts_of", "figures_of", "histories_of"]

_MOST_CONSUMERS = 100
_WHY_NOT = {
    "file": "It is a file; load the inputs of a step that takes it to put it into place.",
    "state": "It is hidden state, not a value.",
    "figure": "It is a figure, not a value.",
}


def artifacts_of(
    database: Database,
    slicer: Slicer,
    *,
    run: str | None,
    step: str | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> list[dict[str, Any]]:
    """Return artifacts in the form that the panel has.

    Args:
        slicer: Makes the pipeline of a run's notebook.
        run: The run whose artifacts are meant; not needed with a digest.
        step: Only those of this step, by its name or slug.
        name: Only those that hold this variable or file, or have this id.
        digest: Only those whose content has a digest that begins so.

    Raises:
        UsageError: There is no such run, step or content, or too little was said.
    """
    view = _View(database, slicer)
    if run is None:
        if digest is None:
            raise UsageError("Name the run whose artifacts are meant, or the digest of one.")
        whole = database.digest(digest)
        events = database.producers(whole, 1) or database.consumers(whole, 1)
        return [view.of(event.artifact, event.direction) for event in events]
    run_id = database.run_id(run)
    slug = None if step is None else find_step(database, run_id, step).slug
    found = [
        (item, direction)
        for direction in ("out", "in")
        for item in database.artifacts_of(run_id, slug, direction)
        if item.serializer != ABSENT
        and (name is None or name in (*item.names, item.id))
        and (digest is None or item.digest.startswith(digest.lower()))
    ]
    made = {item.digest for item, direction in found if direction == "out"}
    # what a step took and another one of the same run made is there once
    return [
        view.of(item, direction) for item, direction in _once(found) if direction == "out" or item.digest not in made
    ]


def figures_of(database: Database, run_id: str) -> list[dict[str, Any]]:
    """Return the figures of a run, in the order of the page."""
    return [
        {
            "step": item.step,
            "cell": _cell_of(item),
            "number": _number_of(item),
            "name": item.name,
            "type": item.type,
            "digest": item.digest,
            "bytes": item.bytes,
        }
        for item in database.artifacts_of(run_id)
        if item.kind == "figure"
    ]


def histories_of(database: Database, run_id: str) -> list[dict[str, Any]]:
    """Return the metrics of a run that were reported more than once."""
    points: dict[str, list[dict[str, Any]]] = {}
    for metric in database.metrics_of(run_id):
        value = metric.value if metric.value - metric.value == 0 else None  # not finite
        points.setdefault(metric.name, []).append({"iteration": metric.iteration, "value": value})
    return [{"name": name, "run_id": run_id, "points": found} for name, found in points.items() if len(found) > 1]


class _View:
    def __init__(self, database: Database, slicer: Slicer) -> None:
        self._database = database
        self._recorded = cache(lambda run_id: recorded(database, database.run(run_id), slicer))

    def of(self, item: ArtifactRecord, direction: str) -> dict[str, Any]:
        why_not = _WHY_NOT.get(item.kind)
        return {
            "id": item.id,
            "kind": item.kind,
            "names": list(item.names),
            "digest": item.digest,
            "bytes": item.bytes,
            "type": item.type,
            "serializer": item.serializer,
            "preview": item.preview,
            "schema": None if item.schema is None else dict(item.schema),
            "members": {name: dict(member) for name, member in item.members.items()},
            "run_id": item.run_id,
            "step": item.step,
            "direction": direction,
            "producer": self._producer(item, direction),
            "consumers": self._consumers(item),
            "loadable": why_not is None,
            "why_not": why_not,
        }

    def _producer(self, item: ArtifactRecord, direction: str) -> dict[str, Any] | None:
        if direction == "out":
            run_id, slug = item.run_id, item.step
        else:
            makers = [event for event in self._database.producers(item.digest) if event.artifact.id == item.id]
            same = [event for event in makers if event.run_id == item.run_id]
            if not makers:
                return None
            run_id, slug = (same or makers)[0].run_id, (same or makers)[0].step
        step = next(found for found in self._database.steps_of(run_id) if found.slug == slug)
        computed = step.reused_from or run_id
        if not self._database.names_a_run(computed):  # forgotten since
            computed = run_id
        return {"run_id": computed, "step": slug, "name": step.name, "cells": _cells(self._recorded(computed), slug)}

    def _consumers(self, item: ArtifactRecord) -> list[dict[str, Any]]:
        return [
            {"run_id": event.run_id, "pipeline": event.pipeline, "step": event.step, "status": event.step_status}
            for event in self._database.consumers(item.digest, _MOST_CONSUMERS)
        ]


def _once(found: Iterable[tuple[ArtifactRecord, str]]) -> list[tuple[ArtifactRecord, str]]:
    kept: dict[tuple[str, str, str], tuple[ArtifactRecord, str]] = {}
    for item, direction in found:
        kept.setdefault((item.id, item.digest, direction), (item, direction))
    return list(kept.values())


def _cells(page: Recorded | None, slug: str) -> list[dict[str, Any]]:
    step = None if page is None else next((item for item in page.pipeline.steps if item.slug == slug), None)
    if page is None or step is None:
        return []
    known: Mapping[str, Any] = {cell.id: cell for cell in page.notebook.cells}
    cells = [known[cell] for cell in step.cells if cell in known]
    return [{"id": cell.id, "number": cell.index + 1, "source": cell.source} for cell in cells]


def _cell_of(item: ArtifactRecord) -> str | None:
    """``train.figure:CELL:NUMBER`` is the id of a figure."""
    parts = item.id.partition(":")[2].rpartition(":")
    return parts[0] or None


def _number_of(item: ArtifactRecord) -> int | None:
    text = item.id.rpartition(":")[2]
    return int(text) if text.isdecimal() else None
