"""Facts about the environment that the analysis is given as a value."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Callable
from pathlib import Path

from jupyter_mlops.analysis.machine import Environment
from jupyter_mlops.local_modules import LocalModule, look_at, with_their_imports
from jupyter_mlops.notebook.model import Notebook

__all__ = ["Exports", "environment_of"]

Exports = Callable[[str], tuple[str, ...] | None]
"""The names that a module exports with ``*``; None if nobody knows."""

_WORD = re.compile(r"\w+")
_STAR = re.compile(r"\bfrom\s+(\w[\w.]*)\s+import\s*\*")


def environment_of(notebook: Notebook, installed: Exports = lambda module: None) -> Environment:
    """Find out which modules are the project's own, and what is imported with ``*``.

    The project's modules are read, never run.

    Args:
        notebook: The modules beside its file are the project's own.
        installed: Asked about modules that are not the project's own, if the notebook imports everything from them.
    """
    folder = notebook.path.parent if notebook.path is not None else Path.cwd()
    local = _modules_in(folder)

    def exported(module: str, importing: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        if module.partition(".")[0] not in local:
            return installed(module)
        if module in importing:
            return None
        return _read_exports(folder, module, lambda name: exported(name, (*importing, module)))

    code = [cell for cell in notebook.cells if cell.kind == "code"]
    wanted = {module for cell in code for module in _STAR.findall(cell.source)}
    for cell in code:  # magics may stand for such imports
        wanted.update(_STAR.findall(cell.python.text) if cell.python is not None and "%" in cell.source else ())
    stars = {module: exported(module) for module in sorted(wanted)}
    modules = with_their_imports({name: _looked_at(folder, name) for name in _mentioned(notebook, local)})
    return Environment(
        {module: names for module, names in stars.items() if names is not None},
        modules,
    )


def _mentioned(notebook: Notebook, local: frozenset[str]) -> list[str]:
    """The project's modules that the notebook can import, itself or through others that it imports."""
    words = {word for cell in notebook.cells if cell.kind == "code" for word in _WORD.findall(cell.source)}
    return sorted(local) if words & local else []


def _looked_at(folder: Path, name: str) -> LocalModule:
    package = folder / name
    return look_at(package if package.is_dir() else folder / f"{name}.py")


def _modules_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.stem for entry in folder.iterdir() if entry.stem.isidentifier() and _is_module(entry))
    except OSError:
        return frozenset()


def _is_module(entry: Path) -> bool:
    return entry.suffix == ".py" or (not entry.suffix and (entry / "__init__.py").is_file())


def _read_exports(folder: Path, module: str, exported: Exports) -> tuple[str, ...] | None:
    path = folder.joinpath(*module.split("."))
    is_package = (path / "__init__.py").is_file()
    try:
        source = (path / "__init__.py" if is_package else path.with_name(f"{path.name}.py")).read_text(encoding="utf-8")
        tree = ast.parse(source)
        symbols = symtable.symtable(source, module, "exec").get_symbols()
    except (OSError, SyntaxError, ValueError):
        return None
    bound = {item.get_name() for item in symbols if item.is_assigned() or item.is_imported() or item.is_namespace()}
    if "__all__" in bound:
        return _literal_all(tree)
    if any(isinstance(node, ast.Delete) for node in tree.body):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            names = exported(_absolute(node, module, is_package))
            if names is None:
                return None
            bound.update(names)
    return tuple(sorted(name for name in bound if not name.startswith("_")))


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    package = parents[: len(parents) - node.level + is_package]
    return ".".join([*package, *([node.module] if node.module else [])])


def _literal_all(tree: ast.Module) -> tuple[str, ...] | None:
    """The names of ``__all__``, if one assignment of literals is all that is said about it."""
    if sum(isinstance(node, ast.Name) and node.id == "__all__" for node in ast.walk(tree)) > 1:
        return None
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(item, ast.Name) and item.id == "__all__" for item in targets):
            try:
                return tuple(str(item) for item in ast.literal_eval(getattr(node, "value", None) or ""))
            except (ValueError, TypeError):
                return None
    return None
