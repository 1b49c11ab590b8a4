"""What a step in a container says of itself, in its executed notebook.

Kubeflow keeps the metadata of artifacts where its API does not give them out. Whoever can read the artifacts finds here
what there is, where, and with which digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .executor_input import ExecutorInput
from .outputs import Redactor

__all__ = ["RECORD", "tell"]

RECORD = "record"
SCHEMA = 1
_KEPT = ("kind", "digest", "bytes", "serializer", "type", "schema", "preview")


def tell(
    executor_input: ExecutorInput, payload: Mapping[str, Any], result: Mapping[str, Any], redactor: Redactor
) -> None:
    """Add it to the executed notebook that was handed over.

    Args:
        result: What the save cell reported.
    """
    notebook = executor_input.outputs.get(payload["outputs"]["notebook"])
    if notebook is None:
        return
    content = json.loads(notebook.path.read_text(encoding="utf-8"))
    made = {item["id"]: item for item in result["artifacts"]}
    ours = content.setdefault("metadata", {}).setdefault("mlops", {})
    ours[RECORD] = {
        "schema": SCHEMA,
        "step": payload["step"],
        "inputs": [item["id"] for item in payload["loads"]],
        "artifacts": [
            found
            for item in (*payload["saves"], *payload["files"])
            if (found := _artifact(executor_input, item, made.get(item["id"], {}), redactor)) is not None
        ],
        "metrics": {name: float(value) for name, value in result["metrics"].items()},
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    notebook.path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _artifact(
    executor_input: ExecutorInput, item: Mapping[str, Any], made: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any] | None:
    told = executor_input.told(item["output"])
    if told.get("digest") is None:  # without blake3 in the image, nobody knows it
        return None
    found = {"id": item["id"], "names": list(item["names"]), "output": item["output"]}
    members = redactor.anything(made.get("members") or {})
    return {**found, **{key: told[key] for key in _KEPT if key in told}, "members": members}
