"""A last step that reports how the run ended, whether it succeeded or not: KFP's exit handler."""

from __future__ import annotations

import json
from typing import Any

from jupyter_mlops.kubeflow.types import HTML

__all__ = ["REPORT", "add_exit_report"]

REPORT = "run-report"
_STEPS = "steps"
_COMMAND = ["python3", "-m", "jupyter_mlops.runtime.exit_report"]


def add_exit_report(spec: dict[str, Any], image: str) -> None:
    """Put all tasks of a pipeline into one of their own, and a report after it."""
    root = spec["root"]
    inner = {"dag": root["dag"]}
    if "inputDefinitions" in root:
        inner["inputDefinitions"] = root["inputDefinitions"]
    names = {slug: task["taskInfo"]["name"] for slug, task in root["dag"]["tasks"].items()}
    spec["components"][f"comp-{_STEPS}-of-run"] = inner
    spec["components"][f"comp-{REPORT}"] = {
        "executorLabel": f"exec-{REPORT}",
        "inputDefinitions": {"parameters": {"status": {"isOptional": True, "parameterType": "TASK_FINAL_STATUS"}}},
        "outputDefinitions": {
            "artifacts": {"report": {"artifactType": {"schemaTitle": HTML, "schemaVersion": "0.0.1"}}}
        },
    }

    listed = json.dumps(
        {"pipeline": spec["pipelineInfo"].get("displayName", spec["pipelineInfo"]["name"]), "steps": names}
    )
    spec["deploymentSpec"]["executors"][f"exec-{REPORT}"] = {
        "container": {"image": image, "command": _COMMAND, "args": ["{{$}}", listed]}
    }
    group: dict[str, Any] = {
        "componentRef": {"name": f"comp-{_STEPS}-of-run"},
        "taskInfo": {"name": "steps"},
    }
    parameters = root.get("inputDefinitions", {}).get("parameters", {})
    if parameters:
        group["inputs"] = {"parameters": {key: {"componentInputParameter": key} for key in parameters}}
    root["dag"] = {
        "tasks": {
            f"{_STEPS}-of-run": group,
            REPORT: {
                "cachingOptions": {},
                "componentRef": {"name": f"comp-{REPORT}"},
                "dependentTasks": [f"{_STEPS}-of-run"],
                "inputs": {"parameters": {"status": {"taskFinalStatus": {"producerTask": f"{_STEPS}-of-run"}}}},
                "taskInfo": {"name": "report of the run"},
                "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            },
        }
    }
