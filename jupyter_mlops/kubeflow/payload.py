"""What a component carries: its step notebook and all that the runtime has to know, compressed into arguments."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import NotebookError
from jupyter_mlops.kubeflow.plan import Port, StepPlan
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.settings import distribution_of
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.places import cell_place
from jupyter_mlops.steps.cells import text_of
from jupyter_mlops.steps.notebook import step_notebook

__all__ = ["MAX_ARGUMENT", "MAX_COMPRESSED", "SCHEMA", "arguments", "payload"]

SCHEMA = 1
MAX_COMPRESSED = 384 * 1024
"""Bytes of a component's compressed notebook: a cluster keeps the whole pipeline in one record of limited size."""
MAX_ARGUMENT = 95 * 1024
"""Characters of one argument: Linux refuses to start a program with one of 128 KiB."""


def payload(
    pipeline: Pipeline,
    plan: StepPlan,
    notebook: Notebook,
    modules: Mapping[str, str],
    files: Mapping[str, str],
    *,
    tells: bool = False,
) -> dict[str, Any]:
    """Make what the runtime reads.

    Args:
        modules: The project's own modules that the step imports, with digests.
        files: The project's files that the step reads, with digests.
        tells: Whether the step says in its log what it made.
    """
    step = plan.step
    code: dict[str, None] = {}
    for port in (*plan.inputs, *plan.outputs):
        code.update(dict.fromkeys(port.artifact.code if port.artifact else ()))
    given = {port.artifact.names[0] for port in plan.inputs if port.uri is not None and port.artifact}
    return {
        "schema": SCHEMA,
        "pipeline": pipeline.name,
        "step": step.slug,
        "name": step.name,
        "places": {cell: cell_place(notebook, cell, None, pipeline) for cell in step.cells},
        "parameters": [
            {"key": item.key, "name": item.name, "type": item.parameter.type, "encoding": item.encoding}
            | {"default": json.dumps(item.parameter.default)}
            for item in plan.arguments
        ],
        "loads": [_load(port, plan) for port in plan.inputs],
        "saves": [_save(port) for port in plan.outputs if port.artifact not in plan.files],
        "files": [_save(port) for port in plan.outputs if port.artifact in plan.files],
        "code": list(code),
        "metrics": list(step.metric_names),
        "outputs": {
            "metrics": plan.metrics.key if plan.metrics else None,
            "html": plan.html.key,
            "notebook": plan.notebook.key,
            "logged": plan.logged.key if plan.logged else None,
        },
        "secrets": {
            "env": [item.env for item in plan.settings.secrets if item.env],
            "files": [_secret_path(item.path, item.key) for item in plan.settings.secrets if item.path],
        },
        "needs": {
            "modules": dict(modules),
            "files": {name: digest for name, digest in files.items() if name not in given},
            "packages": sorted({*map(distribution_of, plan.settings.packages)} - {""}),
        },
        "notebook": step_notebook(pipeline, step, notebook.raw, files=given),
        **({"tells": True} if tells else {}),
    }


def arguments(pipeline: Pipeline, content: Mapping[str, Any], notebook: Notebook) -> list[str]:
    """Compress a payload into texts that a command line takes.

    Raises:
        NotebookError: It is too large; the message names the largest cell.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    packed = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    if len(packed) > MAX_COMPRESSED:
        raise _too_large(pipeline, content, notebook, len(packed))
    coded = base64.b64encode(packed).decode("ascii")
    return [coded[start : start + MAX_ARGUMENT] for start in range(0, len(coded), MAX_ARGUMENT)]


def _load(port: Port, plan: StepPlan) -> dict[str, Any]:
    artifact = port.artifact
    assert artifact is not None
    found: dict[str, Any] = {
        "id": artifact.id,
        "kind": artifact.kind,
        "names": list(artifact.names),
        "bind": list(plan.step.loads.get(artifact.id, ())),
        "input": port.key,
    }
    if artifact.kind == "file":
        found["target"] = artifact.names[0]
    return found


def _save(port: Port) -> dict[str, Any]:
    artifact = port.artifact
    assert artifact is not None
    return {
        "id": artifact.id,
        "kind": artifact.kind,
        "names": list(artifact.names),
        "declared_type": artifact.declared_type,
        "output": port.key,
    }


def _secret_path(path: str | None, key: str | None) -> str:
    return f"{path}/{key}" if key else str(path)


def _too_large(pipeline: Pipeline, content: Mapping[str, Any], notebook: Notebook, size: int) -> NotebookError:
    cells = content["notebook"]["cells"]
    largest = max(cells, key=lambda cell: len(text_of(cell).encode("utf-8", "surrogatepass")))
    length = len(text_of(largest).encode("utf-8", "surrogatepass"))
    own = any(cell.id == largest["id"] for cell in notebook.cells)
    place = cell_place(notebook, largest["id"], None, pipeline) if own else "the code that it replays"
    message = (
        f'Step "{content["name"]}" is too large for Kubeflow: its notebook is {_kib(size)} compressed, and '
        f"{_kib(MAX_COMPRESSED)} is the limit. Its largest cell is {place}, with {_kib(length)}."
    )
    return NotebookError(message, hint="Move data out of the code into a file of the project, and read that.")


def _kib(count: int) -> str:
    return f"{count / 1024:.0f} KiB"
