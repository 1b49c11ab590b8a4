"""The notebook and pipeline of a run, as they were when it began."""

from __future__ import annotations

import ast
import contextlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline, Snippet
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import RunRecord

__all__ = ["CodeNamespace", "Recorded", "Slicer", "recorded"]

Slicer = Callable[[Notebook], Pipeline]
"""Makes the pipeline of a notebook, with what must be known of the environment."""


@dataclass(frozen=True)
class Recorded:
    """What a run ran."""

    notebook: Notebook
    pipeline: Pipeline


def recorded(database: Database, run: RunRecord, slicer: Slicer) -> Recorded | None:
    """Read the notebook that a run kept and slice it again; None where it kept none that can be read."""
    text = database.document(run.run_id, "notebook")
    try:
        raw = json.loads(text or "")
        notebook = parse_notebook(raw, None if run.notebook is None else Path(run.notebook))
        return Recorded(notebook, slicer(notebook))
    except (ValueError, MlopsError):
        return None


@dataclass(eq=False)
class _Unit:
    """Statements that are run together or not at all."""

    source: str
    names: frozenset[str]
    done: bool = False


class CodeNamespace(dict[str, Any]):
    """Globals in which the code of a notebook comes into being when it is asked for, and no other.

    Values that refer to functions and classes of the notebook find them here, and these find what they use. Each
    import, function and class is run by itself; other statements of a cell run together, in their order.

    Args:
        snippets: Code that the steps of the pipeline replay; of what binds a name, the first counts.
        values: Names that have their values already, such as parameters.
    """

    def __init__(self, snippets: Iterable[Snippet], values: dict[str, Any] | None = None) -> None:
        super().__init__({"__builtins__": __builtins__, "__name__": "__main__", **(values or {})})
        self._units: dict[str, _Unit] = {}
        by_source: dict[str, _Unit] = {}
        for snippet in snippets:
            for unit in _units(snippet):
                unit = by_source.setdefault(unit.source, unit)
                for name in unit.names:
                    self._units.setdefault(name, unit)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._units

    def __missing__(self, name: str) -> Any:
        unit = self._units.get(name)
        if unit is None or unit.done:
            raise KeyError(name)
        unit.done = True
        exec(compile(unit.source, "<notebook>", "exec", dont_inherit=True), self)
        return super().__getitem__(name)


def _units(snippet: Snippet) -> Iterator[_Unit]:
    text = python_source(snippet.source).text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return
    bound = [_bound(node) for node in body]
    future = "".join(ast.unparse(node) + "\n" for node in body if _is_future(node))
    rest: list[ast.stmt] = []
    alone: set[str] = set()
    for node, names in zip(body, bound, strict=True):
        others = [other for other in body if other is not node]
        if names is not None and any(_concerns(node, _defined(other)) for other in others):
            names = None  # such as @area.register: whoever asks for area needs it, too
        is_alone = names is not None and not any(_concerns(other, names) for other in others)
        if names is not None and is_alone and not _is_future(node):
            alone |= names
            yield _Unit(future + _source(text, node), names)
        elif not _is_future(node):
            rest.append(node)
    if rest:
        names = frozenset(_stored(rest) | (set(snippet.names) - alone))
        yield _Unit(future + "\n".join(_source(text, node) for node in rest), names)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _bound(node: ast.stmt) -> frozenset[str] | None:
    """Names that an import, function or class binds; None for any other statement."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        if any(item.name == "*" for item in node.names):
            return None
        return frozenset(item.asname or item.name.partition(".")[0] for item in node.names)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset([node.name])
    return None


def _concerns(node: ast.stmt, names: frozenset[str]) -> bool:
    """Whether a statement may change what another one binds: it binds the same, or uses it when it runs."""
    bound = _bound(node)
    if bound is not None and bound & names:
        return True
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return False
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        parts: list[ast.AST] = [*node.decorator_list]  # such as @area.register; bases and bodies only read
    else:
        parts = [node]
    return any(isinstance(item, ast.Name) and item.id in names for part in parts for item in ast.walk(part))


def _defined(node: ast.stmt) -> frozenset[str]:
    """The name of a function or class."""
    return frozenset() if isinstance(node, (ast.Import, ast.ImportFrom)) else _bound(node) or frozenset()


def _stored(nodes: Iterable[ast.stmt]) -> set[str]:
    nodes = list(nodes)
    names = (item for node in nodes for item in ast.walk(node) if isinstance(item, ast.Name))
    found = {item.id for item in names if isinstance(item.ctx, ast.Store)}
    for node in nodes:
        found |= _bound(node) or frozenset()
    return found


def _source(text: str, node: ast.stmt) -> str:
    """The statement with its decorators, as it is written."""
    lines = text.split("\n")
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(item.lineno for item in decorators)])
    if decorators or node.col_offset == 0:
        segment = "\n".join(lines[start - 1 : node.end_lineno])
        with contextlib.suppress(SyntaxError):
            if len(ast.parse(segment).body) == 1:
                return segment
    return ast.unparse(node)
