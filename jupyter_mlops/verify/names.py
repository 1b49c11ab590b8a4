"""Which variables of a step are looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Step

__all__ = ["assigned_names", "observed_names"]


def observed_names(notebook: Notebook, step: Step) -> tuple[str, ...]:
    """What the step takes, gives and binds, sorted."""
    return tuple(sorted({*step.inputs, *step.outputs, *assigned_names(notebook, step)}))


def assigned_names(notebook: Notebook, step: Step) -> frozenset[str]:
    """Global names that the step's code binds, imports and names that begin with ``_`` aside."""
    own = set(step.cells)
    cells = [cell for cell in notebook.cells if cell.id in own]
    return frozenset(name for name in _assigned(cells) if not name.startswith("_"))


def _assigned(cells: Iterable[Cell]) -> Iterator[str]:
    for cell in cells:
        try:
            tree = ast.parse(cell.python.text if cell.python is not None else cell.source)
        except (SyntaxError, ValueError, RecursionError):
            continue
        yield from _bound(tree)


def _bound(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child.name
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from (name for inner in ast.walk(child) if isinstance(inner, ast.Global) for name in inner.names)
        elif isinstance(child, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from (
                inner.target.id
                for inner in ast.walk(child)
                if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
            )
        else:
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield child.id
            elif isinstance(child, (ast.MatchAs, ast.MatchStar)) and child.name:
                yield child.name
            elif isinstance(child, ast.MatchMapping) and child.rest:
                yield child.rest
            yield from _bound(child)
