"""What the load and save cells of a step notebook call."""

from __future__ import annotations

import errno
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files
from .context import Context, Load, Save, read_context
from .describe import describe, type_name
from .errors import LoadError, SaveError
from .metrics import collect_metrics
from .refusals import RefusedValue, find_path, reason_for
from .serializers import SERIALIZERS, Serializer, choose, read_artifact
from .states import STATES, Baseline, UnknownBaselineError, restore_order
from .writer import HashingFile, write_json

if TYPE_CHECKING:
    from .usercode import UserCode

__all__ = ["load", "save"]

RESULT = "result.json"
PICKLE = SERIALIZERS[-1]


@dataclass
class _Process:
    """What load() leaves for save(): both run in one process, and the user's variables are not ours to use."""

    baseline: Baseline | None = None


_process = _Process()


def load(namespace: dict[str, Any], context: Context | None = None) -> None:
    """Bind the step's inputs, restore its files and hidden states.

    Args:
        namespace: The globals of the notebook.
        context: What to load; read from the environment if left out.

    Raises:
        LoadError: An input cannot be restored.
    """
    context = context or read_context()
    baseline = _process.baseline = Baseline.of_this_process(namespace)
    by_kind: dict[str, list[Load]] = {"file": [], "value": [], "state": []}
    for item in context.loads:
        by_kind[item.kind].append(item)
    for item in by_kind["file"]:
        _load(context, item, lambda item: _restore_file(item, baseline))
    for item in by_kind["value"]:
        _load(context, item, lambda item: _bind(item, namespace))
    for item in sorted(by_kind["state"], key=lambda item: restore_order(item.names[0])):
        _load(context, item, lambda item: _restore_state(item, namespace, baseline))


def save(namespace: dict[str, Any], context: Context | None = None) -> None:
    """Write the step's outputs and, last, ``result.json``.

    Args:
        namespace: The globals of the notebook.
        context: What to save; read from the environment if left out.

    Raises:
        SaveError: An output cannot be handed over; nothing is reported then.
    """
    from .usercode import UserCode

    context = context or read_context()
    context.output_dir.mkdir(parents=True, exist_ok=True)
    user = UserCode(namespace, context.code, f"{context.pipeline}/{context.step}")
    saver = _Saver(context, user, _process.baseline or Baseline.of_this_process(namespace, late=True))
    artifacts = [saver.save(number, item) for number, item in enumerate(context.saves)]
    metrics, notes = collect_metrics(context.metrics, namespace)
    result = {
        "schema": 1,
        "artifacts": artifacts,
        "metrics": metrics,
        "notes": notes,
        "files": [item["path"] for item in artifacts],
    }
    write_json(context.output_dir / RESULT, result, fsync=context.fsync)


def _load(context: Context, item: Load, restore: Callable[[Load], None]) -> None:
    what = ", ".join(item.names)
    try:
        restore(item)
    except FileNotFoundError as error:
        if Path(error.filename or "") != item.path:
            raise
        raise LoadError(f"step {context.name!r} cannot load {what}: {item.path} is missing") from None
    except LoadError as error:
        raise LoadError(f"step {context.name!r} cannot load {what}: {error}") from error.__cause__
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise LoadError(f"step {context.name!r} cannot load {what}: {reason}") from error


def _bind(item: Load, namespace: dict[str, Any]) -> None:
    values = read_artifact(item.path, item.serializer, item.names, namespace)
    namespace.update((name, values[name]) for name in item.bind if name in values)


def _restore_file(item: Load, baseline: Baseline) -> None:
    if item.serializer == "absent":
        return
    target = (baseline.directory or Path.cwd()) / (item.target or item.names[0])
    if item.serializer == "folder":
        files.restore_folder(item.path, target)
    else:
        files.restore_file(item.path, target)


def _restore_state(item: Load, namespace: dict[str, Any], baseline: Baseline) -> None:
    (name,) = item.names
    if name not in STATES:
        raise LoadError(f"{name!r} is not a state this version can restore")
    values = read_artifact(item.path, item.serializer, item.names, namespace)
    if values:
        STATES[name].restore(values[name], baseline)


