"""Runs a pipeline's tasks as processes, with what Kubeflow would hand to their containers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Execution", "now"]

Json = dict[str, Any]
Cache = dict[str, tuple[Json, Json]]
_ENDED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Execution:
    """One run.

    Args:
        run: The run's JSON, which changes as it goes on.
        spec: The pipeline's intermediate representation.
        root: Folder for what the run makes.
        scratch: Folder for logs.
        python: What runs the steps: the interpreter, in place of the container's.
        environment: Variables for the steps.
    """

    def __init__(
        self,
        run: Json,
        spec: Json,
        root: Path,
        scratch: Path,
        cache: Cache,
        environment: Mapping[str, str],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.run = run
        self.logs: dict[str, Path] = {}
        self.commands: list[list[str]] = []
        self._spec = spec
        self._root = root
        self._scratch = scratch
        self._cache = cache
        self._environment = dict(environment)
        self._ended = ended
        self._made: dict[str, Json] = {}
        self._values: dict[str, Json] = {}
        self._details: dict[str, Json] = {}
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or go on with what has not succeeded."""
        self._cancelled.clear()
        self._state(self.run, "PENDING")
        self.run.pop("error", None)
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Stop soon."""
        if self.run["state"] in _ENDED:
            return
        self._state(self.run, "CANCELING")
        self._cancelled.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def join(self, timeout: float = 60.0) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _go(self) -> None:
        tasks = dict(self._spec["root"]["dag"]["tasks"])
        self._state(self.run, "RUNNING")
        failed = False
        while tasks and not self._cancelled.is_set():
            ready = [name for name, task in tasks.items() if not set(task.get("dependentTasks", ())) & set(tasks)]
            name = ready[0]
            task = tasks.pop(name)
            before = [self._details.get(item, {}).get("state") for item in task.get("dependentTasks", ())]
            always = task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
            if not always and any(state != "SUCCEEDED" for state in before):
                continue
            if self._details.get(name, {}).get("state") != "SUCCEEDED":
                failed |= not self._task(name, task)
        end = "CANCELED" if self._cancelled.is_set() else "FAILED" if failed else "SUCCEEDED"
        if failed and not self._cancelled.is_set():
            self.run["error"] = {"code": 1, "message": "Run failed: a task has failed"}
        self.run["finished_at"] = now()
        self._state(self.run, end)
        self._ended()

    def _task(self, name: str, task: Json) -> bool:
        pod = f"{self.run['run_id'][:8]}-{name}-{uuid.uuid4().hex[:6]}"
        detail = self._detail(task.get("taskInfo", {}).get("name", name), f"{pod}-dag")
        self._details[name] = detail
        driver = self._detail(f"{name}-driver", f"{pod}-driver")
        driver.update(state="SUCCEEDED", end_time=now())
        worker = self._detail("executor", pod)
        detail["child_tasks"] = [{"pod_name": pod}]
        time.sleep(float(self._environment.get("KFP_SERVER_DELAY", "0")))
        for item in (detail, worker):
            self._state(item, "RUNNING")
            item["start_time"] = now()
        reused, message = self._execute(name, task, pod)
        state = "CANCELED" if self._cancelled.is_set() else "FAILED" if message else "SUCCEEDED"
        for item in (detail, worker):
            item["end_time"] = now()
            if message and state == "FAILED":
                item["error"] = {"code": 1, "message": message}
        self._state(worker, "SKIPPED" if reused else state)
        self._state(detail, state)
        return state == "SUCCEEDED"

    def _execute(self, name: str, task: Json, pod: str) -> tuple[bool, str]:
        component = self._spec["components"][task["componentRef"]["name"]]
        executor = self._spec["deploymentSpec"]["executors"][component["executorLabel"]]
        given = self._inputs(component, task.get("inputs", {}))
        if "importer" in executor:
            found = {"uri": _constant(executor["importer"]["artifactUri"], given), "metadata": {}}
            self._made[name] = dict.fromkeys(component["outputDefinitions"]["artifacts"], found)
            return False, ""
        key = hashlib.sha256(json.dumps([executor, given], sort_keys=True).encode()).hexdigest()
        if task.get("cachingOptions", {}).get("enableCache") and key in self._cache:
            self._made[name], self._values[name] = self._cache[key]
            return True, ""
        folder = self._root / name / uuid.uuid4().hex
        folder.mkdir(parents=True)
        outputs = component.get("outputDefinitions", {})
        executor_input = {
            "inputs": given,
            "outputs": {
                "artifacts": {
                    item: {
                        "artifacts": [
                            {"name": item, "uri": str(folder / item), "metadata": {}, "type": about["artifactType"]}
                        ]
                    }
                    for item, about in outputs.get("artifacts", {}).items()
                },
                "parameters": {
                    item: {"outputFile": str(folder / f"{item}.value")} for item in outputs.get("parameters", {})
                },
                "outputFile": str(folder / "executor_output.json"),
            },
        }
        code = self._process_of(executor["container"], executor_input, pod)
        if code != 0:
            return False, f"task {name}: main container exited with code {code}"
        self._take(name, executor_input["outputs"], folder)
        self._cache[key] = (self._made[name], self._values[name])
        return False, ""

    def _process_of(self, container: Json, executor_input: Json, pod: str) -> int:
        text = json.dumps(executor_input)
        command = [part.replace("{{$}}", text) for part in (*container.get("command", ()), *container.get("args", ()))]
        if Path(command[0]).name.startswith("python"):
            command[0] = sys.executable
        self.commands.append(command)
        environment = {**os.environ, **self._environment}
        environment.update({item["name"]: item["value"] for item in container.get("env", ())})
        folder = self._scratch / pod
        folder.mkdir(parents=True)
        log = self._scratch / f"{pod}.log"
        self.logs[pod] = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file)
            if self._cancelled.is_set():
                self._process.terminate()
            return self._process.wait(timeout=120)

    def _take(self, name: str, outputs: Json, folder: Path) -> None:
        """What the launcher does after the container: what was made, and what is said about it."""
        path = Path(outputs["outputFile"])
        said = json.loads(path.read_text()) if path.exists() else {}
        made = {}
        for key, found in outputs["artifacts"].items():
            artifact = dict(found["artifacts"][0])
            about = said.get("artifacts", {}).get(key, {}).get("artifacts", [{}])
            artifact["metadata"] = about[0].get("metadata", {}) if about else {}
            made[key] = artifact
        self._made[name] = made
        self._values[name] = {
            key: _read(Path(found["outputFile"])) for key, found in outputs["parameters"].items()
        } | said.get("parameterValues", {})
        path.unlink(missing_ok=True)

    def _inputs(self, component: Json, given: Json) -> Json:
        definitions = component.get("inputDefinitions", {})
        values = {
            key: about["defaultValue"]
            for key, about in definitions.get("parameters", {}).items()
            if "defaultValue" in about
        }
        for key, source in given.get("parameters", {}).items():
            values[key] = self._value(source)
        artifacts = {}
        for key, source in given.get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            artifacts[key] = {"artifacts": [self._made[output["producerTask"]][output["outputArtifactKey"]]]}
        return {"parameterValues": values, "artifacts": artifacts}

    def _value(self, source: Json) -> Any:
        if "runtimeValue" in source:
            return source["runtimeValue"]["constant"]
        if "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            return self._values[output["producerTask"]][output["outputParameterKey"]]
        name = source["componentInputParameter"]
        parameters = self.run["runtime_config"].get("parameters") or {}
        if name in parameters:
            return parameters[name]
        return self._spec["root"]["inputDefinitions"]["parameters"][name].get("defaultValue")

    def _detail(self, display_name: str, pod: str) -> Json:
        detail = {
            "run_id": self.run["run_id"],
            "task_id": str(uuid.uuid4()),
            "display_name": display_name,
            "create_time": now(),
            "pod_name": pod,
            "state_history": [],
        }
        self._state(detail, "PENDING")
        self.run["run_details"]["task_details"].append(detail)
        return detail

    @staticmethod
    def _state(item: Json, state: str) -> None:
        item["state"] = state
        item.setdefault("state_history", []).append({"update_time": now(), "state": state})


def load_spec(text: str) -> Json:
    """Return the intermediate representation in a file of one or two documents."""
    spec = next(yaml.safe_load_all(text))
    if not isinstance(spec, dict) or "root" not in spec or "deploymentSpec" not in spec:
        raise ValueError("no pipeline spec")
    return spec


def _constant(source: Json, given: Json) -> Any:
    if "constant" in source:
        return source["constant"]
    return given["parameterValues"][source["runtimeParameter"]]


def _read(path: Path) -> Any:
    text = path.read_text() if path.exists() else ""
    try:
        return json.loads(text)
    except ValueError:
        return text
