"""One self-contained HTML page about a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops import templates
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, RunRecord, StepRecord
from jupyter_mlops.tracking import formats

if TYPE_CHECKING:
    from markupsafe import Markup

    from jupyter_mlops.tracking.rendering import Output

__all__ = ["OUTPUT_NOTEBOOK", "write_report"]

OUTPUT_NOTEBOOK = "output.ipynb"
"""The executed notebook in a run's folder."""

_CURVE = 120
"""Points of a metric's curve."""


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as the page shows it; ``left`` and ``width`` place its bar, in percent."""

    record: StepRecord
    color: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class ArtifactView:
    """An artifact as the page shows it."""

    record: ArtifactRecord
    step: StepView | None
    used_by: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class MetricView:
    """A metric as the page shows it; ``curve`` are the points of a polyline, 100 wide and 24 high."""

    name: str
    value: float
    step: StepView | None
    curve: str


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as the page shows it.

    Args:
        begins: Whether the step's heading goes above it.
        label: What a cell outside of all steps is for.
    """

    id: str
    kind: str
    source: Markup
    outputs: tuple[Output, ...]
    count: int | None
    step: StepView | None
    begins: bool
    label: str


def write_report(
    database: Database, home: Home, run_id: str, path: Path | None = None, *, pipeline: Pipeline | None = None
) -> Path:
    """Write the report of a run.

    Args:
        run_id: The run's id, or what ``Database.run_id`` understands.
        path: The file; ``report.html`` in the run's folder by default. It is replaced whole or not at all.
        pipeline: Where the caller has it; otherwise it is read from the run's document ``pipeline``.

    Returns:
        The file.
    """
    run = database.run(run_id)
    path = home.run(run.run_id) / "report.html" if path is None else path
    page = _page(database, home, run, pipeline or _recorded_pipeline(database, run.run_id))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.encode("utf-8", "replace").decode("utf-8"))
    return path


def _page(database: Database, home: Home, run: RunRecord, pipeline: Pipeline | None) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = templates.root() / "report"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=formats.duration,
        size=formats.size,
        number=formats.number,
        parameter=formats.parameter,
        clock=formats.clock,
    )
    steps, total = _steps(run, database.steps_of(run.run_id))
    made = database.artifacts_of(run.run_id)
    taken = database.artifacts_of(run.run_id, direction="in")
    return environment.get_template("report.html.j2").render(
        run=run,
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        graph=_graph(pipeline, steps),
        steps=list(steps.values()),
        ticks=_ticks(total),
        metrics=_metrics(run, database.metrics_of(run.run_id), steps),
        artifacts=_artifacts(made, taken, steps),
        diagnostics=() if pipeline is None else pipeline.diagnostics,
        description=None if pipeline is None else pipeline.description,
        cells=_cells(home.run(run.run_id), pipeline, steps),
    )


def _recorded_pipeline(database: Database, run_id: str) -> Pipeline | None:
    text = database.document(run_id, "pipeline")
    if text is None:
        return None
    from jupyter_mlops.pipeline.json_form import from_json

    try:
        return from_json(json.loads(text))
    except (MlopsError, ValueError):
        return None  # recorded by another version: the report does without the graph


def _steps(run: RunRecord, records: Sequence[StepRecord]) -> tuple[dict[str, StepView], float]:
    """The steps by slug, and the seconds that the time line covers."""
    from jupyter_mlops.pipeline.drawing import step_color

    begins = [0.0 if item.started is None else max(0.0, (item.started - run.started) / 1000) for item in records]
    ends = [begin + (item.seconds or 0) for begin, item in zip(begins, records, strict=True)]
    total = max([run.seconds or 0.0, *ends, 0.001])
    views = {
        item.slug: StepView(item, step_color(item.position), 100 * begin / total, 100 * (item.seconds or 0) / total)
        for begin, item in zip(begins, records, strict=True)
    }
    return views, total


