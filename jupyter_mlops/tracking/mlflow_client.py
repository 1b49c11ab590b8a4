"""Delivers runs and models to a server of MLflow."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_mlops.engine.mlflow_steps import TRACKING_URI
from jupyter_mlops.store.records import Addressee, ArtifactRecord, RunRecord
from jupyter_mlops.tracking.mlflow_errors import errors
from jupyter_mlops.tracking.mlflow_names import dataset_of, is_data, key, parameter, status, text
from jupyter_mlops.tracking.mlflow_own import adopt, merge
from jupyter_mlops.tracking.mlflow_registry import register
from jupyter_mlops.tracking.mlflow_writing import Point, RunWriter, all_experiments, experiment, find_run
from jupyter_mlops.tracking.parcels import Enclosure, ModelParcel, RunParcel, StepParcel
from jupyter_mlops.tracking.trackers import RejectedError, UnreachableError

__all__ = ["MlflowTracker", "connect"]

_DELIVERED = "mlops.delivered"
_NOT_STORED = "mlops.artifacts_not_stored"
_KNOCK_SECONDS = 3.0
_USUAL = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""What the user has set wins."""

_NEEDED = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # what steps have logged is in one
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(to: Addressee, environ: Mapping[str, str]) -> MlflowTracker:
    """Return the tracker for an address.

    Args:
        environ: Whose ``MLFLOW_TRACKING_URI`` has the password, if it names the same place.

    Raises:
        UnreachableError: Nobody answers there, or MLflow is not installed.
    """
    uri = to.target
    given = environ.get(TRACKING_URI, "").strip()
    if "@" in given and given.replace(given.partition("://")[2].rpartition("@")[0] + "@", "", 1) == uri:
        uri = given
    _knock(uri)
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)
    os.environ.update(_NEEDED)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise UnreachableError(f"MLflow can't be imported ({error}); pip install 'jupyter-mlops[mlflow]'") from None
    with errors():
        registry = environ.get("MLFLOW_REGISTRY_URI") or None
        return MlflowTracker(MlflowClient(uri, registry))


class MlflowTracker:
    """A server of MLflow; see ``Tracker``.

    A run becomes a run of MLflow, each step a run nested in it; both are found again by their tags.

    Args:
        client: MLflow's client.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._places: dict[str, str] = {}
        self._others: list[str] | None = None

    def deliver_run(self, parcel: RunParcel) -> None:
        """Deliver a run; see ``Tracker``."""
        with errors():
            self._run(parcel)

    def deliver_model(self, parcel: ModelParcel) -> None:
        """Deliver a model; see ``Tracker``."""
        with errors():
            register(self._client, parcel)

    def _run(self, parcel: RunParcel) -> None:
        run = parcel.run
        place = self._experiment(parcel)
        tags = {"mlops.run_id": run.run_id, "mlops.kind": "run"}
        more = {**run.tags, **_about(parcel)}
        whole = self._open(place, tags, run.run_id, run.started, parcel.options.get("parent"), more)
        if whole is None or _DELIVERED in whole.tags:
            return
        whole.write_params({name: parameter(value) for name, value in run.parameters.items()})
        whole.write_metrics(Point(item.name, item.value, item.time or 0, item.iteration) for item in parcel.metrics)
        sources = {item.digest: item for step in parcel.steps for item in step.inputs if item.kind == "file"}
        whole.write_datasets([_dataset(item) for item in sources.values()])
        problems = [problem for step in parcel.steps for problem in self._step(parcel, step, whole)]
        _write_files(whole, parcel.files, parcel)
        whole.finish(status(run.status), run.finished)
        if problems := [*problems, *whole.problems]:
            whole.write_tags({_NOT_STORED: problems[0]})
            if parcel.patient:
                raise RejectedError(f"its artifacts can't be stored: {problems[0]}")
        whole.write_tags({_DELIVERED: "1"})

    def _step(self, parcel: RunParcel, step: StepParcel, whole: RunWriter) -> list[str]:
        """Deliver a step; return what could not be stored of its artifacts."""
        record = step.record
        tags = {"mlops.run_id": record.run_id, "mlops.kind": "step", "mlops.step": record.slug}
        began = parcel.run.started if record.started is None else record.started
        more = {**_source(parcel.run), **_about_step(step)}
        run = self._open(whole.experiment, tags, record.name, began, whole.id, more)
        if run is None or _DELIVERED in run.tags:
            return []
        points = [Point(item.name, item.value, item.time or 0, item.iteration) for item in step.metrics]
        run.write_datasets([_dataset(item) for item in step.inputs if is_data(item)])
        points += merge(self._client, step, run) if step.own is not None else []
        run.write_metrics(points)
        if step.direct and not record.cached:
            adopt(self._client, record, run)
        _write_files(run, step.files)
        run.finish(status(record.status), record.finished)
        if run.problems:
            run.write_tags({_NOT_STORED: run.problems[0]})
        if not (run.problems and parcel.patient):
            run.write_tags({_DELIVERED: "1"})
        return run.problems

    def _experiment(self, parcel: RunParcel) -> str:
        """The one that the environment named when the run began, else one of the pipeline's name."""
        name, number = parcel.options.get("experiment"), parcel.options.get("experiment_id")
        if name is None and number is not None:
            return str(number)
        name = str(name or parcel.run.pipeline)
        if name not in self._places:
            self._places[name] = experiment(self._client, name)
        return self._places[name]

    def _open(
        self, place: str, tags: dict[str, str], name: str, began: int, parent: str | None, more: Mapping[str, str]
    ) -> RunWriter | None:
        """Find a run, or create it; None if somebody has deleted it there."""
        found = find_run(self._client, [place], tags) or self._elsewhere(place, tags)
        if found is not None:
            return None if found.info.lifecycle_stage == "deleted" else RunWriter(self._client, found, created=False)
        above = {"mlflow.parentRunId": parent} if parent else {}
        given = {key(name): text(value) for name, value in more.items()}
        made = self._client.create_run(place, began, {**given, **tags, **above}, name)
        return RunWriter(self._client, made, created=True)

    def _elsewhere(self, place: str, tags: Mapping[str, str]) -> Any | None:
        """A run that was delivered before, when another experiment was asked for."""
        if tags["mlops.kind"] != "run":
            return None
        if self._others is None:
            self._others = all_experiments(self._client)
        others = [item for item in self._others if item != place]
        return find_run(self._client, others, tags) if others else None


