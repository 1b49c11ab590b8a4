"""What the code of a step has logged with MLflow's own functions: brought under the step's run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from jupyter_mlops.engine.mlflow_steps import TRACKING_URI
from jupyter_mlops.store.records import StepRecord
from jupyter_mlops.tracking.mlflow_errors import tolerated
from jupyter_mlops.tracking.mlflow_names import text
from jupyter_mlops.tracking.mlflow_writing import Point, RunWriter, all_experiments, experiment, find_run, pages
from jupyter_mlops.tracking.parcels import StepParcel

__all__ = ["adopt", "merge"]

_PARENT = "mlflow.parentRunId"
_LOCAL_RUN, _LOCAL_MODEL, _LOCAL_VERSION = "mlops.local_run_id", "mlops.local_model_id", "mlops.local_version"
_NOT_COPIED = frozenset({_PARENT, "mlflow.log-model.history"})
"""Tags that speak of ids in the step's own store."""


def merge(client: Any, step: StepParcel, run: RunWriter) -> list[Point]:
    """Copy a step's own store to the server.

    If its code has made one run, that is the step's run; of several, each becomes a run below the step's. A run that
    the code has put into an experiment of its own choice stays in an experiment of that name.

    Args:
        run: The step's run on the server.

    Returns:
        The values of metrics that belong into the step's run, for the caller to write.
    """
    from mlflow import MlflowClient

    assert step.own is not None
    uri = step.own.absolute().as_uri()
    return _Merge(client, MlflowClient(uri, uri), step, run).carry_out()


def adopt(client: Any, record: StepRecord, run: RunWriter) -> None:
    """Put runs that a step has made on the server itself below the step's run."""
    wanted = f"tags.mlops.run_id = '{record.run_id}' and tags.mlops.within = '{record.slug}'"
    for start in _chunks(all_experiments(client)):
        for found in list(pages(client.search_runs, start, wanted)):
            if _PARENT not in found.data.tags:
                client.set_tag(found.info.run_id, _PARENT, run.id)


