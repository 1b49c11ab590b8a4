"""Texts of CSV files as the values that they mean, by the types of the model's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.deploy.schema import ModelSchema

__all__ = ["typed_columns"]


def typed_columns(columns: Mapping[str, Sequence[str]], schema: ModelSchema) -> dict[str, Any]:
    """Return columns of texts as columns of values; what should be a number and is none is refused later."""
    if schema.layout == "array":
        lines = zip(*columns.values(), strict=True)
        return {"rows": [[_number(item) for item in line] for line in lines]}
    known = {item.name: item.kind for item in schema.columns}
    readers = {"number": _number, "integer": _number, "bool": _truth}
    return {
        name: [readers.get(known.get(name, ""), _text)(value) for value in values] for name, values in columns.items()
    }


def _number(text: str) -> Any:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return text


def _truth(text: str) -> Any:
    return {"true": True, "false": False, "1": True, "0": False, "": None}.get(text.strip().lower(), text)


def _text(text: str) -> Any:
    return text or None
