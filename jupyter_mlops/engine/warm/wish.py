"""What a template has to be like for the steps of a run."""

from __future__ import annotations

import ast
import functools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from jupyter_mlops.engine.kernels import Kernel

QUIET = ["--HistoryManager.hist_file=:memory:"]
"""Kernels that run side by side must not wait for each other's history file."""

__all__ = ["QUIET", "Wish", "heavy_imports", "launch_arguments", "resolved", "sets_environment", "table", "unsuitable"]

_SETTERS = frozenset({"putenv", "unsetenv", "load_dotenv"})
_MAGICS = frozenset({"env", "set_env", "load_dotenv", "dotenv"})
_LAUNCHERS = ("ipykernel_launcher", "ipykernel")


@dataclass(frozen=True)
class Wish:
    """A template.

    Args:
        command: What starts the interpreter.
        environment: Its environment variables, those of the kernels but for what is a step's own.
        cwd: Its working directory, and its kernels'.
        imports: Statements that it executes, in this order.
        folders: Where the kernels look for modules besides, and first.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    imports: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()

    @property
    def place(self) -> tuple[Any, ...]:
        """All that a template can't change later."""
        return self.command, tuple(sorted(self.environment.items())), self.cwd

    def shadowed(self, tops: Iterable[str]) -> str | None:
        """Return a file of the project that would be imported in the place of an installed module."""
        for folder in (self.cwd, *self.folders):
            for top in tops:
                for name in (f"{top}.py", f"{top}/__init__.py"):
                    if (folder / name).is_file():
                        return name
        return None


def unsuitable(kernel: Kernel) -> str | None:
    """Say why kernels of this kernelspec can't be forked here, or None."""
    if not sys.platform.startswith("linux"):
        return "kernels are forked on Linux only"
    if not kernel.is_plain or launch_arguments(kernel, "") is None:
        return "the kernel is not a plain ipykernel"
    return None


def launch_arguments(kernel: Kernel, connection_file: str) -> list[str] | None:
    """Return what the kernelspec passes to ipykernel; None if it starts something else."""
    if kernel.interpreter is None:
        return None
    place = kernel.argv.index("-m")
    if kernel.argv[place + 1] not in _LAUNCHERS or "{connection_file}" not in kernel.argv[place + 2 :]:
        return None
    arguments = [item.replace("{connection_file}", connection_file) for item in kernel.argv[place + 2 :]]
    return None if any("{" in item for item in arguments) else arguments


def resolved(stanza: Mapping[str, str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a kernel with this environment stanza, as jupyter_client makes it.

    Args:
        given: The variables to begin with; this process's by default.
    """
    environment = dict(os.environ if given is None else given)
    environment.update({name: Template(value).safe_substitute(environment) for name, value in stanza.items()})
    environment.pop("PYTHONEXECUTABLE", None)
    return environment


def heavy_imports(trees: Iterable[ast.AST]) -> list[str]:
    """Return the import statements of some code that a template may execute, in their order."""
    known = frozenset(table()["modules"])
    found: dict[str, None] = {}
    for tree in trees:
        for node in _outside_functions(tree):
            if isinstance(node, ast.Import):
                found.update({f"import {item.name}": None for item in node.names if _top(item.name) in known})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level and _top(node.module) in known:
                names = ", ".join(item.name for item in node.names)
                found[f"from {node.module} import {names}"] = None
    return list(found)


def sets_environment(trees: Iterable[ast.AST]) -> bool:
    """Tell whether code may set environment variables, which libraries read when they are imported."""
    for tree in trees:
        reads: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                reads.add(id(node.value))
            elif isinstance(node, ast.Compare):
                reads.update(id(item) for item in node.comparators)
            elif isinstance(node, ast.Call):
                if _name(node.func) in _SETTERS or _sets_by_magic(node):
                    return True
                if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "copy", "items", "keys"):
                    reads.add(id(node.func.value))
        if any(_name(node) == "environ" and id(node) not in reads for node in ast.walk(tree)):
            return True
    return False


@functools.cache
def table() -> dict[str, Any]:
    """Read the table of what was tried."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("modules.json").read_text(encoding="utf-8"))
    return content


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            yield node
            yield from _outside_functions(node)


def _sets_by_magic(node: ast.Call) -> bool:
    first = node.args[0] if node.args else None
    return (
        _name(node.func) in ("run_line_magic", "run_cell_magic", "magic")
        and isinstance(first, ast.Constant)
        and str(first.value).split(" ")[0].lstrip("%") in _MAGICS
    )


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _top(module: str) -> str:
    return module.partition(".")[0]
