"""What data an estimator was fitted with, as far as a step's code and inputs tell."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["TRAINING", "training_of"]

TRAINING = "training"
"""Name of the document kept with a step that makes estimators."""


def training_of(
    outputs: Iterable[ArtifactRecord],
    inputs: Sequence[ArtifactRecord],
    trees: Sequence[ast.AST],
    changed: Iterable[str],
) -> dict[str, Any]:
    """Say for each fitted estimator among a step's outputs what it was fitted with.

    Args:
        inputs: What the step took: values of other steps, and files.
        trees: The code of its own cells.
        changed: Names that the step changes in place.

    Returns:
        By variable: ``arguments`` (of ``fit``, as written; absent if no such call was found), ``data`` (name, digest
        and id of each artifact) and ``known``: ``exactly`` if the artifacts are what ``fit`` was given, ``inputs`` if
        they are all that the step took, of which it made what it fitted with.
    """
    found: dict[str, Any] = {}
    given = [item for item in inputs if item.kind in ("value", "file")]
    for record in outputs:
        for name, member in record.members.items():
            schema = member.get("schema")
            about = schema.get("estimator") if isinstance(schema, Mapping) else None
            if isinstance(about, Mapping) and about.get("fitted"):
                found[name] = _training(name, given, trees, frozenset(changed))
    return found


def _training(
    name: str, given: Sequence[ArtifactRecord], trees: Sequence[ast.AST], changed: frozenset[str]
) -> dict[str, Any]:
    call = _only_fit(name, trees)
    entry: dict[str, Any] = {}
    if call is not None:
        entry["arguments"] = [_source(item) for item in _arguments(call)]
        exact = [_exact(item, given, trees, changed) for item in _arguments(call)]
        if exact and all(item is not None for item in exact):
            return {**entry, "known": "exactly", "data": [item for item in exact if item is not None]}
    return {**entry, "known": "inputs", "data": [_datum(item.name, item) for item in given]}


def _only_fit(name: str, trees: Sequence[ast.AST]) -> ast.Call | None:
    """The one call of ``fit`` on the variable, or on what is assigned to it; None if that may not be all there is."""
    calls: dict[int, ast.Call] = {}
    handed_on = False
    for tree in trees:
        for node in _outside_functions(tree):
            if isinstance(node, ast.Assign) and any(_is_name(target, name) for target in node.targets):
                if (call := _fit_of(node.value)) is not None:
                    calls[id(call)] = call
            elif isinstance(node, ast.Assign) and any(_is_name(part, name) for part in ast.walk(node.value)):
                handed_on = handed_on or not _only_asks(node.value, name)
            elif isinstance(node, ast.Call) and _is_fit(node) and _is_name(_receiver(node), name):
                calls[id(node)] = node
            elif isinstance(node, ast.Call) and not calls:
                # Before it is fitted, whatever gets hold of it might fit it.
                handed_on = handed_on or any(_is_name(item, name) for item in _arguments(node))
    return next(iter(calls.values())) if len(calls) == 1 and not handed_on else None


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield child
            yield from _outside_functions(child)


def _only_asks(value: ast.expr, name: str) -> bool:
    """Tell whether an expression holds the variable only as the receiver of attributes, or as an argument of a call."""
    held = [node for node in ast.walk(value) if _is_name(node, name)]
    asked = [node.value for node in ast.walk(value) if isinstance(node, ast.Attribute)]
    passed = [item for node in ast.walk(value) if isinstance(node, ast.Call) for item in _arguments(node)]
    known = {id(item) for item in (*asked, *passed)}
    return all(id(node) in known for node in held)


def _fit_of(value: ast.expr) -> ast.Call | None:
    return value if isinstance(value, ast.Call) and _is_fit(value) else None


def _is_fit(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("fit", "partial_fit")


def _receiver(node: ast.Call) -> ast.expr:
    assert isinstance(node.func, ast.Attribute)
    return node.func.value


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(item.value for item in call.keywords)]


def _source(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else text[:99] + "…"


def _exact(
    node: ast.expr, given: Sequence[ArtifactRecord], trees: Sequence[ast.AST], changed: frozenset[str]
) -> dict[str, Any] | None:
    """The artifact that an argument is: a variable of another step that this one neither binds anew nor changes."""
    if not isinstance(node, ast.Name) or node.id in changed or _binds(node.id, trees):
        return None
    return next((_datum(node.id, item) for item in given if item.kind == "value" and node.id in item.names), None)


def _binds(name: str, trees: Sequence[ast.AST]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.alias) and (node.asname or node.name) == name)
        or (isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name)
        for tree in trees
        for node in ast.walk(tree)
    )


def _datum(name: str, record: ArtifactRecord) -> dict[str, Any]:
    return {"name": name, "digest": record.digest, "artifact": record.id}
