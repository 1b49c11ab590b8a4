"""What Kubeflow hands a component: values, artifacts that are mounted, and where its own are to go."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ContextError

__all__ = ["ExecutorInput", "KfpArtifact", "local_path", "parse_executor_input"]

_MOUNTS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
_OCI = "oci://"
_WORKSPACE = "/kfp-workspace/.artifacts"


@dataclass(frozen=True)
class KfpArtifact:
    """An artifact of Kubeflow; ``path`` is its file in the container."""

    name: str
    uri: str
    path: Path
    metadata: Mapping[str, Any] = field(default_factory=dict)
    type: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class ExecutorInput:
    """The executor input, and what is reported back in ``outputFile``.

    Args:
        parameters: Values by key.
        inputs: Artifacts by key; ``outputs`` those that are to be made.
        output_file: Where metadata of the outputs go.
    """

    parameters: Mapping[str, Any]
    inputs: Mapping[str, KfpArtifact]
    outputs: Mapping[str, KfpArtifact]
    output_file: Path
    _made: dict[str, Any] = field(default_factory=dict)

    def report(self, key: str, metadata: Mapping[str, Any]) -> None:
        """Note what is known of an output."""
        artifact = self.outputs[key]
        entry = {"name": artifact.name, "uri": artifact.uri, "metadata": {**artifact.metadata, **metadata}}
        if artifact.type:
            entry["type"] = dict(artifact.type)
        self._made[key] = {"artifacts": [entry]}

    def told(self, key: str) -> Mapping[str, Any]:
        """Return what was noted of an output."""
        made: Mapping[str, Any] = self._made[key]["artifacts"][0]["metadata"] if key in self._made else {}
        return made

    def write(self) -> None:
        """Write what was noted."""
        self.output_file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"artifacts": self._made}, ensure_ascii=False, allow_nan=False)
        self.output_file.write_text(text, encoding="utf-8", errors="backslashreplace")


def parse_executor_input(text: str) -> ExecutorInput:
    """Read the executor input.

    Raises:
        ContextError: It is none.
    """
    try:
        raw = json.loads(text)
        inputs, outputs = raw.get("inputs") or {}, raw["outputs"]
        return ExecutorInput(
            parameters=inputs.get("parameterValues") or {},
            inputs=_artifacts(inputs.get("artifacts") or {}),
            outputs=_artifacts(outputs.get("artifacts") or {}),
            output_file=Path(outputs["outputFile"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ContextError(f"The first argument is not Kubeflow's executor input ({reason}): {text[:80]!r}.") from None


def _artifacts(raw: Mapping[str, Any]) -> dict[str, KfpArtifact]:
    found = {}
    for key, item in raw.items():
        items = item.get("artifacts") or []
        if items:
            first = items[0]
            metadata = first.get("metadata") or {}
            path = first.get("customPath") or local_path(first.get("uri", ""), metadata)
            found[key] = KfpArtifact(
                first.get("name") or key, first.get("uri", ""), Path(path), metadata, first.get("type") or {}
            )
    return found


def local_path(uri: str, metadata: Mapping[str, Any]) -> str:
    """Return where Kubeflow's launcher puts the file of a URI: ``minio://a/b`` is ``/minio/a/b``."""
    path = uri
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            path = mount + uri[len(scheme) :]
    if uri.startswith(_OCI):
        path = "/oci/" + uri[len(_OCI) :].replace("/", "_")
    if uri.startswith("file://"):
        path = uri[len("file://") :]
    if metadata.get("_kfp_workspace") is True:
        return os.path.join(_WORKSPACE, path.lstrip("/"))  # noqa: PTH118
    return path
