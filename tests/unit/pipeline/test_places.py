"""Places in words."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.places import cell_labels, cell_place, source_line

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


def test_labels_are_the_heading_above_or_the_first_line() -> None:
    sources = [
        ("markdown", "# Train\nwords\n## The forest "),
        ("code", "\nforest = fit()"),
        ("code", "\n# Look at it\nforest"),
        ("markdown", "no heading"),
        ("code", "x = " + "1 + " * 40 + "1"),
        ("code", "\x1b[31m"),
        ("code", "  \n"),
    ]
    cells = tuple(Cell(str(index), index, kind, source) for index, (kind, source) in enumerate(sources))  # type: ignore[arg-type]
    labels = cell_labels(Notebook(None, "nb", cells))
    assert {name: labels[name] for name in "1256"} == {
        "1": "cell 2: The forest",
        "2": "cell 3: Look at it",
        "5": labels["5"],
        "6": "cell 7",
    }
    assert labels["4"].endswith("1 + 1 + 1...") and len(labels["4"]) < 75
    assert "\x1b" not in labels["5"]
