"""A stand-in for MLflow's client: takes each value of a metric as often as it is told, and fails when asked to."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace as Space
from typing import Any


class Page(list):
    token = None


class CutError(ConnectionError):
    """The line went dead."""


class StandIn:
    """All that MLflow would keep; the call with the number ``cut`` fails, with ``after`` once it has taken effect."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {"0": "Default"}
        self.runs: dict[str, Any] = {}
        self.history: dict[str, list[Any]] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.models: dict[str, Any] = {}
        self.registered: dict[str, Any] = {}
        self.versions: list[Any] = []
        self.calls = 0
        self.cut: int | None = None
        self.after = False
        self._ids = itertools.count(1)

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_") or not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            dead = self.calls == self.cut
            if dead and not self.after:
                raise CutError("the line is dead")
            answer = found(*arguments, **named)
            if dead:
                raise CutError("the line is dead")
            return answer

        return call

    # experiments and runs

    def get_experiment_by_name(self, name: str) -> Any:
        return next((Space(experiment_id=key) for key, value in self.experiments.items() if value == name), None)

    def create_experiment(self, name: str) -> str:
        assert name not in self.experiments.values()
        key = f"e{next(self._ids)}"
        self.experiments[key] = name
        return key

    def search_experiments(self, view_type: Any = None, page_token: Any = None) -> Page:
        return Page(Space(experiment_id=key, name=value) for key, value in self.experiments.items())

    def create_run(self, experiment_id: str, start_time: int, tags: dict[str, str], run_name: str) -> Any:
        assert experiment_id in self.experiments
        key = f"r{next(self._ids)}"
        info = Space(
            run_id=key,
            experiment_id=experiment_id,
            start_time=start_time,
            end_time=None,
            status="RUNNING",
            run_name=run_name,
            artifact_uri=f"mlflow-artifacts:/{key}",
            lifecycle_stage="active",
        )
        data = Space(tags=dict(tags), params={}, metrics={})
        inputs, outputs = Space(dataset_inputs=[]), Space(model_outputs=[])
        self.runs[key] = Space(info=info, data=data, inputs=inputs, outputs=outputs)
        self.history[key], self.files[key] = [], {}
        return self._copy(self.runs[key])

    def get_run(self, run_id: str) -> Any:
        return self._copy(self.runs[run_id])

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str = "",
        run_view_type: Any = None,
        max_results: int = 1000,
        page_token: Any = None,
    ) -> Page:
        wanted = dict(re.findall(r"tags\.(\S+) = '([^']*)'", filter_string))
        return Page(
            self._copy(run)
            for run in self.runs.values()
            if run.info.experiment_id in experiment_ids
            and all(run.data.tags.get(name) == value for name, value in wanted.items())
        )

    def log_batch(self, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        run = self.runs[run_id]
        assert len(metrics) <= 1000 and len(params) <= 100 and len(tags) <= 100
        for item in params:
            assert run.data.params.setdefault(item.key, item.value) == item.value
        for item in metrics:
            self.history[run_id].append(item)
            run.data.metrics[item.key] = item.value
        run.data.tags.update({item.key: item.value for item in tags})

    def set_tag(self, run_id: str, name: str, value: str) -> None:
        self.runs[run_id].data.tags[name] = value

    def get_metric_history(self, run_id: str, name: str) -> list[Any]:
        return [item for item in self.history[run_id] if item.key == name]

    def log_inputs(self, run_id: str, datasets: Any) -> None:
        self.runs[run_id].inputs.dataset_inputs += datasets

    def log_outputs(self, run_id: str, models: Any) -> None:
        self.runs[run_id].outputs.model_outputs += models

    def log_artifacts(self, run_id: str, path: str, target: str | None = None) -> None:
        for item in Path(path).rglob("*"):
            if item.is_file():
                name = "/".join(filter(None, (target, item.relative_to(path).as_posix())))
                self.files[run_id][name] = item.read_bytes()

    def set_terminated(self, run_id: str, status: str, end_time: int | None) -> None:
        info = self.runs[run_id].info
        info.status, info.end_time = status, end_time

    # models

    def create_logged_model(self, *values: Any) -> Any:
        names = ("experiment_id", "name", "source_run_id", "tags", "params", "model_type")
        key = f"m-{next(self._ids)}"
        self.models[key] = Space(model_id=key, status="PENDING", files={}, **dict(zip(names, values, strict=True)))
        return self.models[key]

    def search_logged_models(self, experiment_ids: list[str], filter_string: str, page_token: Any = None) -> Page:
        (run_id,) = re.findall(r"'(.*)'", filter_string)
        found = [item for item in self.models.values() if item.experiment_id in experiment_ids]
        return Page(item for item in found if item.source_run_id == run_id)

    def log_model_artifacts(self, model_id: str, folder: str) -> None:
        files = {item.name: item.read_bytes() for item in Path(folder).rglob("*") if item.is_file()}
        self.models[model_id].files.update(files)

    def finalize_logged_model(self, model_id: str, status: str) -> None:
        self.models[model_id].status = status

    def create_registered_model(self, name: str, description: str | None = None) -> None:
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS

        if name in self.registered:
            raise MlflowException("it exists", RESOURCE_ALREADY_EXISTS)
        self.registered[name] = Space(name=name, description=description, tags={}, aliases={})

    def get_registered_model(self, name: str) -> Any:
        found = self.registered[name]
        return Space(**{**vars(found), "tags": dict(found.tags)})

    def update_registered_model(self, name: str, description: str) -> None:
        self.registered[name].description = description

    def search_model_versions(self, filter_string: str, page_token: Any = None) -> Page:
        (name,) = re.findall(r"name = '(.*)'", filter_string)
        return Page(item for item in self.versions if item.name == name)

    def create_model_version(
        self, name: str, source: str, run_id: str, tags: Any, description: str | None, model_id: str | None = None
    ) -> Any:
        number = 1 + sum(item.name == name for item in self.versions)
        made = Space(
            name=name,
            version=number,
            source=source,
            run_id=run_id,
            tags=tags,
            description=description,
            model_id=model_id,
        )
        self.versions.append(made)
        return made

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        self.registered[name].aliases[alias] = version

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self.registered[name].aliases.pop(alias, None)

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self.registered[name].tags[key] = value

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self.registered[name].tags.pop(key, None)

    def _copy(self, run: Any) -> Any:
        """What a client gets is as old as its request."""
        data = Space(tags=dict(run.data.tags), params=dict(run.data.params), metrics=dict(run.data.metrics))
        return Space(
            info=Space(**vars(run.info)),
            data=data,
            inputs=Space(dataset_inputs=list(run.inputs.dataset_inputs)),
            outputs=Space(model_outputs=list(run.outputs.model_outputs)),
        )
