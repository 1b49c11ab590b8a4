"""Finds the rows that a model was trained with among what its step took and made."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.signature import Signature

__all__ = ["fitted_with", "training_data"]


def training_data(
    signature: Signature, around: Iterable[tuple[ArtifactRecord, Mapping[str, Any]]], fitted: Sequence[str] = ()
) -> list[Any]:
    """Return what the model may have been trained with, the likeliest first.

    That are frames with just its columns, then those columns of frames that have others too, or matrices of its width.

    Args:
        signature: Of the model; its ``source`` is looked at first.
        around: Records with their values.
        fitted: Names of what the code says that it was fitted with; these come first.
    """
    found = sorted(around, key=lambda item: item[0].id != signature.source)
    named = [(name, value) for _, members in found for name, value in members.items()]
    values = [value for _, value in sorted(named, key=lambda item: item[0] not in fitted)]
    if signature.inputs:
        names = list(signature.names)
        frames = [value for value in values if _has_columns(value, names)]
        exact = [value for value in frames if [str(item) for item in value.columns] == names]
        return exact + [value[names] for value in frames if not any(value is item for item in exact)]
    if signature.features is None:
        return []
    return [value for value in values if _is_matrix(value, signature.features)]


def fitted_with(sources: Iterable[str], model: str) -> tuple[str, ...]:
    """Return the names of what a model was fitted with, as the code says: ``m = ….fit(X, y)`` or ``m.fit(X, y)``."""
    found: list[str] = []
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue  # magics and the like
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(_root(target) == model for target in node.targets):
                found += [name for call in ast.walk(node.value) for name in _fitting(call)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _root(node.func) == model:
                found += _fitting(node)
    return tuple(dict.fromkeys(found))


def _fitting(node: ast.AST) -> list[str]:
    """The name that a call of ``fit`` begins with, if it is one."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return []
    root = _root(node.args[0]) if node.func.attr in ("fit", "fit_transform", "fit_predict") else None
    return [] if root is None else [root]


def _root(node: ast.AST) -> str | None:
    """``X`` of ``X``, ``X.values``, ``X[["a", "b"]]``, ``X.to_numpy()``."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _has_columns(value: Any, names: list[str]) -> bool:
    columns = getattr(value, "columns", None)
    return (
        type(value).__module__.partition(".")[0] == "pandas"
        and columns is not None
        and set(names) <= set(map(str, columns))
    )


def _is_matrix(value: Any, features: int) -> bool:
    shape: Any = getattr(value, "shape", ())
    return type(value).__module__ == "numpy" and len(shape) == 2 and shape[1] == features and value.dtype.kind in "fiub"
