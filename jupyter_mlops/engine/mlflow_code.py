"""Does code do more with MLflow than to log what it makes?"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["talks_to_server"]

_LIBRARY = "mlflow"
_FOREIGN = frozenset({"run_id", "parent_run_id", "experiment_id", None})
"""Arguments of ``start_run`` that speak of what is on the server; None is ``**options``."""

_REGISTERED = re.compile(r"models:/(?!m-)")


def talks_to_server(sources: Iterable[ast.AST]) -> bool:
    """Tell whether code reads from MLflow, or chooses a server of its own.

    Args:
        sources: Parts of one program: what one imports, the others may use.
    """
    trees = list(sources)
    if not any(_names(tree) for tree in trees):
        return False
    names = frozenset(name for tree in trees for name in _names(tree))
    return any(_asks(node, names) for tree in trees for node in ast.walk(tree))


@functools.cache
def _table() -> tuple[frozenset[str], frozenset[str]]:
    """The functions that need no server, and the modules they are in."""
    content = json.loads(Path(__file__).with_name("mlflow_calls.json").read_text(encoding="utf-8"))
    return frozenset(content["calls"]), frozenset(content["modules"])


def _names(tree: ast.AST) -> Sequence[str]:
    """The names that MLflow and its modules, or things of it, are imported under."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [item.asname or _LIBRARY for item in node.names if _is_of_library(item.name)]
        elif isinstance(node, ast.ImportFrom) and _is_of_library(node.module):
            found += [item.asname or item.name for item in node.names]
    return found


def _asks(node: ast.AST, names: frozenset[str]) -> bool:
    calls, modules = _table()
    if isinstance(node, ast.ImportFrom):
        return _is_of_library(node.module) and any(item.name not in calls | modules for item in node.names)
    if isinstance(node, ast.Attribute):
        return node.attr not in calls | modules and _is_module(node.value, names)
    if isinstance(node, ast.Call) and _last(node.func) == "start_run":
        return bool(node.args) or any(item.arg in _FOREIGN for item in node.keywords)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_REGISTERED.match(node.value))


def _is_module(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether something is MLflow or a module of it, not what a call of it returned."""
    if isinstance(node, ast.Name):
        return node.id in names
    return isinstance(node, ast.Attribute) and node.attr in _table()[1] and _is_module(node.value, names)


def _last(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _is_of_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] == _LIBRARY
