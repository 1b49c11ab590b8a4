"""Outputs go, everything else stays byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_mlops.notebook.stripping import strip_outputs

OUTPUT = {"output_type": "stream", "name": "stdout", "text": ['a "quoted" ]}\n', "é"]}


def a_notebook(outputs: list[Any], count: int | None, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    code = {
        "cell_type": "code",
        "execution_count": count,
        "id": "a",
        "metadata": {"tags": list(tags), "outputs": [1], "execution_count": 3},
        "outputs": outputs,
        "source": '"outputs": [1], "execution_count": 7',
    }
    text = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# é"}
    return {"cells": [text, code, {**code, "id": "c"}], "metadata": {"x": 1}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("sort", [True, False])
def test_all_else_stays(indent: Any, ascii_only: bool, sort: bool) -> None:
    def text(outputs: list[Any], count: int | None) -> str:
        content = a_notebook(outputs, count)
        return "\ufeff" + json.dumps(content, indent=indent, ensure_ascii=ascii_only, sort_keys=sort) + "\r\n"

    clean = text([], None)
    assert strip_outputs(text([OUTPUT, OUTPUT], 12)) == clean
    assert strip_outputs(clean) is clean or strip_outputs(clean) == clean


def test_a_cell_may_keep_its_outputs() -> None:
    text = json.dumps(a_notebook([OUTPUT], 3, ("keep_output",)))
    assert strip_outputs(text) == text
