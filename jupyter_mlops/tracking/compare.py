"""How runs differ: one pure function over what the store has of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_mlops.tracking.compare_code import compare_notebooks
from jupyter_mlops.tracking.compare_data import data_rows
from jupyter_mlops.tracking.compare_model import (
    CodeChanges,
    Comparison,
    Field,
    MetricRow,
    ParameterCell,
    ParameterRow,
    RunColumn,
    StepCell,
    StepRow,
)
from jupyter_mlops.tracking.compare_read import RunSnapshot
from jupyter_mlops.tracking.redaction import redact

__all__ = ["Comparison", "compare"]

_COMMIT = 12
_RATIO, _SECONDS = 1.25, 0.5
"""Times differ if one is this much longer, by both measures; less is noise."""

_DONE = ("succeeded", "failed")
_PLATFORM = ("python", "implementation", "platform")


def compare(runs: Sequence[RunSnapshot]) -> Comparison:
    """Say how runs differ.

    Args:
        runs: The baseline first.
    """
    return Comparison(
        runs=tuple(
            RunColumn(item.run.run_id, item.run.pipeline, item.run.status, item.run.started, item.run.seconds)
            for item in runs
        ),
        fields=_fields(runs),
        parameters=_parameters(runs),
        metrics=_metrics(runs),
        code=tuple(_code(runs[0], other) for other in runs[1:]),
        steps=_steps(runs),
        data=data_rows(runs),
        environment=_environment(runs),
        notes=_notes(runs),
    )


def _fields(runs: Sequence[RunSnapshot]) -> tuple[Field, ...]:
    told: tuple[tuple[str, Callable[[RunSnapshot], str | None]], ...] = (
        ("pipeline", lambda item: item.run.pipeline),
        ("notebook", lambda item: item.run.notebook),
        ("status", lambda item: item.run.status),
        ("commit", lambda item: item.run.commit[:_COMMIT] if item.run.commit else None),
        ("uncommitted changes", _uncommitted),
        ("backend", lambda item: item.run.backend),
        ("kernel", lambda item: item.run.kernel),
        ("started by", lambda item: item.run.trigger),
        ("user", lambda item: item.run.user),
        ("machine", lambda item: item.run.host),
        ("note", lambda item: item.run.note),
    )
    fields = [_field(name, [of(item) for item in runs]) for name, of in told]
    tags = dict.fromkeys(name for item in runs for name in item.run.tags)
    fields += [_field(f"tag {name}", [_text(redact(name, item.run.tags.get(name))) for item in runs]) for name in tags]
    changes = {item.changes for item in runs if item.changes}
    return tuple(
        Field(row.name, row.values, True) if row.name == "uncommitted changes" and len(changes) > 1 else row
        for row in fields
        if any(value is not None for value in row.values)
    )


def _field(name: str, values: Sequence[str | None]) -> Field:
    return Field(name, tuple(values), len(set(values)) > 1)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _uncommitted(item: RunSnapshot) -> str | None:
    """Told by the size of the changes; None where they were not recorded."""
    if item.changes:
        lines = [line for line in item.changes.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        return "1 line" if len(lines) == 1 else f"{len(lines)} lines" if lines else "yes"
    return None if item.changes is None else "none"


def _parameters(runs: Sequence[RunSnapshot]) -> tuple[ParameterRow, ...]:
    rows = []
    for name in dict.fromkeys(name for item in runs for name in item.run.parameters):
        cells = tuple(
            ParameterCell(redact(name, item.run.parameters[name]), item.run.parameter_sources.get(name))
            if name in item.run.parameters
            else None
            for item in runs
        )
        written = {_written(item.run.parameters, name) for item in runs}
        rows.append(ParameterRow(name, cells, len(written) > 1))
    return tuple(rows)


def _written(values: Mapping[str, Any], name: str) -> str | None:
    """A form in which equal values are equal: 1, 1.0 and true are three, NaN is itself."""
    return json.dumps(values[name], sort_keys=True, default=str) if name in values else None


def _metrics(runs: Sequence[RunSnapshot]) -> tuple[MetricRow, ...]:
    rows = []
    for name in dict.fromkeys(name for item in runs for name in item.run.metrics):
        values = tuple(item.run.metrics.get(name) for item in runs)
        deltas = tuple(_delta(value, values[0]) for value in values)
        percents = tuple(_percent(delta, values[0]) for delta in deltas)
        rows.append(MetricRow(name, values, deltas, percents, len({repr(value) for value in values}) > 1))
    return tuple(rows)


def _delta(value: float | None, baseline: float | None) -> float | None:
    if value is None or baseline is None or not (math.isfinite(value) and math.isfinite(baseline)):
        return None
    delta = value - baseline
    return delta if math.isfinite(delta) else None


def _percent(delta: float | None, baseline: float | None) -> float | None:
    if delta is None or not baseline:
        return None
    percent = 100 * (delta / abs(baseline))
    return percent if math.isfinite(percent) else None


def _code(before: RunSnapshot, after: RunSnapshot) -> CodeChanges:
    if before.notebook is None or after.notebook is None:
        return CodeChanges(after.run.run_id, (), known=False)
    changes = compare_notebooks(before.notebook, after.notebook, _steps_of_cells(before), _steps_of_cells(after))
    return CodeChanges(after.run.run_id, changes)


def _steps_of_cells(item: RunSnapshot) -> dict[str, str]:
    steps = (item.pipeline or {}).get("steps")
    return {
        str(cell): str(step.get("name"))
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, Mapping)
        for cell in (step.get("cells") or ())
    }


def _steps(runs: Sequence[RunSnapshot]) -> tuple[StepRow, ...]:
    columns = [{step.slug: step for step in item.steps} for item in runs]
    rows = []
    for slug in dict.fromkeys(slug for column in columns for slug in column):
        found = [column.get(slug) for column in columns]
        name = next(step.name for step in found if step is not None)
        cells = tuple(
            None if step is None else StepCell(step.status, step.seconds, step.reused_from if step.cached else None)
            for step in found
        )
        rows.append(StepRow(name, slug, cells, _steps_differ(cells)))
    return tuple(rows)


def _steps_differ(cells: Sequence[StepCell | None]) -> bool:
    if len({None if cell is None else cell.status for cell in cells}) > 1:
        return True
    times = [cell.seconds for cell in cells if cell is not None and cell.seconds is not None and cell.status in _DONE]
    return bool(times) and max(times) > _RATIO * min(times) and max(times) - min(times) > _SECONDS


def _environment(runs: Sequence[RunSnapshot]) -> tuple[Field, ...]:
    """Of the runs that recorded it; the others have None and are no difference."""
    known = [item.environment for item in runs]
    rows = []
    for name in _PLATFORM:
        values = [None if item is None else _text(item.get(name)) for item in known]
        rows.append((name, values))
    columns = [_distributions(item) for item in known]
    names = sorted({name for column in columns for name in column}, key=str.lower)
    rows += [(name, [column.get(name) for column in columns]) for name in names]
    return tuple(
        Field(name, tuple(values), len({value for value, item in zip(values, known, strict=True) if item}) > 1)
        for name, values in rows
        if any(value is not None for value in values)
    )


def _distributions(environment: Mapping[str, Any] | None) -> dict[str, str]:
    found = (environment or {}).get("distributions")
    return {str(name): str(version) for name, version in found.items()} if isinstance(found, Mapping) else {}


def _notes(runs: Sequence[RunSnapshot]) -> tuple[str, ...]:
    notes = []
    for what, missing in (
        ("environment", [item for item in runs if item.environment is None]),
        ("notebook", [item for item in runs if item.notebook is None]),
    ):
        if missing:
            notes.append(f"The {what} of {_names(missing)} was not recorded, so that it is not compared.")
    running = [item for item in runs if item.run.status == "running"]
    if running:
        verb = "is" if len(running) == 1 else "are"
        notes.append(f"{_names(running)} {verb} in progress: what is not done yet is missing.")
    return tuple(notes)


def _names(runs: Sequence[RunSnapshot]) -> str:
    ids = [item.run.run_id for item in runs]
    return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"
