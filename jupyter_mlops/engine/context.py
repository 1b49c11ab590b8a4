"""The context file: what a step's load and save cells have to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.pipeline.model import Artifact, Pipeline, Step
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["SCHEMA", "metrics_only", "step_context"]

SCHEMA = 1


def step_context(
    pipeline: Pipeline,
    step: Step,
    *,
    run_id: str,
    inputs: Mapping[str, ArtifactRecord],
    object_path: Callable[[str], Path],
    output_dir: Path,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the content of a step's context file.

    Args:
        inputs: What the step's loads resolve to, by the artifact's id.
        object_path: From a digest to the object's file.
        output_dir: Where the step puts what it makes.
        parameters: Those of the run, with their values.
    """
    loaded = [pipeline.artifact(artifact_id) for artifact_id in step.loads]
    made = pipeline.artifacts_of(step.slug)
    code = dict.fromkeys(name for artifact in (*loaded, *made) for name in artifact.code)
    return {
        "schema": SCHEMA,
        "run": run_id,
        "pipeline": pipeline.name,
        "step": step.slug,
        "name": step.name,
        "loads": [_load(item, step.loads[item.id], inputs[item.id], object_path) for item in loaded],
        "saves": [_save(item) for item in made],
        "code": list(code),
        "metrics": list(step.metric_names),
        "parameters": dict(parameters or {}),
        "output_dir": str(output_dir),
    }


def metrics_only(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a step that ended itself early: nothing takes its values any more."""
    return {**context, "saves": []}


def _load(
    artifact: Artifact, bind: tuple[str, ...], record: ArtifactRecord, object_path: Callable[[str], Path]
) -> dict[str, Any]:
    load: dict[str, Any] = {
        "id": artifact.id,
        "kind": artifact.kind,
        "names": list(record.names),
        "bind": list(bind),
        "path": str(object_path(record.digest)),
        "serializer": record.serializer,
    }
    if artifact.kind == "file":
        load["target"] = artifact.names[0]
    return load


def _save(artifact: Artifact) -> dict[str, Any]:
    return {
        "id": artifact.id,
        "kind": artifact.kind,
        "names": list(artifact.names),
        "declared_type": artifact.declared_type,
    }
