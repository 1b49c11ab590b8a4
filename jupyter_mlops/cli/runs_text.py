"""Runs as people read them: a table that fits the terminal, and all of one run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from jupyter_mlops.cli.output import count, is_terminal, say, table
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.drawing.labels import display_width
from jupyter_mlops.store.conditions import ATTRIBUTES, Field
from jupyter_mlops.store.ids import TIME_LENGTH
from jupyter_mlops.store.records import ArtifactRecord, RunRecord, StepRecord
from jupyter_mlops.tracking import formats
from jupyter_mlops.tracking.filters import field_text
from jupyter_mlops.tracking.listing import RunPage, values_of
from jupyter_mlops.tracking.showing import RunDetail

__all__ = ["say_run", "say_runs"]

_WIDEST = 32
"""Characters of a cell that was not asked for."""
_MANY = 12
"""Columns of metrics and parameters that are shown unasked."""
_MOST = 40
"""Metrics, parameters and texts of one run that are shown."""
_COLORS = {"failed": "red", "running": "cyan", "cancelled": "yellow"}

_Column = tuple[str, Callable[[RunRecord], str]]


def say_runs(page: RunPage) -> None:
    """Print a page of runs, a line each; nothing but a note goes to stderr."""
    for note in page.notes:
        say(f"note: {printable(note)}", err=True, color="yellow")
    if not page.runs:
        say("No runs." if page.page == 1 else f"There are no runs on page {page.page}.")
        return
    chosen = [_column(page, found) for found in page.named_columns()] if page.columns else _unasked(page)
    rows = [[name for name, _ in chosen], *([text(run) for _, text in chosen] for run in page.runs)]
    left_out = 0
    if is_terminal(sys.stdout) and not page.columns:
        rows, left_out = _fitting(rows, shutil.get_terminal_size((100, 24)).columns)
    heading, *lines = table(rows, indent="")
    say(heading, bold=True)
    for run, line in zip(page.runs, lines, strict=True):
        say(line, color=_COLORS.get(run.status))
    if page.more or left_out:
        hints = [f"more: --page {page.page + 1}"] * page.more
        hints += [f"{count(left_out, 'column')} left out: --columns"] * bool(left_out)
        say(f"({'; '.join(hints)})", err=True)


def say_run(detail: RunDetail) -> None:
    """Print all that is on record of a run."""
    for line, color in _lines(detail):
        say(line, color=color)


def _unasked(page: RunPage) -> list[_Column]:
    """The columns that say most: what the question speaks of, then metrics, then parameters that differ."""
    columns: list[_Column] = [("run", lambda run: run.run_id[TIME_LENGTH:] or run.run_id)]
    columns.append(("started", lambda run: _local(run.started, "%Y-%m-%d %H:%M")))
    if len({run.pipeline for run in page.runs}) > 1:
        columns.append(("pipeline", lambda run: _cut(run.pipeline)))
    columns += [("status", lambda run: run.status), ("time", lambda run: formats.duration(run.seconds))]
    shown = ("run_id", "started", "pipeline", "status", "seconds")
    wanted = [found for found in page.spoken_of if found.kind != "attributes" or found.name not in shown]
    differing = [found for found in page.fields("params") if _differs(page, found)]
    fields = list(dict.fromkeys([*wanted, *page.fields("metrics"), *differing]))
    return columns + [_column(page, found) for found in fields[: max(_MANY, len(wanted))]]


def _differs(page: RunPage, found: Field) -> bool:
    return len(page.runs) == 1 or len({json.dumps(page.value(run, found)) for run in page.runs}) > 1


def _column(page: RunPage, found: Field) -> _Column:
    def text(run: RunRecord) -> str:
        value = page.value(run, found)
        if found.kind == "attributes" or (value is None and found.name not in values_of(run, found.kind)):
            return _attribute(found, value)
        return _cut(formats.number(value) if found.kind == "metrics" else formats.parameter(value))

    return printable(field_text(found)), text


def _attribute(found: Field, value: Any) -> str:
    if value is None:
        return ""
    if found.kind == "attributes" and ATTRIBUTES[found.name][1] == "time":
        return _local(value, "%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return formats.duration(value)
    return _cut(", ".join(value) if isinstance(value, list) else str(value), _WIDEST * 2)


def _fitting(rows: list[list[str]], width: int) -> tuple[list[list[str]], int]:
    """Leave out the columns at the end that a terminal has no room for."""
    used, kept = 0, 0
    for column in zip(*rows, strict=True):
        used += max(map(display_width, column)) + 2
        if used - 2 > width:
            break
        kept += 1
    kept = max(kept, 1)
    return [row[:kept] for row in rows], len(rows[0]) - kept


def _cut(text: str, width: int = _WIDEST) -> str:
    text = printable(text)
    return text if len(text) <= width else text[: width - 3] + "..."


def _local(milliseconds: int | None, form: str) -> str:
    if milliseconds is None:
        return "-"
    try:
        return datetime.fromtimestamp(milliseconds / 1000).strftime(form)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)


Line = tuple[str, str | None]


def _lines(detail: RunDetail) -> Iterator[Line]:
    run = detail.run
    yield f"{run.run_id}  {run.status}", _COLORS.get(run.status)
    yield from _plain(table([(name, text) for name, text in _facts(detail) if text]))
    yield from _part(
        "parameters", [(name, _shown(value), _source(run, name)) for name, value in run.parameters.items()]
    )
    yield from _part("metrics", _metrics(detail))
    yield from _part("tags", [(name, _cut(value, 80)) for name, value in run.tags.items()])
    if detail.steps:
        yield "", None
        yield "steps", None
        for step in detail.steps:
            yield from _step(detail, step)
    yield from _part("kept", [(step or "(run)", name) for step, name in detail.documents])
    if detail.documents:
        yield f"  read one: jupyter mlops runs show {run.run_id} --document NAME [--step STEP]", None


def _facts(detail: RunDetail) -> Iterator[tuple[str, str]]:
    run = detail.run
    yield "pipeline", printable(run.pipeline)
    yield "notebook", printable(run.notebook or "")
    yield "started", _local(run.started, "%Y-%m-%d %H:%M:%S")
    yield "took", formats.duration(run.seconds) if run.seconds is not None else ""
    yield "by", printable(", ".join(part for part in (run.user, run.host) if part))
    yield "trigger", printable(run.trigger)
    yield "backend", printable(run.backend)
    yield "page", printable(detail.page or "")
    yield "kernel", printable(run.kernel or "")
    yield "commit", printable(run.commit or "")
    yield "configuration", printable(run.configuration or "")
    yield "parent", printable(run.parent or "")
    yield "experiments", printable(", ".join(detail.experiments))
    yield "models", ", ".join(printable(f"{name} version {version} ({of})") for name, version, of in detail.models)
    yield "note", printable(run.note or "")
    yield "folder", printable(str(detail.folder or ""))


def _metrics(detail: RunDetail) -> list[tuple[str, ...]]:
    several = detail.histories()
    return [
        (name, formats.number(value), f"last of {several[name]:,} values" if name in several else "")
        for name, value in detail.run.metrics.items()
    ]


def _source(run: RunRecord, name: str) -> str:
    source = run.parameter_sources.get(name)
    return f"from {source}" if source else ""


def _step(detail: RunDetail, step: StepRecord) -> Iterator[Line]:
    took = "" if step.seconds is None else f", {formats.duration(step.seconds)}"
    reason = f": {step.reason}" if step.reason else ""
    yield printable(f"  {step.name}  {step.status}{took}{reason}"), _COLORS.get(step.status)
    facts = [
        f"kernel {step.kernel}" if step.kernel else "",
        f"processor {formats.duration(step.cpu_seconds)}" if step.cpu_seconds is not None else "",
        f"memory {formats.size(step.peak_memory)}" if step.peak_memory is not None else "",
        count(step.attempts, "attempt") if step.attempts > 1 else "",
        f"results of {step.reused_from}" if step.reused_from else "",
    ]
    said = [fact for fact in facts if fact]
    if said:
        yield printable(f"    {', '.join(said)}"), None
    if step.error is not None:
        place = f" (cell {step.error.cell}, line {step.error.line})" if step.error.cell else ""
        yield printable(f"    {step.error.type}: {_cut(step.error.message, 200)}{place}"), "red"
    for word, items in (("takes", detail.inputs), ("makes", detail.outputs)):
        yield from _plain(_artifact(word, item) for item in items if item.step == step.slug)


def _artifact(word: str, item: ArtifactRecord) -> str:
    of = f"  {item.type}" if item.type else ""
    preview = f"  {_cut(item.preview, 60)}" if item.preview else ""
    return printable(f"    {word} {item.name}{of}  {formats.size(item.bytes)}  {item.digest[:12]}{preview}")


def _part(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[Line]:
    """A heading and a table under it, cut where it is long."""
    if not rows:
        return
    yield "", None
    yield title, None
    yield from _plain(table([tuple(map(printable, row)) for row in rows[:_MOST]]))
    if len(rows) > _MOST:
        yield f"  and {len(rows) - _MOST:,} more: --format json", None


def _shown(value: Any) -> str:
    return _cut(formats.parameter(value), 80)


def _plain(lines: Iterable[str]) -> Iterator[Line]:
    return ((line, None) for line in lines)
