"""The tool that tries ``verify`` on folders of notebooks, tried on two tiny ones."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).with_name("compare_folder.py")
    spec = importlib.util.spec_from_file_location("compare_folder", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_folder"] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


def notebook(*cells: str) -> dict[str, Any]:
    """Cells that begin with ``#`` and a blank are Markdown."""
    made = []
    for number, source in enumerate(cells):
        cell: dict[str, Any] = {"id": f"c{number}", "metadata": {}, "source": source}
        if source.startswith("# "):
            cell["cell_type"] = "markdown"
        else:
            cell |= {"cell_type": "code", "execution_count": None, "outputs": []}
        made.append(cell)
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def tags(raw: dict[str, Any]) -> list[list[str]]:
    return [cell["metadata"].get("tags") for cell in raw["cells"] if cell["cell_type"] == "code"]


def test_the_cells_under_a_heading_are_a_step(tool: ModuleType) -> None:
    raw = notebook("import os", "# One", "a = 1", "b = 2", "# Two", "c = 3")
    assert tags(tool.tagged(raw)) == [[], ["step:s1"], ["step:s1"], ["step:s2"]]
    assert tags(tool.tagged(raw, "cell")) == [["step:s1"], ["step:s2"], ["step:s3"], ["step:s4"]]
    assert tags(raw) == [None, None, None, None]


def test_a_comment_in_fenced_code_is_no_heading(tool: ModuleType) -> None:
    raw = notebook("# Before\n", "a = 1", "# x", "b = 2")
    raw["cells"][2]["source"] = "Like this:\n```\n# a comment\n```\n"
    assert tags(tool.tagged(raw)) == [["step:s1"], ["step:s1"]]


def test_a_cell_that_raised_when_it_was_saved_may_raise(tool: ModuleType) -> None:
    raw = notebook("# One", "1 / 0")
    raw["cells"][1]["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]
    assert tags(tool.tagged(raw)) == [["step:s1", "raises-exception"]]


@pytest.mark.kernel
def test_a_folder_gets_a_table(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "data.txt").write_text("5", encoding="utf-8")
    good = notebook("# One", "n = int(open('data.txt').read())", "# Two", "print(n + 1)")
    bad = notebook("# One", "n = 1", "import nothing_of_this_name", "# Two", "print(n)")
    told = notebook("# One", "n = (", "# Two", "print(n)")
    for name, raw in {"deep/good": good, "bad": bad, "told": told}.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(raw), encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    code = tool.main([str(folder), "--out", str(tmp_path / "table.md"), "--timeout", "60"])

    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "3 notebooks: 1 equal, 1 told, 1 whole fails."
    rows = {line.split(" | ")[0].strip("| "): line for line in lines[4:]}
    assert "| fails | whole fails |" in rows["bad.ipynb"] and "nothing_of_this_name" in rows["bad.ipynb"]
    assert "| ok | equal |" in rows["deep/good.ipynb"]
    assert "| told |" in rows["told.ipynb"] and "MLO001" in rows["told.ipynb"]
    assert code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "deep/good.ipynb: equal" in capsys.readouterr().err

    (row,) = tool.compare_folder(folder, timeout=60, only=["bad*"], cut_failing=True)
    assert (row.verdict, row.cut) == ("equal", 1)


def test_what_is_bad_stands_out(tool: ModuleType) -> None:
    rows = [tool.Row("a.ipynb", verdict="equal"), tool.Row("b.ipynb", verdict="different", details="x | y")]
    lines = tool.table(rows).splitlines()
    assert lines[0] == "2 notebooks: 1 equal, 1 different."
    assert lines[4].startswith("| a.ipynb |") and "**" not in lines[4]
    assert "**different**" in lines[5] and "x \\| y" in lines[5]


def test_a_verification_that_never_ends_is_a_hang(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "_SLACK", 1)
    monkeypatch.setattr(tool, "__file__", str(tmp_path / "sleeps.py"))
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.ipynb").write_text(json.dumps(notebook("# One", "a = 1")), encoding="utf-8")
    (row,) = tool.compare_folder(tmp_path / "folder", timeout=0.1)
    assert (row.verdict, row.details) == ("hang", "last seen: reading and slicing")