def _ticks(total: float) -> list[tuple[float, str]]:
    """Round moments on the time line: their places in percent, and texts."""
    step = 10.0**-3
    factors = (2.0, 2.5, 2.0)
    turn = 0
    while total / step > 5:
        step *= factors[turn % 3]
        turn += 1
    count = int(total / step)
    return [(0.0, "0"), *((100 * n * step / total, formats.duration(n * step)) for n in range(1, count + 1))]


def _graph(pipeline: Pipeline | None, steps: Mapping[str, StepView]) -> Markup | None:
    if pipeline is None or len(pipeline.steps) < 2:
        return None
    from markupsafe import Markup

    from jupyter_mlops.pipeline.drawing import svg

    return Markup(svg(pipeline, status={slug: _status(view.record) for slug, view in steps.items()}))


def _status(step: StepRecord) -> str:
    if step.status in ("succeeded", "failed") and step.seconds is not None:
        return f"{step.status} · {formats.duration(step.seconds)}"
    return step.status


def _metrics(run: RunRecord, history: Sequence[MetricRecord], steps: Mapping[str, StepView]) -> tuple[MetricView, ...]:
    by_name: dict[str, list[MetricRecord]] = {}
    for record in history:
        by_name.setdefault(record.name, []).append(record)
    views = []
    for name, value in run.metrics.items():
        records = by_name.get(name, [])
        step = next((item.step for item in reversed(records) if _same(item.value, value)), "")
        curve = _curve([item.value for item in records if item.step == step])
        views.append(MetricView(name, value, steps.get(step), curve))
    return tuple(views)


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def _curve(values: Sequence[float]) -> str:
    finite = [value for value in values if abs(value) < float("inf")]
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


def _artifacts(
    made: Sequence[ArtifactRecord], taken: Sequence[ArtifactRecord], steps: Mapping[str, StepView]
) -> tuple[ArtifactView, ...]:
    """What was made, and before it what was taken that no step made."""
    users: dict[str, list[StepView]] = {}
    for item in taken:
        users.setdefault(item.id, []).append(steps[item.step])
    ids = {item.id for item in made}
    given = {item.id: item for item in taken if item.id not in ids}
    return (
        *(ArtifactView(item, None, tuple(users[item.id])) for item in given.values()),
        *(ArtifactView(item, steps[item.step], tuple(users.get(item.id, ()))) for item in made),
    )


def _cells(folder: Path, pipeline: Pipeline | None, steps: Mapping[str, StepView]) -> tuple[CellView, ...]:
    from jupyter_mlops.tracking.rendering import Renderer

    owners = {cell: step.slug for step in pipeline.steps for cell in step.cells} if pipeline else {}
    found = _read_cells(folder / OUTPUT_NOTEBOOK)
    pairs = [(cell, owners.get(str(cell.get("id")), "")) for cell in found]
    if not found:
        pairs = [
            (cell, slug)
            for slug, view in steps.items()
            if view.record.notebook
            for cell in _read_cells(folder / view.record.notebook)
            if not _is_ours(cell)
        ]
    renderer = Renderer()
    views, seen = [], set[str]()
    for cell, slug in pairs:
        begins = bool(slug) and slug not in seen
        seen.add(slug)
        views.append(_cell(renderer, cell, steps.get(slug), begins))
    return tuple(views)


def _cell(renderer: Any, cell: Mapping[str, Any], step: StepView | None, begins: bool) -> CellView:
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
        begins=begins,
        label="" if kind == "markdown" or step else _label(cell),
    )


def _label(cell: Mapping[str, Any]) -> str:
    tags = (cell.get("metadata") or {}).get("tags") or ()
    for tag, label in (
        ("injected-parameters", "parameters of this run"),
        ("parameters", "parameters"),
        ("imports", "imports"),
        ("functions", "functions"),
        ("setup", "setup"),
        ("skip", "skipped"),
    ):
        if tag in tags:
            return label
    return ""


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
