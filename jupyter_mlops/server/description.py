"""The description of the API, and requests held against it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlops.server.problems import RequestProblem

__all__ = ["check_body", "description"]

_MOST = 200
"""Characters of a message about a request."""


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI description."""
    import yaml

    text = Path(__file__).with_name("openapi.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(text, loader)
    return found


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    whole = description()
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": whole["components"]})


def check_body(name: str, body: Any) -> dict[str, Any]:
    """Hold a request's body against a schema; cells of notebooks are looked at by hand, which is faster.

    Raises:
        RequestProblem: Says which field is wrong.
    """
    if not isinstance(body, dict):
        raise RequestProblem("bad-request", "The request's body is not a JSON object.")
    checked = body
    if isinstance(body.get("cells"), list):
        _check_cells(body["cells"])
        checked = {**body, "cells": []}
    for error in _validator(name).iter_errors(checked):
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        message = error.message if len(error.message) <= _MOST else error.message[:_MOST] + "…"
        raise RequestProblem("bad-request", f"The request makes no sense: {message}.", field=field.lstrip(".") or None)
    return body


def _check_cells(cells: list[Any]) -> None:
    for place, cell in enumerate(cells):
        wrong = _what_is_wrong(cell)
        if wrong is not None:
            raise RequestProblem(
                "bad-request", f"Cell {place + 1} of the request makes no sense: {wrong}.", field=f"cells[{place}]"
            )


def _what_is_wrong(cell: Any) -> str | None:
    if not isinstance(cell, dict):
        return "it is no object"
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        return "its cell_type is not code, markdown or raw"
    if not isinstance(cell.get("source"), str):
        return "its source is no text"
    if not isinstance(cell.get("metadata"), dict):
        return "its metadata is no object"
    if "id" in cell and not (isinstance(cell["id"], str) and cell["id"]):
        return "its id is no text"
    return None