class _Merge:
    """One merge.

    Args:
        client: The server.
        own: The step's own store.
    """

    def __init__(self, client: Any, own: Any, step: StepParcel, run: RunWriter) -> None:
        self._client = client
        self._own = own
        self._step = step
        self._run = run
        self._writers: dict[str, RunWriter] = {}
        self._models: dict[str, str] = {}
        self._loose: dict[str, int] = {}
        self._points: list[Point] = []

    def carry_out(self) -> list[Point]:
        """Copy everything; return the points of the step's run."""
        places = {str(item.experiment_id): item.name for item in pages(self._own.search_experiments)}
        if not places:
            return []
        runs = sorted(pages(self._own.search_runs, list(places)), key=lambda item: item.info.start_time)
        top = [item for item in runs if _PARENT not in item.data.tags and item.info.experiment_id == "0"]
        if len(top) == 1:
            self._writers[top[0].info.run_id] = self._run
        for item in _parents_first(runs):
            if item.info.run_id not in self._writers:
                self._writers[item.info.run_id] = self._create(item, places[str(item.info.experiment_id)])
        # Clients before version 3 know no logged models, nor do servers.
        found = (
            pages(self._own.search_logged_models, list(places)) if hasattr(self._own, "search_logged_models") else ()
        )
        for model in found:
            with tolerated(self._run.problems):
                self._copy_model(model)
        for item in runs:
            self._copy_run(item)
        self._run.write_models(self._loose)
        with tolerated(self._run.problems):
            self._copy_registry()
        return self._points

    def _create(self, item: Any, place: str) -> RunWriter:
        """Find or make the run on the server that a run of the step's own store becomes."""
        above = self._writers.get(item.data.tags.get(_PARENT, ""), self._run)
        where = above.experiment if item.info.experiment_id == "0" else experiment(self._client, place)
        mark = {_LOCAL_RUN: item.info.run_id, "mlops.run_id": self._step.record.run_id, "mlops.kind": "own"}
        # Of a reused step, the code's runs belong to each run that reuses it.
        mark["mlops.step"] = self._step.record.slug
        found = find_run(self._client, [where], mark)
        if found is not None:
            return RunWriter(self._client, found, created=False)
        tags = {**_copied(item.data.tags), **mark, _PARENT: above.id}
        made = self._client.create_run(where, item.info.start_time, tags, item.info.run_name)
        return RunWriter(self._client, made, created=True)

    def _copy_run(self, item: Any) -> None:
        writer = self._writers[item.info.run_id]
        is_step = writer is self._run
        tags = _copied(item.data.tags)
        if is_step:
            tags = {name: value for name, value in tags.items() if not name.startswith("mlflow.") or "note" in name}
            tags |= {_LOCAL_RUN: item.info.run_id, "mlops.run_name": item.info.run_name or ""}
        writer.write_tags({name: value for name, value in tags.items() if value})
        writer.write_params(dict(item.data.params))
        points = list(self._points_of(item))
        if is_step:
            self._points += points
        else:
            writer.write_metrics(points)
        writer.write_datasets(
            [(dict(found.dataset), {tag.key: tag.value for tag in found.tags}) for found in item.inputs.dataset_inputs]
        )
        outputs = getattr(getattr(item, "outputs", None), "model_outputs", None) or []
        writer.write_models({self._models[out.model_id]: out.step for out in outputs if out.model_id in self._models})
        folder = _path(item.info.artifact_uri)
        if folder.is_dir():
            writer.write_folder(folder)
        if not is_step:
            self._run.problems += writer.problems
            state = item.info.status
            ended = state in ("FINISHED", "FAILED", "KILLED")
            well = self._step.record.status in ("succeeded", "reused")
            writer.finish(
                state if ended else ("FINISHED" if well else "KILLED"), item.info.end_time or self._step.record.finished
            )

    def _points_of(self, item: Any) -> Iterator[Point]:
        for name in sorted(item.data.metrics):
            for found in self._own.get_metric_history(item.info.run_id, name):
                model = self._models.get(getattr(found, "model_id", None) or "")
                yield Point(found.key, found.value, found.timestamp, found.step, model)

    def _copy_model(self, model: Any) -> None:
        """Copy one of MLflow's logged models (from version 3 on), with its files."""
        writer = self._writers.get(model.source_run_id or "", self._run)
        there = {
            item.tags.get(_LOCAL_MODEL): item
            for item in pages(self._client.search_logged_models, [writer.experiment], f"source_run_id = '{writer.id}'")
        }
        made = there.get(model.model_id)
        if made is None:
            made = self._client.create_logged_model(
                writer.experiment,
                model.name,
                writer.id,
                {**{name: text(value) for name, value in model.tags.items()}, _LOCAL_MODEL: model.model_id},
                dict(model.params),
                model.model_type,
            )
        self._models[model.model_id] = made.model_id
        if model.source_run_id not in self._writers:  # it was logged outside of any run
            self._loose[made.model_id] = 0
        if str(made.status) == "READY":
            return
        folder = _path(model.artifact_location)
        problems: list[str] = [] if folder.is_dir() else ["it has no files"]
        with tolerated(problems):
            if folder.is_dir():
                self._client.log_model_artifacts(made.model_id, str(folder))
                self._describe_anew(folder / "MLmodel", model, made.model_id, writer)
        self._run.problems += [f"model {model.name}: {problem}" for problem in problems]
        self._client.finalize_logged_model(made.model_id, "FAILED" if problems else "READY")

    def _describe_anew(self, description: Path, model: Any, name: str, writer: RunWriter) -> None:
        """Write a model's description with the ids that it and its run have on the server."""
        if not description.is_file():
            return
        content = description.read_text(encoding="utf-8").replace(model.model_id, name)
        if model.source_run_id:
            content = content.replace(model.source_run_id, writer.id)
        with tempfile.TemporaryDirectory(prefix="mlops-") as place:
            (Path(place) / "MLmodel").write_text(content, encoding="utf-8")
            self._client.log_model_artifacts(name, place)

    def _copy_registry(self) -> None:
        """Copy the models that the code has registered."""
        from jupyter_mlops.tracking.mlflow_registry import registered_model, version_with

        for model, found in self._registered():
            registered_model(self._client, model.name, model.description)
            versions: dict[str, str] = {}
            for item in sorted(found, key=lambda item: int(item.version)):
                source, logged = self._source(item)
                if source is None:
                    continue
                writer = self._writers.get(item.run_id or "", self._run)
                versions[str(item.version)] = version_with(
                    self._client,
                    model.name,
                    {_LOCAL_VERSION: f"{self._step.record.run_id}/{self._step.record.slug}/{item.version}"},
                    source,
                    writer.id,
                    description=item.description or None,
                    tags=dict(item.tags),
                    model_id=logged,
                )
            for alias, number in model.aliases.items():
                if str(number) in versions:
                    self._client.set_registered_model_alias(model.name, alias, versions[str(number)])

    def _registered(self) -> list[tuple[Any, list[Any]]]:
        """The models in the step's own registry, with their versions."""
        # It looks for logged models wherever this process would log to.
        before = os.environ.get(TRACKING_URI)
        os.environ[TRACKING_URI] = self._own.tracking_uri
        try:
            models = list(pages(self._own.search_registered_models))
            return [(item, list(pages(self._own.search_model_versions, f"name = '{item.name}'"))) for item in models]
        finally:
            del os.environ[TRACKING_URI]
            if before is not None:
                os.environ[TRACKING_URI] = before

    def _source(self, version: Any) -> tuple[str | None, str | None]:
        """What a registered version is made of, on the server: its source, and the id of its logged model."""
        for own, there in self._models.items():
            if own in (version.source or "") or getattr(version, "model_id", None) == own:
                return f"models:/{there}", there
        writer = self._writers.get(version.run_id or "")
        marker = f"/{version.run_id}/artifacts/"
        if writer is None or marker not in (version.source or ""):
            return None, None
        return f"{writer.artifacts}/{version.source.partition(marker)[2]}", None


def _copied(tags: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name not in _NOT_COPIED}


def _parents_first(runs: Iterable[Any]) -> list[Any]:
    """Put each run behind the one that it is nested in."""
    waiting, placed, order = list(runs), set[str](), list[Any]()
    known = {item.info.run_id for item in waiting}
    while waiting:
        ready = [item for item in waiting if (above := item.data.tags.get(_PARENT)) not in known or above in placed]
        for item in ready or waiting:  # whatever tags a user may set
            placed.add(item.info.run_id)
            order.append(item)
        waiting = [item for item in waiting if item.info.run_id not in placed]
    return order


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(uri)


def _chunks(values: list[str], most: int = 100) -> Iterator[list[str]]:
    for start in range(0, len(values), most):
        yield values[start : start + most]
