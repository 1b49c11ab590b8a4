"""The normal form of a step's code: what is left when comments and layout don't count. Pure."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.steps.cells import has_tag, role_of, text_of

__all__ = ["CodeCell", "code_cells"]

_SIGNS = ("%", "!", "?")


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a step notebook.

    Args:
        id: Of the user's cell; None for replayed code and parameters.
        statements: Normal form of each top-level statement.
        lines: Where each begins, 1-based.
        tree: What they mean; None if the cell is not Python.
        form: What counts: equal forms compute and show the same.
    """

    id: str | None
    statements: tuple[str, ...]
    lines: tuple[int, ...]
    tree: ast.Module | None
    form: Mapping[str, Any]

    def shown(self, change: Callable[[Any], Any]) -> CodeCell:
        """Return it as it may be shown.

        Args:
            change: Makes of a JSON value one with texts that may be shown.
        """
        return replace(self, statements=tuple(map(change, self.statements)), form=change(self.form))


def code_cells(notebook: Mapping[str, Any]) -> Iterator[CodeCell]:
    """Go through the code of a step notebook that makes a difference."""
    for cell in notebook["cells"]:
        role = role_of(cell)
        if cell["cell_type"] == "code" and role not in ("load", "save"):
            yield _code_cell(None if role else cell["id"], text_of(cell), has_tag(cell, "raises-exception"))


def _code_cell(cell_id: str | None, text: str, raises: bool) -> CodeCell:
    source = python_source(text)
    tree = _parse(source.text)
    statements, lines = ((source.text,), (1,)) if tree is None else _statements(tree)
    form: dict[str, Any] = {"statements": list(statements)}
    # A semicolon at the end hides the last value, and is no part of the tree.
    if tree is not None and tree.body and isinstance(tree.body[-1], ast.Expr) and _is_quiet(source.text):
        form["quiet"] = True
    if raises:
        form["raises"] = True
    if source.text != text:
        # What IPython's own lines show (a time, nothing at all) is not always left in the Python.
        form["magics"] = [line.strip() for line in text.split("\n") if line.lstrip()[:1] in _SIGNS and line.strip()]
        form["bodies"] = [[magic.name, magic.body] for magic in source.magics if magic.body]
    return CodeCell(cell_id, statements, lines, tree, form)


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(tree: ast.Module) -> tuple[tuple[str, ...], tuple[int, ...]]:
    return tuple(_normal(item) for item in tree.body), tuple(_first_line(item) for item in tree.body)


def _normal(statement: ast.stmt) -> str:
    try:
        return ast.unparse(statement)
    except (ValueError, RecursionError):
        return ast.dump(statement)


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    lines: list[int] = [statement.lineno, *(item.lineno for item in decorators)]
    return min(lines)


def _is_quiet(text: str) -> bool:
    ignored = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    last = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in ignored:
                last = token.string
    except (tokenize.TokenError, SyntaxError):
        return False
    return last == ";"
