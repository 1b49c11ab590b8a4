"""One self-contained HTML page about a run."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mlops import templates
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import RunRecord
from jupyter_mlops.tracking import formats, report_facts
from jupyter_mlops.tracking.report_cells import OUTPUT_NOTEBOOK, cell_groups, figures
from jupyter_mlops.tracking.report_steps import graph, step_views, ticks

__all__ = ["OUTPUT_NOTEBOOK", "write_report"]

_MOST_TILES = 60
"""Metrics beyond which the rest is a table."""

_MOST_METRICS = 10_000


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
    from markupsafe import Markup

    folder = templates.root() / "report"
    environment = templates.environment(folder, autoescape=True)
    environment.filters.update(
        duration=formats.duration,
        size=formats.size,
        number=formats.number,
        parameter=formats.parameter,
        clock=formats.clock,
    )
    steps, total = step_views(run, database.steps_of(run.run_id))
    made = database.artifacts_of(run.run_id)
    groups = cell_groups(home.run(run.run_id), pipeline, steps)
    metrics = report_facts.metrics(run, database.metrics_of(run.run_id), steps)
    return environment.get_template("report.html.j2").render(
        run=run,
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        graph=graph(pipeline, steps),
        steps=list(steps.values()),
        ticks=ticks(total),
        metrics=metrics[:_MOST_TILES],
        more_metrics=metrics[_MOST_TILES:_MOST_METRICS],
        left_out=max(0, len(metrics) - _MOST_METRICS),
        gates=report_facts.gates(database, run.run_id),
        artifacts=report_facts.artifacts(database, run, made, steps),
        diagnostics=() if pipeline is None else pipeline.diagnostics,
        description=None if pipeline is None else pipeline.description,
        figures=figures(groups),
        groups=groups,
        logs=report_facts.logs(home.run(run.run_id), steps),
        place=report_facts.environment(database, run),
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
