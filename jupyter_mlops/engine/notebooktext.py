"""A notebook as the text of its file, laid out as Jupyter does, without the slow import of nbformat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["notebook_text"]

_TRANSIENT = ("orig_nbformat", "orig_nbformat_minor", "signature")


def notebook_text(notebook: Mapping[str, Any]) -> str:
    """Return the text of a notebook's file; the notebook is not validated."""
    metadata = {key: value for key, value in notebook["metadata"].items() if key not in _TRANSIENT}
    laid_out = {**notebook, "cells": [_cell(cell) for cell in notebook["cells"]], "metadata": metadata}
    return json.dumps(laid_out, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": ")) + "\n"


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in cell.get("metadata", {}).items() if key != "trusted"}
    laid_out = {**cell, "metadata": metadata, "source": _lines(cell.get("source", ""))}
    if "attachments" in cell:
        laid_out["attachments"] = {name: _bundle(item) for name, item in cell["attachments"].items()}
    if cell["cell_type"] == "code":
        laid_out["outputs"] = [_output(item) for item in cell.get("outputs", ())]
    return laid_out


def _output(output: Mapping[str, Any]) -> dict[str, Any]:
    kind = output.get("output_type")
    if kind in ("execute_result", "display_data"):
        return {**output, "data": _bundle(output.get("data", {}))}
    if kind == "stream":
        return {**output, "text": _lines(output.get("text", ""))}
    return dict(output)


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    return {mime: _lines(value) if _is_text(mime) else value for mime, value in data.items()}


def _is_text(mime: str) -> bool:
    return mime.startswith("text/") or mime in ("application/javascript", "image/svg+xml")


def _lines(text: Any) -> Any:
    return text.splitlines(True) if isinstance(text, str) else text
