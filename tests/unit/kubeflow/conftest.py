"""Compiled pipelines, run step by step as Kubeflow's launcher would, in subprocesses in place of containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from jupyter_mlops.api.kubeflow import compile_notebook

MakeNotebook = Callable[..., Path]


@pytest.fixture
def make_notebook(tmp_path: Path) -> MakeNotebook:
    """Return a function that writes a notebook of (tags, source) or (tags, source, settings)."""

    def make(*cells: Sequence[Any], name: str = "nb", metadata: Mapping[str, Any] | None = None) -> Path:
        notebook = nbformat.v4.new_notebook()
        for number, (tags, source, *settings) in enumerate(cells):
            cell = nbformat.v4.new_code_cell(
                source, id=f"c{number}", metadata={"tags": tags.split(";") if tags else []}
            )
            if settings:
                cell.metadata["mlops"] = settings[0]
            notebook.cells.append(cell)
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        notebook.metadata = {"kernelspec": kernel, **(metadata or {})}
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return make


@dataclass
class Ran:
    """What came of a pipeline: artifacts by step and key, processes by step."""

    artifacts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    processes: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def metadata(self, step: str, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.artifacts[step][key]["metadata"]
        return found

    def path(self, step: str, key: str) -> Path:
        return Path(self.artifacts[step][key]["uri"])

    def digests(self) -> dict[tuple[str, str], str]:
        """By step and names."""
        return {
            (step, item["metadata"]["names"]): item["metadata"]["digest"]
            for step, found in self.artifacts.items()
            for item in found.values()
            if "digest" in item["metadata"]
        }

    def notebook(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path(step, "executed_notebook_ipynb").read_text(encoding="utf-8"))
        return found

    def outputs(self, step: str) -> list[str]:
        """Text of all outputs of the user's cells."""
        return [_text(output) for cell in self.notebook(step)["cells"] for output in cell.get("outputs", [])]


def _text(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    return str(output.get("data", {}).get("text/plain") or f"{output.get('ename')}: {output.get('evalue')}")


class Runner:
    """Runs compiled pipelines.

    Args:
        root: Where artifacts go; each pipeline has a folder of its own there.
        cwd: Working directory of the steps.
    """

    def __init__(self, root: Path, cwd: Path) -> None:
        self.root = root
        self.cwd = cwd

    def run(
        self,
        text: str,
        *,
        values: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        until_failure: bool = True,
    ) -> Ran:
        """Run all steps in an order of their dependencies, until one fails."""
        spec = next(yaml.safe_load_all(text))
        given = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        parameters = {**{key: item.get("defaultValue") for key, item in given.items()}, **(values or {})}
        ran = Ran()
        waiting = dict(spec["root"]["dag"]["tasks"])
        while waiting:
            name = next(
                name for name, task in waiting.items() if not {*task.get("dependentTasks", [])} & waiting.keys()
            )
            task = waiting.pop(name)
            component = spec["components"][task["componentRef"]["name"]]
            container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
            given_input = self._input(name, task, component, parameters, ran)
            ran.processes[name] = self.start(container, given_input, env)
            place = Path(given_input["outputs"]["outputFile"])
            if place.is_file():
                made = json.loads(place.read_text(encoding="utf-8"))["artifacts"]
                ran.artifacts[name] = {key: item["artifacts"][0] for key, item in made.items()}
            if ran.processes[name].returncode and until_failure:
                break
        return ran

    def start(
        self, container: Mapping[str, Any], given_input: Mapping[str, Any], env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one container's command."""
        arguments = [json.dumps(given_input) if item == "{{$}}" else item for item in container["args"]]
        own = {item["name"]: item["value"] for item in container.get("env", [])}
        root = str(Path(__file__).resolve().parents[3])
        return subprocess.run(
            [sys.executable, *container["command"][1:], *arguments],
            cwd=self.cwd,
            env={**os.environ, "PYTHONPATH": root, **own, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _input(
        self, name: str, task: Mapping[str, Any], component: Mapping[str, Any], parameters: Mapping[str, Any], ran: Ran
    ) -> dict[str, Any]:
        inputs = task.get("inputs", {})
        values = {
            key: parameters[item["componentInputParameter"]] for key, item in inputs.get("parameters", {}).items()
        }
        artifacts = {}
        for key, item in inputs.get("artifacts", {}).items():
            source = item["taskOutputArtifact"]
            artifacts[key] = {"artifacts": [ran.artifacts[source["producerTask"]][source["outputArtifactKey"]]]}
        outputs = {
            key: {"artifacts": [{"name": key, "uri": str(self.root / name / key), "type": item["artifactType"]}]}
            for key, item in component["outputDefinitions"]["artifacts"].items()
        }
        return {
            "inputs": {"parameterValues": values, "artifacts": artifacts},
            "outputs": {"artifacts": outputs, "outputFile": str(self.root / name / "output.json")},
        }


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return what runs compiled pipelines in a folder of the test."""
    cwd = tmp_path / "container"
    cwd.mkdir()
    return Runner(tmp_path / "root", cwd)


@pytest.fixture
def run_notebook(runner: Runner) -> Callable[..., Ran]:
    """Return a function that compiles a notebook and runs it."""

    def run(path: Path, parameters: Mapping[str, Any] | None = None, **options: Any) -> Ran:
        compiled = compile_notebook(path, parameters, image="localhost/test:1")
        return runner.run(compiled.yaml, **options)

    return run


def document(text: str) -> dict[str, Any]:
    """Return the pipeline of a compiled text."""
    found: dict[str, Any] = next(yaml.safe_load_all(text))
    return found