def _write_files(run: RunWriter, files: Sequence[Enclosure], parcel: RunParcel | None = None) -> None:
    """Write artifacts, after all else; those of a whole run with its record and report."""
    with tempfile.TemporaryDirectory(prefix="mlops-") as place:
        for item in files:
            named = Path(place) / item.folder / item.name
            named.parent.mkdir(exist_ok=True)
            _link(item.source, named)
        if parcel is not None:
            text = json.dumps(parcel.record, indent=1, ensure_ascii=False)
            (Path(place) / "run.json").write_text(text, encoding="utf-8")
            with contextlib.suppress(Exception):  # a report that can't be made holds nothing else up
                (parcel.report or (lambda _: None))(Path(place) / "report.html")
        run.write_folder(Path(place))


def _dataset(item: ArtifactRecord) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return dataset_of(item), {"mlops.digest": item.digest, "mlops.artifact": item.id}


def _about(parcel: RunParcel) -> dict[str, str]:
    run = parcel.run
    found = {
        "mlops.pipeline": run.pipeline,
        "mlops.status": run.status,
        "mlops.trigger": run.trigger,
        "mlops.backend": run.backend,
        "mlops.configuration": run.configuration,
        "mlops.parent": run.parent,
        "mlops.experiments": ", ".join(parcel.experiments) or None,
        "mlflow.note.content": run.note,
    }
    return {**_source(run), **{name: value for name, value in found.items() if value}}


def _about_step(step: StepParcel) -> dict[str, str]:
    record = step.record
    outputs = {item.id: item.digest for item in step.outputs}
    found = {
        "mlops.status": record.status,
        "mlops.reason": record.reason,
        "mlops.reused_from": record.reused_from,
        "mlops.attempts": str(record.attempts) if record.attempts > 1 else None,
        "mlops.error": None if record.error is None else f"{record.error.type}: {record.error.message}",
        "mlops.outputs": json.dumps(outputs, ensure_ascii=False) if outputs else None,
    }
    return {name: value for name, value in found.items() if value}


def _source(run: RunRecord) -> dict[str, str]:
    """The tags that MLflow's pages show as where a run comes from."""
    found = {
        "mlflow.user": run.user,
        "mlflow.source.name": run.notebook,
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.git.commit": run.commit,
    }
    return {name: value for name, value in found.items() if value}


def _link(source: Path, target: Path) -> None:
    """Give a file the name that it is to have there."""
    try:
        target.symlink_to(source.resolve())
    except OSError:
        import shutil

        shutil.copyfile(source, target)


def _knock(uri: str) -> None:
    """Find out in a moment whether anybody listens, before a second is spent on importing MLflow."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname or _through_proxy(parts.scheme, parts.hostname):
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname, port), timeout=_KNOCK_SECONDS):
            return
    except (OSError, ValueError) as error:
        raise UnreachableError(f"nobody answers at {parts.hostname} ({error})") from None


def _through_proxy(scheme: str, host: str) -> bool:
    from urllib.request import getproxies, proxy_bypass

    return scheme in getproxies() and not proxy_bypass(host)
