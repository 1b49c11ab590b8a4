"""The generated notebooks of the benchmarks are valid, runnable and always the same."""

from __future__ import annotations

import runpy
import subprocess
import sys

import nbformat
import pytest


@pytest.fixture(scope="module")
def script(root):
    return root / "benchmarks" / "notebooks" / "make_diamond.py"


@pytest.fixture(scope="module")
def generator(script):
    return runpy.run_path(str(script))


def test_writes_the_same_bytes_each_time(script, tmp_path):
    for folder in ("first", "second"):
        subprocess.run([sys.executable, script, tmp_path / folder], check=True)
    for name in ("diamond.ipynb", "long.ipynb"):
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        nbformat.validate(nbformat.read(first, as_version=nbformat.NO_CONVERT))
        assert first.read_bytes() == second.read_bytes()


def test_diamond_has_the_steps_asked_for(generator):
    notebook = generator["diamond"](steps=40, milliseconds=10)
    assert len(_step_names(notebook)) == 40
    namespace = _execute(generator["diamond"](steps=5, milliseconds=0))
    assert namespace["parts"] == [2, 3, 4]
    assert namespace["total"] == 9


def test_long_notebook_has_the_cells_asked_for_and_runs(generator):
    assert len(generator["long_notebook"](1000)["cells"]) == 1000
    namespace = _execute(generator["long_notebook"](30))
    assert 0 < namespace["score_002"] <= 1


def test_wrong_sizes_are_refused(generator):
    with pytest.raises(ValueError, match="at least 3 steps"):
        generator["diamond"](steps=2)
    with pytest.raises(ValueError, match="multiple of 10"):
        generator["long_notebook"](15)


def _step_names(notebook):
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])]
    return {tag for tag in tags if tag.startswith("step:")}


def _execute(notebook):
    namespace = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
    return namespace
