"""What installed modules export with ``*``, asked of the interpreter that the notebook's kernel runs on."""

from __future__ import annotations

import contextlib
import json
import os
import string
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.kernels import Kernel, find_kernel
from jupyter_mlops.errors import UsageError

__all__ = ["exported_names"]

_SECONDS = 30
_PROBE = """
import importlib, json, os, sys, sysconfig
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever the module prints is not the answer
sys.path = [path for path in sys.path if path not in ("", os.getcwd())]
module = importlib.import_module(sys.argv[1])
names = getattr(module, "__all__", None)
if names is None:
    names = [name for name in vars(module) if not name.startswith("_")]
file = getattr(module, "__file__", None) or sys.executable
places = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
answer.write(json.dumps({"names": sorted(map(str, names)), "file": file if file.startswith(places) else None}))
answer.flush()
os._exit(0)
"""


def exported_names(module: str, kernel: str, cache: Path | None = None) -> tuple[str, ...] | None:
    """Return the names that a module exports with ``*`` where a kernel runs.

    Args:
        module: Its full name; it is imported in a process of its own.
        kernel: Name of the kernelspec.
        cache: File that remembers answers until the module's own file changes; written only if its folder exists.

    Returns:
        The names; None if the kernel is not here, its interpreter is not known, or it can't import the module.
    """
    spec = _kernel(kernel)
    if spec is None or spec.interpreter is None:
        return None
    known = _remembered(cache)
    key = "\n".join([*spec.interpreter, module])
    entry = known.get(key)
    if isinstance(entry, dict) and entry.get("stamp") and entry["stamp"] == _stamp(entry.get("file")):
        return tuple(entry["names"])
    found = _ask(module, spec.interpreter, spec.env)
    if found is None:
        return None
    stamp = _stamp(found["file"])
    if cache is not None and stamp is not None:
        _remember(cache, {**known, key: {**found, "stamp": stamp}})
    return tuple(found["names"])


def _kernel(name: str) -> Kernel | None:
    try:
        return find_kernel(name)
    except UsageError:
        return None  # running the notebook says so


def _ask(module: str, interpreter: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            [*interpreter, "-c", _PROBE, module],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            env={**os.environ, **_filled_in(variables)},
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return answer


def _filled_in(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: string.Template(value).safe_substitute(os.environ) for name, value in variables.items()}


def _stamp(file: str | None) -> list[int] | None:
    """Return what changes when a file does; None if it is gone, or not an installed module's."""
    try:
        found = Path(file).stat() if file else None
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size] if found is not None else None


def _remembered(cache: Path | None) -> dict[str, Any]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8")) if cache is not None else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(cache: Path, entries: Mapping[str, Any]) -> None:
    if not cache.parent.is_dir():
        return  # reading a notebook leaves nothing behind where nothing was run yet
    draft = cache.with_name(f"{cache.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(entries), encoding="utf-8")
        draft.replace(cache)
