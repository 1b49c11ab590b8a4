"""Adding runtimes to ``mlops.toml`` and removing them, with all else in it left as it is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime, find_runtime, read_runtime, read_runtimes
from jupyter_mlops.store.projectfile import FILE, parse_text

__all__ = ["add_runtime", "remove_runtime"]

_HEADER = re.compile(r"^\s*\[")


def add_runtime(root: Path, name: str, values: Mapping[str, Any], *, replace: bool = False) -> Runtime:
    """Add a runtime to the project's file.

    Args:
        root: The project's root.
        values: Its keys; those of ``auth`` and ``storage`` are mappings.
        replace: Whether one of this name may be there.

    Raises:
        UsageError: It makes no sense, holds a secret, is there already, or the file can't be written.
    """
    path = root / FILE
    runtime = read_runtime(path, name, values)
    known = read_runtimes(root)
    if name in known and not replace:
        raise UsageError(f"There is a runtime {name!r} in {path} already.", hint="--replace replaces it.")
    text = _read(path)
    if name in known:
        text = _without(path, text, name)
    addition = _section(name, values)
    text = f"{text.rstrip()}\n\n{addition}" if text.strip() else addition
    _write(path, text)
    return runtime


def remove_runtime(root: Path, name: str) -> Runtime:
    """Remove a runtime from the project's file.

    Raises:
        UsageError: There is none of this name, or it is written in a way that needs an editor.
    """
    path = root / FILE
    runtime = find_runtime(root, name)
    _write(path, _without(path, _read(path), name))
    return runtime


def _without(path: Path, text: str, name: str) -> str:
    """Leave out the sections of a runtime, if that removes it and nothing else."""
    ours = re.compile(rf"^\s*\[\s*runtimes\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*(?:\..*)?\]")
    kept, leaving = [], False
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line):
            leaving = ours.match(line) is not None
        if not leaving:
            kept.append(line)
    result = re.sub(r"\n{3,}", "\n\n", "".join(kept))
    wanted = parse_text(path, text)
    del wanted["runtimes"][name]
    found = parse_text(path, result)
    if {"runtimes": {}, **found} != {"runtimes": {}, **wanted}:
        raise UsageError(
            f"{path} says what {name!r} is in a way that is not undone here.", hint="Remove it with an editor."
        )
    return result


def _section(name: str, values: Mapping[str, Any]) -> str:
    lines, tables = [f"[runtimes.{name}]"], []
    for key, value in values.items():
        if isinstance(value, Mapping):
            inside = [f"{_key(inner)} = {_value(item)}" for inner, item in value.items()]
            tables.append("\n".join([f"[runtimes.{name}.{key}]", *inside]))
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n\n".join(["\n".join(lines), *tables]) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)  # of texts, numbers, true and false it is TOML, too


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    parse_text(path, text)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    except PermissionError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from None
    except OSError as error:
        raise InfrastructureError(f"{path} can't be written: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
