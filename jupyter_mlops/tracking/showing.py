"""All that is on record of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.records import DOCUMENT
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, RunRecord, StepRecord
from jupyter_mlops.tracking.listing import moment

__all__ = ["RunDetail", "document_of", "show_run"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with all that belongs to it.

    Args:
        steps: In the order of the page.
        inputs: What the steps took.
        outputs: What they made.
        history: All values of the metrics, by name and in the order they were recorded.
        documents: Step (empty for the run itself) and name of each text kept with it.
        models: Name, version and artifact of the models registered from it.
        page: Address of the page about it, if it is on a cluster.
        folder: Where executed notebooks, logs and the report are; None if it is gone.
    """

    run: RunRecord
    experiments: tuple[str, ...]
    steps: tuple[StepRecord, ...]
    inputs: tuple[ArtifactRecord, ...]
    outputs: tuple[ArtifactRecord, ...]
    history: tuple[MetricRecord, ...]
    documents: tuple[tuple[str, str], ...]
    models: tuple[tuple[str, int, str], ...]
    folder: Path | None
    page: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs show --format json`` prints."""
        run = self.run
        simple = ("run_id", "pipeline", "status", "seconds", "notebook", "kernel", "backend", "trigger", "user")
        more = ("commit", "configuration", "parent", "host", "note")
        return {
            "schema": SCHEMA,
            **{name: getattr(run, name) for name in simple},
            **{"started": moment(run.started), "finished": moment(run.finished)},
            **{name: getattr(run, name) for name in more},
            "experiments": list(self.experiments),
            "params": [
                {"name": name, "value": value, "source": run.parameter_sources.get(name)}
                for name, value in run.parameters.items()
            ],
            "metrics": dict(run.metrics),
            "tags": dict(run.tags),
            "steps": [self._step(step) for step in self.steps],
            "history": [{**asdict(metric), "time": moment(metric.time)} for metric in self.history],
            "documents": [{"step": step or None, "name": name} for step, name in self.documents],
            "models": [
                {"name": name, "version": version, "artifact": artifact} for name, version, artifact in self.models
            ],
            "page": self.page,
            "folder": None if self.folder is None else str(self.folder),
        }

    def histories(self) -> Mapping[str, int]:
        """Return how many values there are of each metric that has several."""
        counts: dict[str, int] = {}
        for metric in self.history:
            counts[metric.name] = counts.get(metric.name, 0) + 1
        return {name: count for name, count in counts.items() if count > 1}

    def _step(self, step: StepRecord) -> dict[str, Any]:
        values = {name: getattr(step, name) for name in StepRecord.__slots__ if name not in ("run_id", "position")}
        return {
            **values,
            "started": moment(step.started),
            "finished": moment(step.finished),
            "error": None if step.error is None else asdict(step.error),
            "inputs": [_artifact(item) for item in self.inputs if item.step == step.slug],
            "outputs": [_artifact(item) for item in self.outputs if item.step == step.slug],
        }


def show_run(database: Database, home: Home, text: str) -> RunDetail:
    """Read all of a run.

    Args:
        text: What ``Database.run_id`` understands.

    Raises:
        UsageError: No run, or more than one, is meant.
    """
    run = database.run(text)
    folder = home.run(run.run_id)
    return RunDetail(
        run,
        database.experiments_of(run.run_id),
        database.steps_of(run.run_id),
        database.artifacts_of(run.run_id, direction="in"),
        database.artifacts_of(run.run_id),
        database.metrics_of(run.run_id),
        database.all_documents(run.run_id),
        database.versions_of(run.run_id),
        folder if folder.is_dir() else None,
        _page(database.document(run.run_id, DOCUMENT)),
    )


def _page(text: str | None) -> str | None:
    return str(json.loads(text).get("page") or "") or None if text else None


def document_of(database: Database, text: str, name: str, step: str = "") -> str:
    """Return a text that was kept with a run.

    Args:
        text: The run, as for ``show_run``.
        step: Slug or name of the step it belongs to; empty for the run itself.

    Raises:
        UsageError: There is no such run, step or text.
    """
    run_id = database.run_id(text)
    slugs = {key: found.slug for found in database.steps_of(run_id) for key in (found.name, found.slug)}
    if step and step not in slugs:
        raise _missing(f"The run {run_id} has no step {step!r}", step, slugs)
    slug = slugs.get(step, "")
    found = database.document(run_id, name, slug)
    if found is None:
        whose = f"step {step!r} of the run {run_id}" if slug else f"run {run_id}"
        raise _missing(f"Nothing called {name!r} was kept with the {whose}", name, database.documents(run_id, slug))
    return found


def _missing(message: str, name: str, candidates: Any) -> UsageError:
    near = nearest(name, candidates)
    known = ", ".join(sorted(candidates)) or "none"
    return UsageError(f"{message}.", hint=f"Did you mean {near!r}?" if near else f"There are: {known}.")


def _artifact(item: ArtifactRecord) -> dict[str, Any]:
    names = ("id", "kind", "names", "digest", "bytes", "type", "serializer", "preview", "schema")
    return {name: getattr(item, name) for name in names}
