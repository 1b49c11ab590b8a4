"""Back to the notebook: which cells a step had, and which line gave a name its value."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.tracing import RunHead
from jupyter_mlops.tracking.lineage_model import CellPlace

__all__ = ["Places"]

_MOST_CODE = 100_000
"""Characters of code that are parsed for one answer; lines beyond stay unknown."""

_MOST_JSON = 4_000_000
"""Characters of notebooks and pipelines that are read for one answer; cells beyond stay unknown."""


@dataclass(frozen=True)
class _Lines:
    """Of a cell's source, the last line that binds each name, and that has each text (or the end of it, as a path)."""

    names: Mapping[str, int]
    texts: Mapping[str, int]


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
        self._lines: dict[str, _Lines] = {}
        self._code_left, self._json_left = _MOST_CODE, _MOST_JSON

    def cells(self, head: RunHead, step: str) -> tuple[CellPlace, ...]:
        """Return the cells of a step, in their order; none where the run kept no notebook."""
        page = self._page(head)
        return tuple(CellPlace(cell, page.numbers[cell]) for cell in page.steps.get(step, ()) if cell in page.numbers)

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
        if digest is None or self._json_left < 0:
            return {}
        text = self._database.text(digest) or "{}"
        self._json_left -= len(text)
        try:
            data = json.loads(text)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def _line(self, source: str, kind: str, names: Sequence[str]) -> int | None:
        if source not in self._lines:
            if len(source) > self._code_left:
                return None
            self._code_left -= len(source)
            self._lines[source] = _lines(source)
        found = self._lines[source]
        if kind == "file":
            texts = (text for name in names for text in (name, name.rpartition("/")[2]))
            return next((found.texts[text] for text in texts if text in found.texts), None)
        return max((found.names[name] for name in names if name in found.names), default=None)


def _page(notebook: Mapping[str, Any], pipeline: Mapping[str, Any]) -> _Page:
    numbers, sources = {}, {}
    for number, cell in enumerate(_dicts(notebook.get("cells")), 1):
        cell_id, source = str(cell.get("id")), cell.get("source", "")
        numbers[cell_id] = number
        sources[cell_id] = source if isinstance(source, str) else "".join(map(str, source))
    steps = {
        str(step.get("slug")): [str(cell) for cell in step.get("cells") or ()] for step in _dicts(pipeline.get("steps"))
    }
    return _Page(numbers, sources, steps)


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _lines(source: str) -> _Lines:
    names: dict[str, int] = {}
    texts: dict[str, int] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(python_source(source).text)
        _note_names(tree, names)
        _note_texts(tree, texts)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    return _Lines(names, texts)


def _note_names(node: ast.AST, names: dict[str, int]) -> None:
    """Note what is bound in the cell's own scope."""
    for child in ast.iter_child_nodes(node):
        bound: tuple[str, ...] = ()
        if isinstance(child, ast.Name):
            bound = (child.id,) if isinstance(child.ctx, ast.Store) else ()
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound = (child.name,)
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            bound = tuple(item.asname or item.name.partition(".")[0] for item in child.names)
        for name in bound:
            names[name] = max(child.lineno, names.get(name, 0))  # type: ignore[attr-defined]
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            _note_names(child, names)


def _note_texts(tree: ast.Module, texts: dict[str, int]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            for text in (node.value, node.value.rpartition("/")[2]):
                texts[text] = max(node.lineno, texts.get(text, 0))
