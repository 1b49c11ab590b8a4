"""What the source of a project's own modules tells: whether they keep state, whether they touch files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LocalModule", "look_at"]

_FILE_WORDS = (
    "open", "write", "read", "save", "load", "dump", "to_", "unlink", "remove", "mkdir", "rename", "touch", "copy2",
    "savefig", "Path", "subprocess", "shutil", "tempfile", "sqlite3", "os", "glob", "pathlib", "joblib", "pickle",
)  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class LocalModule:
    """A module of the project.

    Args:
        keeps_state: Its functions change variables of the module, so that calls depend on earlier ones.
        touches_files: It has names that speak of files; without any, calling it touches none.
    """

    keeps_state: bool = True
    touches_files: bool = True


def look_at(path: Path) -> LocalModule:
    """Read a module's source, or all sources of a package; the worst is assumed of what can't be read."""
    sources = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    try:
        trees = [ast.parse(source.read_text(encoding="utf-8")) for source in sources]
    except (OSError, SyntaxError, ValueError, RecursionError):
        return LocalModule()
    return LocalModule(any(map(_keeps_state, trees)), any(map(_touches_files, trees)))


def _keeps_state(tree: ast.Module) -> bool:
    variables = {name for node in tree.body for name in _assigned(node)}
    for function in (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)):
        for node in ast.walk(function):
            if isinstance(node, ast.Global) or _changes(node) & variables:
                return True
    return False


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.With, ast.If, ast.Try)):
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
                yield item.id
    elif isinstance(node, ast.ClassDef):
        yield node.name


def _changes(node: ast.AST) -> set[str]:
    """Variables that a piece of code may change in place."""
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        return {_root(node)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return {_root(node.func)}
    if isinstance(node, ast.Call):
        return {item.id for item in node.args if isinstance(item, ast.Name)}
    return set()


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _touches_files(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [getattr(node, "id", ""), getattr(node, "attr", "")]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [part for item in node.names for part in item.name.split(".")]
            names += (getattr(node, "module", None) or "").split(".")
        if any(name.startswith(_FILE_WORDS) for name in names if name):
            return True
    return False
