"""The source of an injected-parameters cell, as papermill writes it for Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["parameters_source"]


def parameters_source(parameters: Mapping[str, Any]) -> str:
    """Write assignments, one line each, below papermill's comment.

    Args:
        parameters: JSON values and non-finite floats by name.
    """
    lines = [f"{name} = {_literal(value)}\n" for name, value in parameters.items()]
    return "".join(["# Parameters\n", *lines])


def _literal(value: Any) -> str:
    if value is None or isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return _quoted(value)


def _quoted(value: Any) -> str:
    if not isinstance(value, str):
        return f'"{value}"'
    escaped = value.encode("unicode_escape").decode("ascii").replace('"', r"\"")
    return f'"{escaped}"'
