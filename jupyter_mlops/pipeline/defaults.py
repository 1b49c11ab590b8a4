"""Pipeline parameters: the literal assignments of the parameters cell."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from jupyter_mlops.analysis.interpreter import parse_cell
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Cell
from jupyter_mlops.pipeline.model import Parameter, ParameterType

__all__ = ["DeclaredParameters", "read_parameters"]

_TYPES: dict[type, ParameterType] = {
    int: "int", float: "float", str: "str", bool: "bool", list: "list", dict: "dict", type(None): "none", tuple: "list",
}  # fmt: skip
_ANNOTATIONS = {"int", "float", "str", "bool", "list", "dict", "List", "Dict"}


@dataclass(frozen=True, slots=True)
class DeclaredParameters:
    """What a parameters cell declares.

    Args:
        parameters: One for each name, its last literal assignment.
        statements: For each parameter, the top-level statements that assign it: cell index and ordinal.
        diagnostics: Lines that are code rather than parameters.
    """

    parameters: tuple[Parameter, ...] = ()
    statements: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


def read_parameters(cells: Sequence[Cell]) -> DeclaredParameters:
    """Read the parameters that cells declare, later assignments winning; nothing is executed."""
    found: dict[str, Parameter] = {}
    places: dict[str, tuple[tuple[int, int], ...]] = {}
    code: list[Diagnostic] = []
    for cell in cells:
        for ordinal, node in enumerate(_body(cell)):
            declared = _declared(cell, node)
            for parameter in declared:
                found[parameter.name] = _over(found.get(parameter.name), parameter)
                places[parameter.name] = (*places.get(parameter.name, ()), (cell.index, ordinal))
            if not declared and not _is_text(node) and isinstance(node, (ast.Assign, ast.AnnAssign)):
                code.append(_is_code(cell, node))
    return DeclaredParameters(tuple(found.values()), places, tuple(code))


def _body(cell: Cell) -> list[ast.stmt]:
    try:
        return parse_cell(cell.python.text if cell.python is not None else "").body
    except SyntaxError:
        return []


def _over(declared: Parameter | None, later: Parameter) -> Parameter:
    """A value that papermill has injected keeps the declared type where it fits."""
    if declared is None or declared.cell == later.cell:
        return later
    if declared.type == "float" and later.type == "int":
        return replace(declared, default=float(later.default))
    if later.type in (declared.type, "none"):
        return replace(declared, default=later.default, optional=declared.optional or later.optional)
    return later


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_code(cell: Cell, node: ast.stmt) -> Diagnostic:
    return make(
        "MLO011",
        "The line is code that runs before parameters are set, not a parameter",
        cell=cell.id,
        line=node.lineno,
        hint="Assign a literal to make it a parameter; move the line to another cell to compute from parameters.",
    )


def _declared(cell: Cell, node: ast.stmt) -> list[Parameter]:
    if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
        names = [cast(ast.Name, target).id for target in node.targets]
        annotation = None
        value: ast.expr | None = node.value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        names, annotation, value = [node.target.id], node.annotation, node.value
    else:
        return []
    literal = _literal(value) if value is not None else _NOT_LITERAL
    if literal is _NOT_LITERAL:
        return []
    kind = _TYPES[type(literal)]
    declared, optional = _annotated(annotation)
    if isinstance(literal, tuple):
        literal = list(literal)
    if declared == "float" and kind == "int":
        literal = float(literal)
    return [
        Parameter(name, declared or kind, literal, cell.id, node.lineno, optional or literal is None) for name in names
    ]


_NOT_LITERAL: Any = object()


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        return _special_float(node)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NOT_LITERAL
    return value if _is_plain(value) else _NOT_LITERAL


def _special_float(node: ast.Call) -> Any:
    """``float("nan")`` and ``float("inf")`` are literals in all but syntax."""
    if len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
        try:
            return float(node.args[0].value)
        except ValueError:
            pass
    return _NOT_LITERAL


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def _annotated(node: ast.expr | None) -> tuple[ParameterType | None, bool]:
    """The type an annotation names, and whether it allows None."""
    if node is None:
        return None, False
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _annotated(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return None, False
    if isinstance(node, ast.Name):
        return cast(ParameterType, node.id.lower()) if node.id in _ANNOTATIONS else None, False
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inner = _annotated(node.slice)[0] if node.value.id == "Optional" else _annotated(node.value)[0]
        return inner, node.value.id == "Optional"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [_annotated(node.left)[0], _annotated(node.right)[0]]
        nothing = any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right))
        known = [side for side in sides if side is not None]
        return (known[0] if len(known) == 1 else None), nothing
    return None, False
