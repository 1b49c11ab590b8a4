"""Finds code that waits for somebody to type: nobody is there when a pipeline runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["prompts"]

_SUSPECT = re.compile(r"\b(?:input|breakpoint|set_trace|post_mortem|getpass|debug|pdb)\b")
_FUNCTIONS = frozenset({"input", "breakpoint", "getpass.getpass"})
_DEBUGGERS = re.compile(
    r"(?:i?pdb|pudb|IPython\.core\.debugger)\.(?:set_trace|post_mortem|pm)|(?:set_trace|post_mortem)"
)
_MAGIC = re.compile(r"\s*%{1,2}(debug|pdb)\b")


def prompts(pipeline: Pipeline, notebook: Notebook) -> list[Diagnostic]:
    """Warn of each cell of a step that asks for input or starts a debugger; once for each cell."""
    steps = {cell for step in pipeline.steps for cell in step.cells}
    suspects = [cell for cell in notebook.cells if cell.id in steps and _SUSPECT.search(cell.source)]
    found = []
    for cell in suspects:
        what, line = next(_asking(cell), (None, 0))
        if what is None or _is_own(what, notebook):
            continue
        text = f"{what} waits for somebody to type, and nobody is there when a pipeline runs"
        hint = "Make it a parameter, or tag the cell `skip`."
        found.append(make("MLO025", text, cell=cell.id, line=line, hint=hint))
    return found


def _asking(cell: Cell) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(cell.source.split("\n"), 1):
        if match := _MAGIC.match(line):
            yield f"%{match[1]}", number
            return
    try:
        tree = ast.parse(cell.source if cell.python is None else cell.python.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            if name in _FUNCTIONS or _DEBUGGERS.fullmatch(name):
                yield f"{name}()", node.lineno


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _is_own(call: str, notebook: Notebook) -> bool:
    """Whether the notebook gives that name another meaning somewhere."""
    name = call.removesuffix("()")
    if "." in name or name.startswith("%"):
        return False
    defined = re.compile(rf"\bdef {name}\b|\b{name}\s*(?::[^=\n]*)?=(?!=)|\bas {name}\b")
    return any(defined.search(cell.source) for cell in notebook.cells)
