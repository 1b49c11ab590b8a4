"""What a step left behind on a cluster, read from where its artifacts are, or from its log.

The API does not say what a task made, where it is, or what is known of it. The place is known, though, if the pipeline
root is: Kubeflow puts it at ``ROOT/PIPELINE/RUN/TASK/…/OUTPUT``; and the executed notebook, which is among it, says the
rest. The last lines of the step's log say it as well.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.kubeflow.records import ClusterRun
from jupyter_mlops.kubeflow.storage import Storage, joined
from jupyter_mlops.runtime.agreed import RECORD, RECORD_LINE
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord

__all__ = ["StepReport", "find_reports", "read_report", "told_in_log", "without_record"]

NOTEBOOK = "executed_notebook_ipynb"
"""The output that the executed notebook is."""
_LINE = re.compile(rf"^{RECORD_LINE} (\d+)/(\d+) ([A-Za-z0-9+/=]+)\s*$", re.MULTILINE)
_HIDDEN = re.compile(rf"(?:^\n)?^{RECORD_LINE} .*\n?", re.MULTILINE)


@dataclass(frozen=True)
class StepReport:
    """What a step says of itself.

    Args:
        outputs: What it made.
        inputs: Ids of the artifacts it took.
        uris: Where it is, by artifact id.
        place: Where the executed notebook is; empty if that is not known.
        metrics: Finite numbers by name.
        notebook: The text of the executed notebook.
    """

    outputs: tuple[ArtifactRecord, ...] = ()
    inputs: tuple[str, ...] = ()
    uris: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: FailureRecord | None = None
    notebook: str = ""
    place: str = ""


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
    try:
        content = json.loads(text)
        if RECORD not in content["metadata"].get("mlops", {}) and content["cells"]:
            return StepReport(notebook=text, place=uri)  # of a step that failed
        return _report(content["metadata"]["mlops"][RECORD], uri, text)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InfrastructureError(
            f"What {uri} says of its step can't be read: {type(problem).__name__}: {problem}."
        ) from None


def told_in_log(log: str) -> StepReport | None:
    """Return what a step says of itself in its log, the last time; None if that is not there, or not whole."""
    found: StepReport | None = None
    parts: list[str] = []
    for number, count, text in _LINE.findall(log):
        parts = [*parts, text] if int(number) == len(parts) + 1 else [text]
        if int(number) == int(count) == len(parts):
            try:
                content = json.loads(zlib.decompress(base64.b64decode("".join(parts), validate=True)))
                found = _report(content[RECORD], str(content["notebook"]), "")
            except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, zlib.error):
                continue
    return found


def without_record(log: str) -> str:
    """Return what there is to read in a log for people."""
    return _HIDDEN.sub("", log)


def _report(record: Mapping[str, Any], uri: str, text: str) -> StepReport:
    folder = uri.rpartition("/")[0]
    error = record.get("error")
    return StepReport(
        tuple(_artifact(item) for item in record["artifacts"]),
        tuple(str(item) for item in record.get("inputs", ())),
        {str(item["id"]): f"{folder}/{_output(item['output'])}" for item in record["artifacts"]},
        {str(name): float(value) for name, value in record.get("metrics", {}).items()},
        None if error is None else _failure(error),
        text,
        uri,
    )


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
