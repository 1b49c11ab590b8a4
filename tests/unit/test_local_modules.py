"""Modules of the project: calls into them are as harmless as their source shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.environment import environment_of
from jupyter_mlops.local_modules import look_at
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.slicer import slice_notebook

PURE = "def double(x):\n    return 2 * x\n"
COUNTS = "n = 0\nrows = []\ndef bump():\n    global n\n    n += 1\n"
COLLECTS = "rows = []\ndef put(x):\n    rows.append(x)\n"
WRITES = "def keep(x):\n    with open('x.txt', 'w') as f:\n        f.write(str(x))\n"


def sliced(folder: Path, *sources: str) -> Pipeline:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": [f"step:s{number}"]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    notebook = parse_notebook(raw, folder / "nb.ipynb")
    return slice_notebook(notebook, environment_of(notebook))


@pytest.mark.parametrize(
    ("source", "keeps_state", "touches_files"),
    [
        (PURE, False, False),
        (COUNTS, True, False),
        (COLLECTS, True, False),
        (WRITES, False, True),
        ("def f(:", True, True),
    ],
)
def test_the_source_tells(tmp_path: Path, source: str, keeps_state: bool, touches_files: bool) -> None:
    path = tmp_path / "helper.py"
    path.write_text(source, encoding="utf-8")
    found = look_at(path)
    assert (found.keeps_state, found.touches_files) == (keeps_state, touches_files)


def test_a_pure_helper_leaves_branches_apart(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(PURE, encoding="utf-8")
    pipeline = sliced(tmp_path, "import helper\nx = 1", "a = helper.double(x)", "b = helper.double(x)")
    assert {(edge.source, edge.target) for edge in pipeline.edges} == {("s0", "s1"), ("s0", "s2")}
    assert not [item for item in pipeline.diagnostics if item.severity == "error"]


def test_a_helper_that_writes_keeps_the_order(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text(WRITES, encoding="utf-8")
    pipeline = sliced(tmp_path, "import helper", "helper.keep(1)", "print(open('x.txt').read())")
    assert ("s1", "s2") in {(edge.source, edge.target) for edge in pipeline.edges}


@pytest.mark.parametrize(
    "sources",
    [
        ("import helper", "helper.bump()", "print(helper.n)"),
        ("import helper\nhelper.rows.append(1)", "from helper import bump\nbump()", "print(helper.n)"),
        ("import helper", "helper.n = 5", "helper.bump()\nprint(helper.n)"),
    ],
)
def test_state_of_a_module_is_told(tmp_path: Path, sources: tuple[str, ...]) -> None:
    (tmp_path / "helper.py").write_text(COUNTS, encoding="utf-8")
    pipeline = sliced(tmp_path, *sources)
    told = "MLO050" in {item.code for item in pipeline.diagnostics}
    replayed = any("helper.n = 5" in snippet.source for step in pipeline.steps for snippet in step.replay)
    assert told or replayed


def test_an_import_for_its_side_effect_is_replayed(tmp_path: Path) -> None:
    pipeline = sliced(
        tmp_path,
        "from sklearn.experimental import enable_iterative_imputer",
        "from sklearn.impute import IterativeImputer",
    )
    assert "enable_iterative_imputer" in pipeline.step("s1").replay[0].source
