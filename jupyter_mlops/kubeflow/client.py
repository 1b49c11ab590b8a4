"""The API of Kubeflow Pipelines, v2beta1, through its generated client."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_mlops.kubeflow.pace import PACE, Pace
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.transport import Answer, Transport
from jupyter_mlops.kubeflow.trouble import Refused, trouble

__all__ = ["Cluster"]

Json = Mapping[str, Any]
_PAGE = 100


class Cluster:
    """A runtime that is talked to.

    Args:
        pace: How long to wait for what; the usual by default.

    Raises:
        UsageError: The runtime's certificates can't be read.
    """

    def __init__(self, runtime: Runtime, pace: Pace | None = None) -> None:
        import kfp_server_api as generated

        self.runtime = runtime
        self.pace = pace or PACE
        self.transport = Transport(runtime, self.pace)
        configuration = generated.Configuration()
        configuration.host = runtime.host
        client = generated.ApiClient(configuration)
        client.rest_client = self.transport
        self._experiments = generated.ExperimentServiceApi(client)
        self._health = generated.HealthzServiceApi(client)
        self._pipelines = generated.PipelineServiceApi(client)
        self._uploads = generated.PipelineUploadServiceApi(client)
        self._runs = generated.RunServiceApi(client)
        self._schedules = generated.RecurringRunServiceApi(client)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.close()

    def health(self) -> Json:
        """Return what the API says of itself."""
        return self._call(self._health.healthz_service_get_healthz)

    def list_experiments(self, name: str | None = None) -> list[Json]:
        """Return the experiments of this name, or the first ones."""
        given = {"namespace": self.runtime.namespace, "filter": _named(name)} if name else {}
        given.setdefault("namespace", self.runtime.namespace)
        answer = self._call(self._experiments.experiment_service_list_experiments, page_size=_PAGE, **_given(given))
        return list(answer.get("experiments") or ())

    def create_experiment(self, name: str) -> Json:
        """Create an experiment."""
        body = _given({"display_name": name, "namespace": self.runtime.namespace})
        return self._call(self._experiments.experiment_service_create_experiment, body)

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; it is created if it is missing."""
        found = self.list_experiments(name)
        if not found:
            try:
                found = [self.create_experiment(name)]
            except Refused as error:
                if error.kind != "conflict":
                    raise
                found = self.list_experiments(name)  # somebody else was quicker
        return self._text(found[0] if found else {}, "experiment_id")

    def pipeline(self, name: str) -> str | None:
        """Return the id of a pipeline, or None."""
        given = {"namespace": self.runtime.namespace, "filter": _named(name)}
        answer = self._call(self._pipelines.pipeline_service_list_pipelines, page_size=_PAGE, **_given(given))
        found = [item for item in answer.get("pipelines") or () if name in (item.get("display_name"), item.get("name"))]
        return self._text(found[0], "pipeline_id") if found else None

    def create_pipeline(self, name: str, description: str) -> str:
        """Create a pipeline without versions; return its id."""
        body = {
            "display_name": name,
            "name": name,
            "description": description,
            "namespace": self.runtime.namespace,
        }
        return self._text(self._call(self._pipelines.pipeline_service_create_pipeline, _given(body)), "pipeline_id")

    def versions(self, pipeline: str, name: str) -> list[Json]:
        """Return the versions of a pipeline with this name."""
        answer = self._call(
            self._pipelines.pipeline_service_list_pipeline_versions, pipeline, page_size=_PAGE, filter=_named(name)
        )
        found = answer.get("pipeline_versions") or ()
        return [item for item in found if name in (item.get("display_name"), item.get("name"))]

    def upload_version(self, pipeline: str, name: str, description: str, text: str) -> str:
        """Upload a version of a pipeline; return its id."""
        with tempfile.TemporaryDirectory(prefix="mlops-upload-") as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(text, encoding="utf-8")
            answer = self._call(
                self._uploads.upload_pipeline_version,
                str(path),
                name=name,
                display_name=name,
                pipelineid=pipeline,
                description=description,
            )
        return self._text(answer, "pipeline_version_id")

    def start_run(self, body: Json) -> str:
        """Start a run; return its id."""
        return self._text(self._call(self._runs.run_service_create_run, dict(body)), "run_id")

    def runs_named(self, name: str, experiment: str) -> list[Json]:
        """Return the runs of this name, the oldest first."""
        answer = self._call(
            self._runs.run_service_list_runs,
            **_given({"namespace": self.runtime.namespace, "experiment_id": experiment}),
            page_size=_PAGE,
            sort_by="created_at asc",
            filter=_named(name),
        )
        return [item for item in answer.get("runs") or () if item.get("display_name") == name]

    def run(self, run_id: str) -> Json:
        """Return a run with its tasks."""
        return self._call(self._runs.run_service_get_run, run_id)

    def terminate(self, run_id: str) -> None:
        """Ask a run to stop."""
        self._call(self._runs.run_service_terminate_run, run_id)

    def retry(self, run_id: str) -> None:
        """Let the tasks of a run that failed run again."""
        self._call(self._runs.run_service_retry_run, run_id)

    def create_schedule(self, body: Json) -> Json:
        """Create a recurring run."""
        return self._call(self._schedules.recurring_run_service_create_recurring_run, dict(body))

    def schedules(self, name: str | None = None) -> Iterator[Json]:
        """Go through the recurring runs, or those of this name."""
        token = ""
        while True:
            given = {"namespace": self.runtime.namespace, "page_token": token, "filter": _named(name) if name else ""}
            answer = self._call(
                self._schedules.recurring_run_service_list_recurring_runs, page_size=_PAGE, **_given(given)
            )
            yield from answer.get("recurringRuns") or answer.get("recurring_runs") or ()
            token = answer.get("next_page_token") or ""
            if not token:
                return

    def enable_schedule(self, schedule: str) -> None:
        """Let a recurring run start runs."""
        self._call(self._schedules.recurring_run_service_enable_recurring_run, schedule)

    def disable_schedule(self, schedule: str) -> None:
        """Keep a recurring run from starting runs."""
        self._call(self._schedules.recurring_run_service_disable_recurring_run, schedule)

    def delete_schedule(self, schedule: str) -> None:
        """Delete a recurring run; runs that it started stay."""
        self._call(self._schedules.recurring_run_service_delete_recurring_run, schedule)

    def speaks_v1(self) -> bool:
        """Tell whether the API of the version before is there."""
        try:
            answer = self.transport.send("GET", f"{self.runtime.host}/apis/v1beta1/healthz", asks=True)
            return isinstance(json.loads(answer.data), dict)
        except (Refused, ValueError):
            return False

    def log(self, pod: str, run_id: str, created: str = "") -> str:
        """Return what a pod has printed so far.

        Raises:
            Refused: The host does not give logs, or has none of this pod.
            Unreachable: It can't be reached.
        """
        given = {
            "podname": pod,
            "runid": run_id,
            "podnamespace": self.runtime.namespace or "kubeflow",
            "createdat": created,
        }
        answer = self.transport.send("GET", f"{self.runtime.pages}/k8s/pod/logs?{urlencode(_given(given))}")
        kind = answer.getheader("content-type") or ""
        if "html" in kind:
            raise trouble("login", self.runtime, "instead of a log")
        return self.transport.redact(answer.data.decode("utf-8", "replace"))

    def run_page(self, run_id: str) -> str:
        """Return the address of the page about a run."""
        return f"{self.runtime.pages}/#/runs/details/{quote(run_id)}"

    def schedule_page(self, schedule: str) -> str:
        """Return the address of the page about a recurring run."""
        return f"{self.runtime.pages}/#/recurringrun/details/{quote(schedule)}"

    def _call(self, operation: Any, *given: Any, **more: Any) -> Json:
        answer: Answer = operation(*given, **more, _preload_content=False)
        if not answer.data.strip():
            return {}
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        kind = answer.getheader("content-type") or ""
        if "html" in kind or answer.data.lstrip()[:1] == b"<":
            from jupyter_mlops.kubeflow.trouble import message_of

            raise trouble("login", self.runtime, self.transport.redact(message_of(answer.data, kind)))
        raise trouble("nonsense", self.runtime, "its answer is no JSON object")

    def _text(self, found: Json, key: str) -> str:
        value = found.get(key)
        if not isinstance(value, str) or not value:
            raise trouble("nonsense", self.runtime, f"its answer has no {key}")
        return value


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty: an empty namespace is a wrong one to some servers."""
    return {key: value for key, value in values.items() if value not in ("", None)}