class _Saver:
    def __init__(self, context: Context, user: UserCode, baseline: Baseline) -> None:
        self._context = context
        self._user = user
        self._baseline = baseline

    def save(self, number: int, item: Save) -> dict[str, Any]:
        """Write one artifact and return its entry in the result."""
        stem = f"{number:03d}-{re.sub(r'[^A-Za-z0-9._-]+', '_', item.id)[:80]}"
        entry = {"id": item.id, "kind": item.kind, "names": list(item.names), "declared_type": item.declared_type}
        write = {"value": self._save_value, "file": self._save_file, "state": self._save_state}[item.kind]
        entry.update(write(stem, item))
        return entry

    def _save_value(self, stem: str, item: Save) -> dict[str, Any]:
        from .pickling import UNBOUND

        namespace = self._user.namespace
        bound = {name: namespace[name] for name in item.names if name in namespace}
        unbound = [name for name in item.names if name not in bound]
        if not bound:
            return {**self._absent(stem), "unbound": unbound}
        values = tuple(bound.get(name, UNBOUND) for name in item.names)
        entry = self._write(stem, choose(values) if not unbound else PICKLE, values, item)
        members = {name: describe(value) for name, value in bound.items()}
        if len(item.names) == 1:
            return {**entry, **members[item.names[0]], "members": members, "unbound": unbound}
        text = ", ".join(f"{name}: {member['preview']}" for name, member in members.items())
        preview = text if len(text) <= 200 else text[:199] + "…"
        return {**entry, "type": "group", "preview": preview, "schema": None, "members": members, "unbound": unbound}

    def _save_file(self, stem: str, item: Save) -> dict[str, Any]:
        (name,) = item.names
        folders = [Path.cwd(), self._baseline.directory or Path.cwd()]
        source = next((folder / name for folder in folders if (folder / name).exists()), None)
        if source is None:
            return {**self._absent(stem), "unbound": [name], "type": "file"}
        path = self._context.output_dir / stem
        try:
            with HashingFile(path, fsync=self._context.fsync) as file:
                serializer = files.pack(source, file)
        except PermissionError as error:
            reason = f"it cannot be read ({error.strerror})"
            raise SaveError(name, "file", reason, step=self._context.name, ways_out=()) from None
        text = f"{serializer}, {file.size} bytes"
        return {**_file_entry(path, file), **_plain_entry(serializer, serializer, text), "unbound": []}

    def _save_state(self, stem: str, item: Save) -> dict[str, Any]:
        (name,) = item.names
        if name not in STATES:
            raise SaveError(name, "state", "no step can take this state over", step=self._context.name)
        try:
            state = STATES[name].capture(self._baseline)
        except UnknownBaselineError as error:
            raise SaveError(name, "state", str(error), step=self._context.name, ways_out=()) from None
        if state is None:
            return {**self._absent(stem), "unbound": [name], "type": "state"}
        entry = self._write(stem, PICKLE, (state,), item)
        return {**entry, **_plain_entry(PICKLE.name, "state", name), "unbound": []}

    def _absent(self, stem: str) -> dict[str, Any]:
        path = self._context.output_dir / f"{stem}.absent"
        with HashingFile(path, fsync=self._context.fsync) as file:
            pass
        return {**_file_entry(path, file), **_plain_entry("absent", "NoneType", "not bound")}

    def _write(self, stem: str, serializer: Serializer, values: tuple[Any, ...], item: Save) -> dict[str, Any]:
        path = self._context.output_dir / (stem + serializer.suffix)
        try:
            with HashingFile(path, fsync=self._context.fsync) as file:
                serializer.write(file, values, self._user)
        except OSError as error:
            if error.errno is not None:  # the disk, not the value
                raise
            raise self._diagnose(dict(zip(item.names, values)), error) from error  # noqa: B905 (Python 3.9)
        except MemoryError:
            raise
        except (TypeError, RecursionError, pickle.PicklingError, RefusedValue) as error:
            raise self._diagnose(dict(zip(item.names, values)), error) from None  # noqa: B905
        except Exception as error:  # the user's own code, whose traceback helps
            raise self._diagnose(dict(zip(item.names, values)), error) from error  # noqa: B905
        return {**_file_entry(path, file), "serializer": serializer.name}

    def _diagnose(self, values: Mapping[str, Any], error: Exception) -> SaveError:
        """Find what in the values cannot be pickled, and say so."""
        from .pickling import last_pickled

        culprit = last_pickled(tuple(values.values()), self._user)
        variable, path = find_path(values, culprit) or (" or ".join(values), None)
        reason = reason_for(culprit, error)
        return SaveError(variable, type_name(type(culprit)), reason, step=self._context.name, path=path)


def _file_entry(path: Path, file: HashingFile) -> dict[str, Any]:
    if path.stat().st_size != file.size:
        raise OSError(errno.EIO, "the file is not as long as what was written", str(path))
    return {"path": path.name, "bytes": file.size, "digest": file.digest}


def _plain_entry(serializer: str, type_name: str, preview: str) -> dict[str, Any]:
    return {"serializer": serializer, "type": type_name, "preview": preview, "schema": None, "members": {}}
