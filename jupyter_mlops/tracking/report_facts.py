"""What else is on record of a run, as a report shows it: metrics, lineage, gates, environment, logs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, RunRecord
from jupyter_mlops.tracking.report_steps import StepView

__all__ = [
    "ArtifactView",
    "EnvironmentView",
    "LogView",
    "MetricView",
    "artifacts",
    "environment",
    "gates",
    "logs",
    "metrics",
]

_CURVE = 120
"""Points of a metric's curve."""

_MOST_TRACED = 400
"""Artifacts whose other runs are looked up."""

_MOST_RUNS = 100
_FIGURE = "figure"
_LONGEST_LOG = 12_000
_LONGEST_LOGS = 600_000
_LONGEST_DIFF = 60_000


@dataclass(frozen=True, slots=True)
class ArtifactView:
    """An artifact as the page shows it.

    Args:
        first: The run that made this content first, if it was not this one.
        others: How many other runs used it; ``more`` if there are more than that.
    """

    record: ArtifactRecord
    step: StepView | None
    used_by: tuple[StepView, ...]
    first: str = ""
    others: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric as the page shows it.

    Args:
        curve: The points of a polyline, 100 wide and 24 high.
        history: How many values it has had, the least and the greatest; None where there is no curve.
    """

    name: str
    value: float
    step: StepView | None
    curve: str
    history: tuple[int, float, float] | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """Where the run took place.

    Args:
        facts: Names and values, for people.
        distributions: Names and versions of what was installed.
        diff: What was not committed; empty if all was, None if nobody knows.
        command: The command line.
    """

    facts: tuple[tuple[str, str], ...]
    distributions: tuple[tuple[str, str], ...]
    diff: str | None
    command: str


@dataclass(frozen=True, slots=True)
class LogView:
    """What a step printed."""

    step: StepView
    text: str


def metrics(run: RunRecord, history: Sequence[MetricRecord], steps: Mapping[str, StepView]) -> tuple[MetricView, ...]:
    """Return the metrics with their curves."""
    by_name: dict[str, list[MetricRecord]] = {}
    for record in history:
        by_name.setdefault(record.name, []).append(record)
    views = []
    for name, value in run.metrics.items():
        records = by_name.get(name, [])
        step = next((item.step for item in reversed(records) if _same(item.value, value)), "")
        values = [item.value for item in records if item.step == step]
        finite = [item for item in values if abs(item) < float("inf")]
        curve = _curve(finite)
        spread = (len(values), min(finite), max(finite)) if curve else None
        views.append(MetricView(name, value, steps.get(step), curve, spread))
    return tuple(views)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _curve(finite: Sequence[float]) -> str:
    if len(finite) < 3:
        return ""
    if len(finite) > _CURVE:
        finite = [finite[round(place * (len(finite) - 1) / (_CURVE - 1))] for place in range(_CURVE)]
    low, high = min(finite), max(finite)
    height = (high - low) or 1.0
    across = 100 / (len(finite) - 1)
    return " ".join(
        f"{place * across:.1f},{22 - 20 * (value - low) / height:.1f}" for place, value in enumerate(finite)
    )


def artifacts(
    database: Database, run: RunRecord, made: Sequence[ArtifactRecord], steps: Mapping[str, StepView]
) -> tuple[ArtifactView, ...]:
    """Return what was made, and before it what was taken that no step made; each with the other runs it was in."""
    users: dict[str, list[StepView]] = {}
    taken = database.artifacts_of(run.run_id, direction="in")
    for item in taken:
        users.setdefault(item.id, []).append(steps[item.step])
    ids = {item.id for item in made}
    given = {item.id: item for item in taken if item.id not in ids}
    found = [
        *((item, None) for item in given.values()),
        *((item, steps[item.step]) for item in made if item.kind != _FIGURE),
    ]
    return tuple(
        _traced(database, run.run_id, ArtifactView(item, step, tuple(users.get(item.id, ()))), number < _MOST_TRACED)
        for number, (item, step) in enumerate(found)
    )


def _traced(database: Database, run_id: str, view: ArtifactView, wanted: bool) -> ArtifactView:
    if not wanted:
        return view
    digest = view.record.digest
    makers = [event.run_id for event in database.producers(digest, 1)]
    users = {event.run_id for event in database.consumers(digest, _MOST_RUNS)} - {run_id}
    first = makers[0] if makers and makers[0] != run_id else ""
    return ArtifactView(view.record, view.step, view.used_by, first, len(users), len(users) >= _MOST_RUNS - 1)


def gates(database: Database, run_id: str) -> tuple[Mapping[str, str], ...]:
    """Return what became of the run's gates: each with ``gate``, ``verdict``, ``reason``."""
    content = _json(database.document(run_id, "gates"))
    found = content.get("gates") if isinstance(content, dict) else None
    return tuple(
        {name: str(item.get(name, "")) for name in ("gate", "verdict", "reason")}
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict)
    )


def environment(database: Database, run: RunRecord) -> EnvironmentView:
    """Return what is on record of the place of the run."""
    content = _json(database.document(run.run_id, "environment"))
    content = content if isinstance(content, dict) else {}
    installed = content.pop("distributions", None)
    facts = [(name.capitalize(), str(value)) for name, value in content.items() if isinstance(value, (str, int, float))]
    return EnvironmentView(
        facts=tuple((("Host", run.host),) if run.host else ()) + tuple(facts),
        distributions=tuple((str(name), str(version)) for name, version in installed.items())
        if isinstance(installed, dict)
        else (),
        diff=_shortened(database.document(run.run_id, "git-diff"), _LONGEST_DIFF),
        command=database.document(run.run_id, "command") or "",
    )


def logs(folder: Path, steps: Mapping[str, StepView]) -> tuple[LogView, ...]:
    """Return what the steps printed, each and all of them within limits."""
    from jupyter_mlops.tracking.rendering import plain

    found, room = [], _LONGEST_LOGS
    for view in steps.values():
        if room <= 0:
            break
        text = plain(
            _ends_of(folder / "steps" / f"{view.record.position + 1:02d}-{view.record.slug}.log"), _LONGEST_LOG
        )
        room -= len(text)
        if text.strip():
            found.append(LogView(view, text))
    return tuple(found)


def _ends_of(path: Path) -> str:
    """A file's text, without the middle where it is long."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size <= 4 * _LONGEST_LOG:
                return file.read().decode("utf-8", "replace")
            begin = file.read(2 * _LONGEST_LOG)
            file.seek(-2 * _LONGEST_LOG, os.SEEK_END)
            return (begin + file.read()).decode("utf-8", "replace")
    except OSError:
        return ""


def _shortened(text: str | None, longest: int) -> str | None:
    if text is None or len(text) <= longest:
        return text
    return f"{text[:longest]}\n… the rest is left out here …"


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None
