"""Between Kubeflow's artifacts and the step's: what is loaded, where what was saved goes, what is told of it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files
from .agreed import LOGGED_FOLDER
from .errors import ContextError, LoadError
from .executor_input import ExecutorInput, KfpArtifact
from .outputs import Redactor
from .told import tell
from .writer import HashingFile

if TYPE_CHECKING:
    from .notebook_run import NotebookRun

__all__ = ["context_of", "hand_over", "parameters_of"]

ABSENT = "absent"
_MAGIC = ((b"\x93MLOPS", "pickle"), (b"\x93NUMPY", "numpy"), (b"ARROW1", "arrow"))


def values_of(payload: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters that the step reads, with their values in this run.

    Raises:
        ContextError: A value can't be read.
    """
    return {
        item["name"]: _decoded(item, values[item["key"]]) if item["key"] in values else json.loads(item["default"])
        for item in payload["parameters"]
    }


def parameters_of(payload: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters whose values are not the notebook's own: the notebook computes with those by itself.

    Raises:
        ContextError: A value can't be read.
    """
    defaults = {item["name"]: json.loads(item["default"]) for item in payload["parameters"]}
    given = values_of(payload, values)
    return {name: value for name, value in given.items() if _form(value) != _form(defaults[name])}


def _decoded(item: Mapping[str, Any], value: Any) -> Any:
    name, kind = item["name"], item["type"]
    try:
        if item["encoding"] == "json":
            value = json.loads(value)
            return float(value) if kind == "float" and isinstance(value, int) else value
        if kind == "int" and float(value) != int(value):
            raise ValueError(f"{value} is no whole number")
        if kind in ("int", "float"):
            return int(value) if kind == "int" else float(value)
        return _whole(value) if kind in ("list", "dict") else value
    except (ValueError, TypeError, OverflowError) as error:
        raise ContextError(f"The parameter {name} of type {kind} can't be {value!r:.80}: {error}.") from None


def _whole(value: Any) -> Any:
    """Numbers inside lists and objects arrive as floats."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _form(value: Any) -> str:
    """A text that is equal for equal values; 1, 1.0 and True differ inside lists but not as a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value) if isinstance(value, int) and abs(value) > 2**53 else json.dumps(float(value))
    return json.dumps(value, sort_keys=True)


def context_of(payload: Mapping[str, Any], executor_input: ExecutorInput, scratch: Path) -> dict[str, Any]:
    """Make the context that load and save cells read.

    Raises:
        ContextError: An input was not handed over.
        LoadError: One is not whole.
    """
    return {
        "schema": 1,
        "pipeline": payload["pipeline"],
        "step": payload["step"],
        "name": payload["name"],
        "loads": [_load(item, executor_input) for item in payload["loads"]],
        "saves": [{key: value for key, value in item.items() if key != "output"} for item in payload["saves"]],
        "code": payload["code"],
        "metrics": payload["metrics"],
        "parameters": values_of(payload, executor_input.parameters),
        "output_dir": str(_output_folder(payload, executor_input, scratch)),
        "fsync": False,  # a container's disk goes with it; Kubeflow uploads what was written
    }


def _load(item: Mapping[str, Any], executor_input: ExecutorInput) -> dict[str, Any]:
    artifact = executor_input.inputs.get(item["input"])
    what = ", ".join(item["names"])
    if artifact is None:
        raise ContextError(f"Kubeflow has not handed over {what} (input {item['input']}).")
    if not artifact.path.exists():
        raise LoadError(f"{what} is missing: Kubeflow has put no file at {artifact.path} for {artifact.uri}.")
    size, told = artifact.path.stat().st_size, artifact.metadata.get("bytes")
    if told is not None and artifact.path.is_file() and int(told) != size:
        raise LoadError(f"{what} is not whole: {artifact.path} has {size} bytes, and {int(told)} were written.")
    load = {key: value for key, value in item.items() if key != "input"}
    return {**load, "path": str(artifact.path), "serializer": _serializer(item["kind"], artifact)}


def _serializer(kind: str, artifact: KfpArtifact) -> str:
    """As the metadata say; of an artifact that came without them, as its first bytes say."""
    told = artifact.metadata.get("serializer")
    if isinstance(told, str):
        return told
    if kind == "file":
        return "file"
    with artifact.path.open("rb") as file:
        start = file.read(8)
    return next((name for magic, name in _MAGIC if start.startswith(magic)), "pickle" if start else ABSENT)


def _output_folder(payload: Mapping[str, Any], executor_input: ExecutorInput, scratch: Path) -> Path:
    """A folder on the disk of the artifacts, so that a large one need not be copied; elsewhere if that can't be."""
    first = executor_input.outputs.get(payload["outputs"]["notebook"])
    if first is not None:
        folder = first.path.parent / f".mlops-{os.getpid()}"
        try:
            folder.mkdir(parents=True)
            return folder
        except OSError:
            pass
    folder = scratch / "made"
    folder.mkdir()
    return folder


def hand_over(
    executor_input: ExecutorInput, payload: Mapping[str, Any], run: NotebookRun, scratch: Path, redactor: Redactor
) -> None:
    """Put everything that the step made where Kubeflow looks for it, as far as it got."""
    folder = Path(json.loads(run.context_path.read_text(encoding="utf-8"))["output_dir"])
    try:
        result = _read_result(folder)
        _hand_over_notebook(executor_input, payload, run, redactor)
        _hand_over_metrics(executor_input, payload, {**_logged_metrics(folder / LOGGED_FOLDER), **result["metrics"]})
        _hand_over_logged(executor_input, payload, folder / LOGGED_FOLDER, redactor)
        if run.failure is None and not run.exited:
            made = {item["id"]: item for item in result["artifacts"]}
            for item in payload["saves"]:
                _hand_over_artifact(executor_input, item, made[item["id"]], folder, redactor)
            for item in payload["files"]:
                _hand_over_file(executor_input, item, run.folder)
            tell(executor_input, payload, result, redactor)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_result(folder: Path) -> dict[str, Any]:
    place = folder / "result.json"
    if not place.is_file():
        return {"artifacts": [], "metrics": {}}
    result: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return result


def _target(executor_input: ExecutorInput, key: str) -> Path | None:
    artifact = executor_input.outputs.get(key)
    if artifact is None:
        return None
    artifact.path.parent.mkdir(parents=True, exist_ok=True)
    return artifact.path


def _hand_over_notebook(
    executor_input: ExecutorInput, payload: Mapping[str, Any], run: NotebookRun, redactor: Redactor
) -> None:
    from .html import page

    notebook = run.notebook()
    known = {"step": payload["name"], "pipeline": payload["pipeline"], "status": run.status}
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    failure = None if run.failure is None else redactor.text(run.failure)
    for key, content in (("notebook", text), ("html", page(payload, notebook, failure))):
        target = _target(executor_input, payload["outputs"][key])
        if target is not None:
            target.write_text(content, encoding="utf-8", errors="backslashreplace")
            executor_input.report(payload["outputs"][key], known)


def _hand_over_metrics(executor_input: ExecutorInput, payload: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    key = payload["outputs"]["metrics"]
    target = _target(executor_input, key) if key is not None else None
    if target is not None:
        metrics = {name: float(value) for name, value in found.items() if math.isfinite(value)}
        target.write_text(json.dumps(metrics), encoding="utf-8")
        executor_input.report(key, metrics)


def _logged_metrics(journals: Path) -> dict[str, float]:
    """The last value of each metric that the step's code logged."""
    found: dict[str, tuple[int, float]] = {}
    for path in sorted(journals.glob("*.jsonl")):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # of a process that was killed
            if entry.get("kind") == "metric" and entry["time"] >= found.get(entry["name"], (0, 0.0))[0]:
                found[entry["name"]] = (entry["time"], float(entry["value"]))
    return {name: value for name, (_, value) in found.items()}


def _hand_over_logged(
    executor_input: ExecutorInput, payload: Mapping[str, Any], journals: Path, redactor: Redactor
) -> None:
    """All that was logged, as it was written, in one archive: what will be logged is not known before."""
    key = payload["outputs"]["logged"]
    target = _target(executor_input, key) if key is not None else None
    if target is None:
        return
    journals.mkdir(exist_ok=True)
    for path in journals.glob("*.jsonl"):
        path.write_text(redactor.text(path.read_text(encoding="ascii", errors="replace")), encoding="utf-8")
    with HashingFile(target, fsync=False) as file:
        files.pack(journals, file)
    known = {"kind": "logged", "serializer": "folder", "digest": file.digest, "bytes": file.size}
    executor_input.report(key, _told(known))


def _hand_over_artifact(
    executor_input: ExecutorInput, item: Mapping[str, Any], made: Mapping[str, Any], folder: Path, redactor: Redactor
) -> None:
    target = _target(executor_input, item["output"])
    if target is None:
        return
    _remove(target)
    shutil.move(str(folder / made["path"]), str(target))
    members = {
        name: {"type": member.get("type"), "preview": member.get("preview")}
        for name, member in (made.get("members") or {}).items()
    }
    known = {
        "names": ", ".join(made["names"]),
        "kind": made["kind"],
        "digest": made.get("digest"),
        "bytes": made["bytes"],
        "serializer": made["serializer"],
        "type": made.get("type"),
        "schema": made.get("schema"),
        "preview": made.get("preview"),
        "members": members if len(members) > 1 else None,
    }
    executor_input.report(item["output"], redactor.anything(_told(known)))


def _hand_over_file(executor_input: ExecutorInput, item: Mapping[str, Any], folder: Path) -> None:
    """A file that no later step takes is kept with the run."""
    target = _target(executor_input, item["output"])
    if target is None:
        return
    source = folder / item["names"][0]
    serializer = ABSENT
    with HashingFile(target, fsync=False) as file:
        if source.exists():
            serializer = files.pack(source, file)
    known = {
        "names": item["names"][0],
        "kind": "file",
        "digest": file.digest,
        "bytes": file.size,
        "serializer": serializer,
        "type": "file",
        "preview": "not written" if serializer == ABSENT else f"{serializer}, {file.size} bytes",
    }
    executor_input.report(item["output"], _told(known))


def _told(known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in known.items() if value is not None}


def _remove(target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
