"""What a step left behind on a cluster, read from where its artifacts are.

The API does not say what a task made, where it is, or what is known of it. The place is known, though: Kubeflow puts it
at ``ROOT/PIPELINE/RUN/TASK/…/OUTPUT``; and the executed notebook, which is among it, says the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.kubeflow.records import ClusterRun
from jupyter_mlops.kubeflow.storage import Storage, joined
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord

__all__ = ["StepReport", "find_reports", "read_report"]

NOTEBOOK = "executed_notebook_ipynb"
"""The output that the executed notebook is."""
RECORD = "record"


@dataclass(frozen=True)
class StepReport:
    """What a step says of itself.

    Args:
        outputs: What it made.
        inputs: Ids of the artifacts it took.
        uris: Where it is, by artifact id.
        metrics: Finite numbers by name.
        notebook: The text of the executed notebook.
    """

    outputs: tuple[ArtifactRecord, ...] = ()
    inputs: tuple[str, ...] = ()
    uris: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: FailureRecord | None = None
    notebook: str = ""


def find_reports(storage: Storage, found: ClusterRun) -> dict[str, str]:
    """Return the address of the executed notebook of each task that has ended, by the task's name.

    Raises:
        UsageError: The library or the rights for it are missing.
        InfrastructureError: The place can't be read.
    """
    root = joined(found.pipeline_root, found.pipeline, found.run_id)
    reports: dict[str, str] = {}
    for uri in storage.below(root):
        task, _, rest = uri[len(root) + 1 :].partition("/")
        # The place of a task that ran again has a folder for each time.
        if rest.rpartition("/")[2] == NOTEBOOK:
            reports[task] = uri
    return reports


def read_report(storage: Storage, uri: str) -> StepReport:
    """Read what a step says of itself.

    Args:
        uri: Of its executed notebook.

    Raises:
        UsageError: The library or the rights for it are missing.
        InfrastructureError: It can't be read, or is none.
    """
    text = storage.read(uri).decode("utf-8", "replace")
    folder = uri.rpartition("/")[0]
    try:
        content = json.loads(text)
        if RECORD not in content["metadata"].get("mlops", {}) and content["cells"]:
            return StepReport(notebook=text)  # of a step that failed
        record = content["metadata"]["mlops"][RECORD]
        outputs = tuple(_artifact(item) for item in record["artifacts"])
        uris = {str(item["id"]): f"{folder}/{_output(item['output'])}" for item in record["artifacts"]}
        error = record.get("error")
        return StepReport(
            outputs,
            tuple(str(item) for item in record.get("inputs", ())),
            uris,
            {str(name): float(value) for name, value in record.get("metrics", {}).items()},
            None if error is None else _failure(error),
            text,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InfrastructureError(
            f"What {uri} says of its step can't be read: {type(problem).__name__}: {problem}."
        ) from None


def _artifact(item: Mapping[str, Any]) -> ArtifactRecord:
    return ArtifactRecord(
        id=str(item["id"]),
        kind=str(item["kind"]),
        names=tuple(map(str, item["names"])),
        digest=str(item["digest"]),
        bytes=int(item["bytes"]),
        type=item.get("type"),
        serializer=item.get("serializer"),
        preview=item.get("preview"),
        schema=item.get("schema"),
        members=item.get("members") or {},
    )


def _output(text: Any) -> str:
    """A name below the step's own folder: what is written there may not lead elsewhere."""
    name = str(text)
    if not name or "/" in name or name.startswith("."):
        raise ValueError(f"{name!r} is no output")
    return name


def _failure(item: Mapping[str, Any]) -> FailureRecord:
    line = item.get("line")
    return FailureRecord(
        str(item["type"]),
        str(item["message"]),
        item.get("cell"),
        int(line) if line is not None else None,
        str(item.get("traceback", "")),
    )


def taken(inputs: Sequence[str], made: Mapping[str, ArtifactRecord]) -> list[ArtifactRecord]:
    """Return the records of what a step took, as far as they are known."""
    return [made[item] for item in inputs if item in made]
