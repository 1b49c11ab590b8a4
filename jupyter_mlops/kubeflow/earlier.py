"""What a step made whose results the cluster took from its cache: it is where the run that made it left it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.kubeflow.fetching import uris_of
from jupyter_mlops.kubeflow.records import BACKEND, COMPONENTS, cluster_run
from jupyter_mlops.kubeflow.reports import StepReport
from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import RunRecord

__all__ = ["earlier_report"]

_MOST = 200


def earlier_report(database: Database, run_id: str, slug: str) -> tuple[str, StepReport] | None:
    """Return the newest run on record that ran the same step with the same parameters there, and what it made.

    Kubeflow's cache takes the newest results of equal code and equal inputs; the API does not say whose they are.
    """
    run = database.run(run_id)
    wanted, host = _component(database, run_id, slug), cluster_run(database, run_id).host
    if wanted is None:
        return None
    for other in database.runs(_MOST, condition=equals("pipeline", run.pipeline)):
        if _is_like(database, run, other) and _component(database, other.run_id, slug) == wanted:
            step = next((item for item in database.steps_of(other.run_id) if item.slug == slug), None)
            if step is not None and step.status == "succeeded" and cluster_run(database, other.run_id).host == host:
                return other.run_id, _report(database, other.run_id, slug)
    return None


def _is_like(database: Database, run: RunRecord, other: RunRecord) -> bool:
    before = other.run_id != run.run_id and other.started <= run.started
    return before and other.backend == BACKEND and other.parameters == run.parameters


def _component(database: Database, run_id: str, slug: str) -> str | None:
    found: Mapping[str, Any] = json.loads(database.document(run_id, COMPONENTS) or "{}")
    value = found.get(slug)
    return None if value is None else str(value)


def _report(database: Database, run_id: str, slug: str) -> StepReport:
    return StepReport(
        outputs=database.artifacts_of(run_id, slug),
        inputs=tuple(item.id for item in database.artifacts_of(run_id, slug, "in")),
        uris=uris_of(database, run_id, slug),
        metrics={item.name: item.value for item in database.metrics_of(run_id, step=slug)},
    )
