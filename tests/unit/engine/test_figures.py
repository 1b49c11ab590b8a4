"""Figures are taken from an executed notebook, within limits; equal ones are one object."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine import figures
from jupyter_mlops.engine.figures import figures_of, is_figure
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.objects import ObjectStore

STEP = Step("Plot", "plot", ("a", "b"))
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480)


def notebook() -> Notebook:
    cells = tuple(Cell(name, place, "code", "", ()) for place, name in enumerate(("md", "a", "b")))
    return Notebook(None, "demo", cells, raw={})


def shown(data: dict[str, Any], kind: str = "display_data") -> dict[str, Any]:
    return {"output_type": kind, "data": data, "metadata": {}}


def png(content: bytes = PNG) -> dict[str, Any]:
    return shown({"image/png": base64.b64encode(content).decode() + "\n", "text/plain": "<Figure>"})


def executed(*outputs: dict[str, Any], **more: list[dict[str, Any]]) -> dict[str, Any]:
    cells = {"other": [png()], "a": list(outputs), **more}
    return {"cells": [{"id": name, "cell_type": "code", "outputs": found} for name, found in cells.items()]}


def kept(tmp_path: Path, content: dict[str, Any]) -> tuple[list[Any], str | None]:
    records, note = figures_of(content, notebook(), STEP, ObjectStore(tmp_path))
    return list(records), note


def test_each_output_is_one_picture(tmp_path: Path) -> None:
    plotly = {"application/vnd.plotly.v1+json": {"data": [], "layout": {}}, "text/html": "<div>Plotly.newPlot</div>"}
    content = executed(
        png(),
        shown({"image/svg+xml": ["<svg>", "</svg>"], "image/png": base64.b64encode(PNG).decode()}),
        shown(plotly, "execute_result"),
        shown({"text/html": "<script>Plotly.newPlot('x')</script>"}),
        shown({"text/html": "<table></table>"}),
        shown({"text/plain": "3"}),
        {"output_type": "stream", "name": "stdout", "text": "x"},
        b=[png()],
    )
    records, note = kept(tmp_path, content)
    assert note is None
    assert [item.type for item in records] == [
        "image/png",
        "image/svg+xml",
        "application/vnd.plotly.v1+json",
        "text/html",
        "image/png",
    ]
    assert [item.names[0] for item in records][:2] == ["figure 1 of cell 2", "figure 2 of cell 2"]
    assert records[-1].names == ("figure of cell 3",) and records[-1].id == "plot.figure:b:1"
    assert records[0].digest == records[-1].digest, "equal pictures are one object"
    assert records[0].preview == "PNG 640 × 480"
    objects = ObjectStore(tmp_path)
    assert objects.path(records[0].digest).read_bytes() == PNG
    assert objects.path(records[1].digest).read_text() == "<svg></svg>"
    assert all(is_figure(item) and item.kind == "figure" for item in records)


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    content = executed(shown({"image/png": "é"}), shown({"image/png": 3}), shown({"image/svg+xml": ""}))
    assert kept(tmp_path, content) == ([], None)
    assert kept(tmp_path, {}) == ([], None)


def test_many_and_large_ones_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST", 2)
    monkeypatch.setattr(figures, "LARGEST", 100)
    content = executed(png(PNG + b"x" * 200), *(png(PNG + bytes([n])) for n in range(4)))
    records, note = kept(tmp_path, content)
    assert [item.names[0] for item in records] == ["figure 2 of cell 2", "figure 3 of cell 2"]
    assert note == "3 of its figures are in the executed notebook alone: too many, or too large"
