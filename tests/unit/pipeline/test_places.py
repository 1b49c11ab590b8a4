"""Places in words."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.places import cell_place, source_line

NOTEBOOK = Notebook(
    Path("churn.ipynb"),
    "churn",
    (
        Cell("text", 0, "markdown", "# Churn", role="text"),
        Cell("imports", 1, "code", "import pandas", role="imports"),
        Cell("first", 2, "code", "a = 1"),
        Cell("train", 3, "code", "b = a\nc = b", step="train forest"),
        Cell("more", 4, "code", "d = c"),
    ),
)


def test_cells_are_counted_from_one_over_all_cells() -> None:
    assert cell_place(NOTEBOOK, "train", 2) == "cell 4 (train forest), line 2"
    assert cell_place(NOTEBOOK, "more") == "cell 5 (train forest)"
    assert cell_place(NOTEBOOK, "imports", 1) == "cell 2 (imports), line 1"
    assert cell_place(NOTEBOOK, "text") == "cell 1"


def test_the_pipeline_knows_the_step_better_than_the_tags() -> None:
    pipeline = Pipeline("churn", None, "python3", (), (Step("start", "start", ("first",)),), (), ())
    assert cell_place(NOTEBOOK, "first") == "cell 3"
    assert cell_place(NOTEBOOK, "first", None, pipeline) == "cell 3 (start)"


def test_no_cell_is_no_place() -> None:
    assert cell_place(NOTEBOOK, None) == ""
    assert cell_place(NOTEBOOK, "gone", 3) == ""


def test_source_line() -> None:
    assert source_line(NOTEBOOK, "train", 2) == "c = b"
    assert source_line(NOTEBOOK, "train", 3) is None
    assert source_line(NOTEBOOK, "train", None) is None
    assert source_line(NOTEBOOK, None, 1) is None
