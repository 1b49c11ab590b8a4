"""What a step in a container says of itself, in its executed notebook, and in its log if it is asked to.

Kubeflow keeps the metadata of artifacts where its API does not give them out. Whoever can read the artifacts finds here
what there is, where, and with which digests; whoever can only read the log finds it there.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from .agreed import RECORD, RECORD_LINE
from .executor_input import ExecutorInput
from .outputs import Redactor

__all__ = ["tell"]

SCHEMA = 1
_LINE = 4000
"""Characters of a line: those of 16 KiB are cut by what keeps the logs of containers."""
_MOST = 64
"""Lines; without previews and schemas, no record has more but one of thousands of artifacts."""
_LONG = ("schema", "preview", "members")
_KEPT = ("kind", "digest", "bytes", "serializer", "type", "schema", "preview")


def tell(
    executor_input: ExecutorInput, payload: Mapping[str, Any], result: Mapping[str, Any], redactor: Redactor
) -> None:
    """Add it to the executed notebook that was handed over, and print it if the payload asks for it.

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
    if payload.get("tells"):
        print(_lines({"notebook": notebook.uri, RECORD: ours[RECORD]}), flush=True)


def _lines(content: Mapping[str, Any]) -> str:
    """The content as lines of a log, each with its number and how many there are."""
    coded = _coded(content)
    if len(coded) > _LINE * _MOST:
        record = content[RECORD]
        short = [{key: item[key] for key in item if key not in _LONG} for item in record["artifacts"]]
        coded = _coded({**content, RECORD: {**record, "artifacts": short}})
    parts = [coded[start : start + _LINE] for start in range(0, len(coded), _LINE)]
    # on a line of its own, whatever was printed before
    return "\n" + "\n".join(f"{RECORD_LINE} {n}/{len(parts)} {part}" for n, part in enumerate(parts, 1))


def _coded(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return base64.b64encode(zlib.compress(text, 9)).decode("ascii")


def _artifact(
    executor_input: ExecutorInput, item: Mapping[str, Any], made: Mapping[str, Any], redactor: Redactor
) -> dict[str, Any] | None:
    told = executor_input.told(item["output"])
    if told.get("digest") is None:  # without blake3 in the image, nobody knows it
        return None
    found = {"id": item["id"], "names": list(item["names"]), "output": item["output"]}
    members = redactor.anything(made.get("members") or {})
    return {**found, **{key: told[key] for key in _KEPT if key in told}, "members": members}
