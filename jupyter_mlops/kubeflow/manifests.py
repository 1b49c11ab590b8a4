"""A compiled pipeline as Kubernetes resources, for clusters whose Kubeflow keeps pipelines as such (GitOps)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from jupyter_mlops.kubeflow.text import manifest

__all__ = ["manifests"]

_API = "pipelines.kubeflow.org/v2beta1"


def manifests(text: str, *, namespace: str | None) -> str:
    """Return a ``Pipeline`` and a ``PipelineVersion``, whose name is that of the content.

    Args:
        text: The compiled pipeline.
        namespace: Where they go; whoever applies them decides if left out.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec, *platform = yaml.load_all(text, Loader=loader)
    info: Mapping[str, str] = spec["pipelineInfo"]
    name = info["name"]
    version = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    described = {"description": info["description"]} if "description" in info else {}
    body: dict[str, Any] = {
        "displayName": version,
        **described,
        "pipelineName": name,
        "pipelineSpec": spec,
    }
    if platform:
        body["platformSpec"] = platform[0]
    pipeline = {"displayName": info.get("displayName", name), **described}
    return manifest(
        _resource("Pipeline", name, namespace, pipeline), _resource("PipelineVersion", version, namespace, body)
    )


def _resource(kind: str, name: str, namespace: str | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": dict(spec)}
