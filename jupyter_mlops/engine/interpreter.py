"""What the kernel's own environment has, found out by its interpreter and remembered."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.kernels import Kernel
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["Distribution", "Interpreter", "examine_interpreter"]

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution.

    Args:
        requires: Names of others that it needs.
        modules: Top-level modules that it brings.
        source: Folder that an editable installation points to.
        origin: What its ``direct_url.json`` says; empty if it comes from an index.
        conditions: Environment markers of what it needs, by name.
        installer: The program that installed it.
        place: The folder of the module path where it is installed.
    """

    version: str
    requires: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    source: str | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    installer: str = ""
    place: str = ""


@dataclass(frozen=True)
class Interpreter:
    """A Python with its environment.

    Args:
        python: Version, implementation, platform, machine.
        standard: Modules of the standard library, which lies in ``library``.
        paths: The module path, without the working directory.
        folders: Those of ``paths`` where distributions are installed.
        distributions: By normalised name.
    """

    python: Mapping[str, str]
    standard: frozenset[str] = frozenset()
    library: str = ""
    paths: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()
    distributions: Mapping[str, Distribution] = field(default_factory=dict)

    def providers(self, module: str) -> list[str]:
        """Names of the distributions that bring a top-level module."""
        return [name for name, item in self.distributions.items() if module in item.modules]

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """Return the versions of distributions and of all that they need."""
        found: dict[str, str] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            item = self.distributions.get(name)
            if item is not None and name not in found:
                found[name] = item.version
                waiting += item.requires
        return found


def examine_interpreter(kernel: Kernel, memory: Path | None) -> Interpreter | None:
    """Ask the kernel's interpreter, unless nothing was installed there since it was asked last.

    Args:
        memory: Folder to remember the answer in; None for nowhere.

    Returns:
        None if the kernelspec does not show the interpreter, or it gives no answer in time.
    """
    command = kernel.interpreter
    if command is None:
        return None
    environment = {**os.environ, **{name: value for name, value in kernel.env.items() if "$" not in value}}
    place = None if memory is None else memory / f"interpreter-{_fingerprint(command, environment)}.json"
    answer = None if place is None else _remembered(place)
    if answer is None:
        answer = _ask(command, environment)
        if answer is not None and place is not None:
            _remember(place, answer)
    return None if answer is None else _interpreter(answer)


def _ask(command: tuple[str, ...], environment: Mapping[str, str]) -> dict[str, Any] | None:
    script = Path(__file__).with_name("examine.py").read_text(encoding="utf-8")
    try:
        done = subprocess.run(
            [*command, "-c", script], capture_output=True, timeout=_SECONDS, check=True, env=dict(environment)
        )
        answer = json.loads(done.stdout)
        _interpreter(answer)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    return answer if isinstance(answer, dict) else None


def _remembered(place: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(place.read_text(encoding="utf-8"))
        for folder, time in answer["folders"].items():
            if Path(folder).stat().st_mtime_ns != time:
                return None
        _interpreter(answer)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return answer if isinstance(answer, dict) else None


def _remember(place: Path, answer: Mapping[str, Any]) -> None:
    from jupyter_mlops.engine.output import write_whole

    with contextlib.suppress(OSError, InfrastructureError):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, json.dumps(answer))


def _fingerprint(command: tuple[str, ...], environment: Mapping[str, str]) -> str:
    program = shutil.which(command[0]) or command[0]
    with contextlib.suppress(OSError):
        state = Path(program).stat()
        command = (*command, str(state.st_mtime_ns), str(state.st_size))
    variables = [environment.get(name) for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "HOME")]
    script = Path(__file__).with_name("examine.py").read_text(encoding="utf-8")
    return hash_bytes(json.dumps([command, variables, script]).encode())[:16]


def _interpreter(answer: Mapping[str, Any]) -> Interpreter:
    return Interpreter(
        dict(answer["python"]),
        frozenset(answer["standard"]),
        str(answer["library"]),
        tuple(answer["paths"]),
        frozenset(answer["folders"]),
        {
            name: Distribution(
                item["version"],
                tuple(item["requires"]),
                tuple(item["modules"]),
                item["source"],
                dict(item["origin"]),
                dict(item["conditions"]),
                item["installer"],
                item["place"],
            )
            for name, item in answer["distributions"].items()
        },
    )
