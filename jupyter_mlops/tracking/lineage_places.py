"""Back to the notebook: which cells a step had, and which line gave a name its value."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.tracing import RunHead
from jupyter_mlops.tracking.lineage_model import CellPlace

__all__ = ["Places"]

_LONGEST = 200_000
"""Characters of a cell that are looked through."""


@dataclass(frozen=True)
class _Page:
    """A notebook as a run kept it: of each cell its number and source; of each step its name and cells."""

    numbers: Mapping[str, int]
    sources: Mapping[str, str]
    steps: Mapping[str, Sequence[str]]


class Places:
    """Looks into the notebooks of runs; equal ones are read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages: dict[tuple[str | None, str | None], _Page] = {}
        self._trees: dict[str, ast.Module | None] = {}

    def cells(self, head: RunHead, step: str) -> tuple[CellPlace, ...]:
        """Return the cells of a step, in their order; none where the run kept no notebook."""
        page = self._page(head)
        return tuple(
            CellPlace(cell, page.numbers[cell]) for cell in page.steps.get(step, ()) if cell in page.numbers
        )

    def origin(self, head: RunHead, step: str, kind: str, names: Sequence[str]) -> tuple[CellPlace, ...]:
        """Return the cell, and the line in it, that gave a value its first name last, or that names a file."""
        page = self._page(head)
        for cell in reversed(page.steps.get(step, ())):
            if cell not in page.numbers:
                continue
            line = self._line(page.sources.get(cell, ""), kind, names)
            if line is not None:
                return (CellPlace(cell, page.numbers[cell], line),)
        return ()

    def _page(self, head: RunHead) -> _Page:
        key = (head.documents.get("notebook"), head.documents.get("pipeline"))
        if key not in self._pages:
            notebook, pipeline = (self._json(digest) for digest in key)
            self._pages[key] = _page(notebook, pipeline)
        return self._pages[key]

    def _json(self, digest: str | None) -> Mapping[str, Any]:
        text = None if digest is None else self._database.text(digest)
        try:
            data = json.loads(text or "{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def _line(self, source: str, kind: str, names: Sequence[str]) -> int | None:
        if source not in self._trees:
            self._trees[source] = _parse(source)
        tree = self._trees[source]
        if tree is None:
            return None
        found = _file_lines(tree, names) if kind == "file" else _binding_lines(tree, names)
        return max(found, default=None)


def _page(notebook: Mapping[str, Any], pipeline: Mapping[str, Any]) -> _Page:
    numbers, sources = {}, {}
    for number, cell in enumerate(_dicts(notebook.get("cells")), 1):
        cell_id, source = str(cell.get("id")), cell.get("source", "")
        numbers[cell_id] = number
        sources[cell_id] = source if isinstance(source, str) else "".join(map(str, source))
    steps = {
        str(step.get("slug")): [str(cell) for cell in step.get("cells") or ()]
        for step in _dicts(pipeline.get("steps"))
    }
    return _Page(numbers, sources, steps)


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _parse(source: str) -> ast.Module | None:
    if len(source) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(python_source(source).text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _binding_lines(tree: ast.Module, names: Sequence[str]) -> Iterator[int]:
    """Lines where one of the names is bound in the cell's own scope."""
    wanted = set(names)
    for node in _own_scope(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in wanted:
            yield node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name in wanted:
            yield node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if wanted & {item.asname or item.name.partition(".")[0] for item in node.names}:
                yield node.lineno


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _own_scope(child)


def _file_lines(tree: ast.Module, names: Sequence[str]) -> Iterator[int]:
    """Lines that have the path of one of the files, or its last part, as a text."""
    lasts = {name.rpartition("/")[2] for name in names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            if node.value in names or node.value.rpartition("/")[2] in lasts:
                yield node.lineno
