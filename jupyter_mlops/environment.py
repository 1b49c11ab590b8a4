"""Facts about the environment that the analysis is given as a value."""

from __future__ import annotations

import ast
from pathlib import Path

from jupyter_mlops.analysis.machine import Environment
from jupyter_mlops.notebook.model import Notebook

__all__ = ["environment_of"]


def environment_of(notebook: Notebook) -> Environment:
    """Find out which modules are the project's own, and what they export with ``*``."""
    folder = notebook.path.parent if notebook.path is not None else Path.cwd()
    local: set[str] = set()
    try:
        for entry in folder.iterdir():
            if entry.suffix == ".py" and entry.stem.isidentifier():
                local.add(entry.stem)
            elif entry.is_dir() and entry.name.isidentifier() and (entry / "__init__.py").is_file():
                local.add(entry.name)
    except OSError:
        return Environment()
    return Environment(
        {name: stars for name in local if (stars := _exported(folder, name)) is not None}, frozenset(local)
    )


def _exported(folder: Path, module: str) -> tuple[str, ...] | None:
    path = folder / f"{module}.py"
    if not path.is_file():
        path = folder / module / "__init__.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names += [(item.asname or item.name.partition(".")[0]) for item in node.names if item.name != "*"]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(item, ast.Name) and item.id == "__all__" for item in targets):
                return _literal_all(node)
            names += [item.id for item in targets if isinstance(item, ast.Name)]
    return tuple(name for name in names if not name.startswith("_"))


def _literal_all(node: ast.Assign | ast.AnnAssign) -> tuple[str, ...] | None:
    try:
        return tuple(str(item) for item in ast.literal_eval(node.value)) if node.value is not None else None
    except (ValueError, TypeError):
        return None
