"""Proposed tags: what becomes of each cell, and that the result is always a valid pipeline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from building import raw_notebook
from hypothesis import given, settings
from programs import notebooks

from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.placement import place
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.pipeline.suggest import Suggestion, suggest

Page = Sequence[tuple[str, str]]
SKLEARN = """
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
"""
LOAD = "df = pd.read_csv('people.csv')\nX, y = df[['age', 'income']], df['left']"
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)"


def page(*cells: tuple[str, str]) -> Notebook:
    """A notebook of (tags, source); ``#`` stands for a markdown cell."""
    raw = raw_notebook([("" if tags == "#" else tags, source) for tags, source in cells])
    for cell, (tags, _) in zip(raw["cells"], cells, strict=True):
        if tags == "#":
            cell["cell_type"] = "markdown"
            del cell["outputs"], cell["execution_count"]
    return parse_notebook(raw)


def added(suggestion: Suggestion) -> list[tuple[str, ...]]:
    return [cell.add for cell in suggestion.cells]


def grouped(suggestion: Suggestion) -> list[list[int]]:
    """Cell numbers, step by step."""
    return [[cell.number for cell in suggestion.cells if cell.step == step] for step in suggestion.steps]


def with_tags(notebook: Notebook, suggestion: Suggestion) -> Notebook:
    cells: list[dict[str, Any]] = [dict(cell) for cell in notebook.raw["cells"]]
    for number, tags in suggestion.tags.items():
        metadata = cells[number]["metadata"]
        cells[number]["metadata"] = {**metadata, "tags": [*metadata.get("tags", []), *tags]}
    return parse_notebook({**notebook.raw, "cells": cells})


# --- the examples, as their authors have cut them ---------------------------------------------------------------------


def example(root: Path, name: str, *, headings: bool) -> tuple[list[int], Notebook]:
    """First cells of the author's steps, and the notebook without tags."""
    raw = json.loads((root / "examples" / f"{name}.ipynb").read_text(encoding="utf-8"))
    if not headings:
        raw["cells"] = [cell for cell in raw["cells"] if cell["cell_type"] == "code"]
    starts = [step.cells[0] for step in place(parse_notebook(raw)).steps]
    for cell in raw["cells"]:
        cell["metadata"].pop("tags", None)
    return starts, parse_notebook(raw)


@pytest.mark.parametrize(("name", "merged"), [("breast_cancer", 0), ("diabetes", 0), ("digits", 1)])
def test_examples_are_cut_where_their_authors_cut_them(name: str, merged: int, root: Path) -> None:
    starts, notebook = example(root, name, headings=True)
    suggestion = suggest(notebook)
    assert suggestion.valid
    proposed = [cells[0] - 1 for cells in grouped(suggestion)]
    assert proposed == starts[: len(starts) - merged]  # the metrics of the last one stay with the evaluation
    assert [cell.add for cell in suggestion.cells][:2] == [("imports",), ("parameters",)]
    assert any("metrics" in cell.add for cell in suggestion.cells)
    assert len(slice_notebook(with_tags(notebook, suggestion)).edges) >= len(suggestion.steps) - 2


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_examples_without_headings_are_cut_by_the_flow(name: str, root: Path) -> None:
    starts, notebook = example(root, name, headings=False)
    suggestion = suggest(notebook)
    assert suggestion.valid
    proposed = {cells[0] - 1 for cells in grouped(suggestion)}
    assert len(proposed & set(starts)) >= len(starts) * 0.6
    assert {"load", "split", "evaluate"} <= set(suggestion.steps)


def test_names_of_models_tell_trainings_apart(root: Path) -> None:
    _, notebook = example(root, "breast_cancer", headings=False)
    suggestion = suggest(notebook)
    assert suggestion.steps == ("load", "split", "train forest", "train logistic", "evaluate")
    (logistic,) = [cell for cell in suggestion.cells if cell.add == ("step:train logistic",)]
    assert logistic.reason == "trains; takes X_train, y_train; gives logistic; can run beside train forest"


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        ("import numpy as np\nimport math", "imports"),
        ("%matplotlib inline\nimport numpy as np\nnp.random.seed(1)", "imports"),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None", "imports"),
        ("import sys\nassert sys.version_info > (3, 5)", "imports"),
        ("def double(x):\n    return 2 * x", "functions"),
        ("import math\nclass A:\n    pass\ndef b(): ...", "functions"),
        ("n = 3\nname = 'x'", "parameters"),
        ("n: float = -0.5", "parameters"),
    ],
)
def test_roles(source: str, tag: str) -> None:
    use = "used = [n * i for i in range(3)]" if tag == "parameters" else "used = [i for i in range(3)]"
    suggestion = suggest(page(("", source), ("", use), ("", "print([u + 1 for u in used])")))
    assert added(suggestion)[0] == (tag,)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\ndata = np.loadtxt('a.csv')",
        "n = 3\nm = n + 1",
        "unused = 1",
        "rows = []",
        "def f(x): return x\ny = f(2)",
    ],
)
def test_cells_that_do_work_have_no_role(source: str) -> None:
    suggestion = suggest(page(("", source), ("", "rows = [1]\nrows.append(2)\nprint(rows)")))
    assert [tag for tag in added(suggestion)[0] if not tag.startswith("step:")] == []


def test_what_is_changed_later_is_no_parameter() -> None:
    notebook = page(("", "total = 0"), ("", "for i in range(3):\n    total += i"), ("", "print(total)"))
    assert "parameters" not in [tag for tags in added(suggest(notebook)) for tag in tags]


def test_only_the_first_literals_are_parameters_further_constants_are_replayed() -> None:
    notebook = page(
        ("", "n = 3"), ("", "sizes = (1, 2)"), ("", "a = [n * i for i in sizes]"), ("", "print(a, n, sizes)")
    )
    assert added(suggest(notebook))[:2] == [("parameters",), ("setup",)]


# --- metrics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "is_metric"),
    [
        ("ratio = accuracy_score(y_test, model.predict(X_test))", True),
        ("quality = model.score(X_test, y_test)", True),
        ("rmse = float(((y_test - model.predict(X_test)) ** 2).mean() ** 0.5)", True),
        ("f1 = {name: 1 / len(name) for name in ('a', 'b')}", True),
        ("wrong = model.predict(X_test) != y_test", False),
        ("best_score = 0.0", False),
        ("scores = []\nfor i in range(3):\n    scores.append(model.score(X_test, y_test))", False),
        ("score_table = pd.DataFrame({'a': [1]})", False),
        ("n = 1 + len(X_test)\nm = n * 2\naccuracy = m / n", False),
    ],
)
def test_metrics(source: str, is_metric: bool) -> None:
    cells = ("", SKLEARN), ("", LOAD), ("", SPLIT), ("", "model = LogisticRegression().fit(X_train, y_train)")
    suggestion = suggest(page(*cells, ("", source)))
    assert suggestion.valid
    assert ("metrics" in added(suggestion)[-1]) is is_metric


def test_of_cells_that_bind_the_same_metric_the_last_one_counts() -> None:
    cells = ("", SKLEARN), ("", LOAD), ("", SPLIT), ("", "a = LogisticRegression().fit(X_train, y_train)")
    score = "accuracy = a.score({}, {})"
    suggestion = suggest(
        page(
            *cells,
            ("", score.format("X_train", "y_train")),
            ("", "print(accuracy)"),
            ("", score.format("X_test", "y_test")),
        )
    )
    assert ["metrics" in tags for tags in added(suggestion)] == [False] * 6 + [True]


# --- steps by headings ------------------------------------------------------------------------------------------------


def test_headings_bound_and_name_the_steps() -> None:
    notebook = page(
        ("#", "# People who leave"),
        ("", SKLEARN),
        ("#", "## 1. Load the data"),
        ("", LOAD),
        ("", "df.describe()"),
        ("#", "Some words.\n\n## 2. Train the model"),
        ("", SPLIT + "\nmodel = LogisticRegression().fit(X_train, y_train)"),
        ("#", "### A detail"),
        ("", "weights = model.coef_.tolist()\nprint([w * 2 for w in weights])"),
        ("#", "## 3. Evaluate"),
        ("", "accuracy = model.score(X_test, y_test)"),
    )
    suggestion = suggest(notebook)
    assert suggestion.steps == ("load the data", "train the model", "evaluate")
    assert grouped(suggestion) == [[4, 5], [7, 9], [11]]
    assert added(suggestion)[-1] == ("step:evaluate", "metrics")
    assert suggestion.cells[1].reason == 'heading "1. Load the data"; gives X, y'


def test_a_section_that_trains_several_things_is_cut_between_them() -> None:
    notebook = page(
        ("", SKLEARN),
        ("#", "# Data"),
        ("", LOAD + "\n" + SPLIT),
        ("#", "# Models"),
        ("", "forest = RandomForestClassifier(random_state=1).fit(X_train, y_train)"),
        ("", "logistic = LogisticRegression().fit(X_train, y_train)"),
        ("#", "# Comparison"),
        ("", "accuracy = {'f': forest.score(X_test, y_test), 'l': logistic.score(X_test, y_test)}"),
    )
    suggestion = suggest(notebook)
    assert suggestion.steps == ("data", "train forest", "train logistic", "comparison")
    pipeline = slice_notebook(with_tags(notebook, suggestion))
    assert "train-forest" not in pipeline.upstream("train-logistic")


def test_equal_headings_get_different_names() -> None:
    cells = [("#", "# Train"), ("", "a = [i for i in range(3)]"), ("#", "# Train"), ("", "b = [i for i in a]")]
    suggestion = suggest(page(*cells, ("#", "# train!"), ("", "print([i for i in b])")))
    assert suggestion.valid
    assert len(set(suggestion.steps)) == 3


def test_there_are_at_most_twelve_steps() -> None:
    cells: list[tuple[str, str]] = [("", "v0 = [x for x in range(9)]")]
    for number in range(1, 40):
        cells += [("#", f"# Part {number} about v{number}"), ("", f"v{number} = [x + 1 for x in v{number - 1}]")]
    for notebook in (page(*cells), page(*[cell for cell in cells if cell[0] != "#"])):
        suggestion = suggest(notebook)
        assert suggestion.valid
        assert 3 <= len(suggestion.steps) <= 12


# --- steps by the flow ------------------------------------------------------------------------------------------------


def test_independent_branches_stay_apart() -> None:
    notebook = page(
        ("", "rows = [v * v for v in range(100)]"),
        ("", "low = [r for r in rows if r < 50]\nlow_mean = sum(low) / len(low)"),
        ("", "high = [r for r in rows if r >= 50]\nhigh_mean = sum(high) / len(high)"),
        ("", "print(low_mean, high_mean)"),
    )
    suggestion = suggest(notebook)
    assert grouped(suggestion) == [[1], [2], [3], [4]]
    assert slice_notebook(with_tags(notebook, suggestion)).upstream("high-mean") == ("rows",)


def test_an_object_that_is_built_up_stays_in_one_step() -> None:
    notebook = page(
        ("", "import pandas as pd"),
        ("", "df = pd.read_csv('x.csv')"),
        ("", "df['a'] = df.b * 2"),
        ("", "df['c'] = df.a + 1"),
        ("", "print([c for c in df.columns])"),
        ("", "df['d'] = df.c + 1"),
        ("", "means = {c: df[c].mean() for c in df}"),
    )
    assert [3, 4, 5, 6] in [cells[:4] for cells in grouped(suggest(notebook))]


@pytest.mark.parametrize("heading", ["## Next", ""])
def test_no_cut_through_two_names_of_an_object_that_changes_on_both_sides(heading: str) -> None:
    notebook = page(
        ("#", "## One"),
        ("", "a = [i for i in range(3)]"),
        ("", "b = a\nb.append(4)\nprint([i for i in b])"),
        ("#", heading),
        ("", "squares = [x * x for x in range(9)]"),
        ("#", heading),
        ("", "a.append(len(squares))\nprint([i for i in a])"),
        ("#", heading and "## Last"),
        ("", "print([i for i in range(3)])\nshown = (a, b, squares)"),
    )
    (owner,) = [cells for cells in grouped(suggest(notebook)) if 3 in cells]
    assert {3, 5, 7} <= set(owner)


def test_what_cannot_be_saved_stays_with_those_who_use_it() -> None:
    notebook = page(
        ("#", "## Numbers"),
        ("", "numbers = (i for i in range(9))"),
        ("#", "## Some"),
        ("", "some = [next(numbers) for _ in range(2)]"),
        ("#", "## Others"),
        ("", "others = [next(numbers) for _ in range(2)]"),
        ("#", "## Sum"),
        ("", "total = sum(v * v for v in some + others)\nprint(total)"),
    )
    suggestion = suggest(notebook)
    assert suggestion.valid
    assert grouped(suggestion) == [[2, 4, 6], [8]]


def test_history_of_the_shell_leaves_one_step() -> None:
    notebook = page(("", "[i for i in range(3)]"), ("", "y = [v for v in _]"), ("", "z = [v for v in y]"))
    suggestion = suggest(notebook)
    assert suggestion.valid
    assert len(suggestion.steps) == 1


# --- what is there already --------------------------------------------------------------------------------------------


def test_tagged_cells_are_left_alone() -> None:
    notebook = page(
        ("parameters", "n = 3"),
        ("", "import math"),
        ("", "rows = [math.sin(v) for v in range(n)]"),
        ("step:mine", "doubled = [v * 2 for v in rows]"),
        ("", "total = sum(doubled)"),
        ("metrics", "accuracy = total / 10"),
        ("skip", "import os"),
    )
    suggestion = suggest(notebook)
    assert added(suggestion) == [(), ("imports",), ("step:rows",), (), (), (), ()]
    assert suggestion.steps == ("rows", "mine", "metrics")


def test_a_cell_of_metrics_is_a_border() -> None:
    notebook = page(
        ("", "rows = [v * v for v in range(9)]"),
        ("metrics", "accuracy = sum(rows) / 10"),
        ("", "more = [r + 1 for r in rows]\nprint([m for m in more])"),
    )
    suggestion = suggest(notebook)
    assert suggestion.valid
    assert grouped(suggestion) == [[1], [2], [3]]


def test_a_complete_notebook_gets_nothing(root: Path) -> None:
    raw = json.loads((root / "examples" / "digits.ipynb").read_text(encoding="utf-8"))
    assert suggest(parse_notebook(raw)).tags == {}


def test_a_proposal_is_complete() -> None:
    notebook = page(("", SKLEARN), ("", LOAD), ("", SPLIT), ("", "model = LogisticRegression().fit(X_train, y_train)"))
    assert suggest(with_tags(notebook, suggest(notebook))).tags == {}


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [[], [("#", "# Words")], [("", "")], [("skip", "x = 1")]])
def test_nothing_to_cut(cells: list[tuple[str, str]]) -> None:
    assert suggest(page(*cells)).valid


def test_errors_that_no_tag_can_mend_are_told() -> None:
    suggestion = suggest(
        page(("", "x = ("), ("", "rows = [i for i in range(3)]"), ("", "print([nobody for _ in rows])"))
    )
    assert not suggestion.valid
    assert len(suggestion.cells) == 3


@given(notebooks())
@settings(max_examples=25)
def test_any_notebook_becomes_a_valid_pipeline(cells: list[tuple[str, str]]) -> None:
    notebook = page(*(("", source) for _, source in cells))
    suggestion = suggest(notebook)
    before = slice_notebook(notebook)
    assert suggestion.valid or has_errors(before.diagnostics)
    assert suggest(notebook) == suggestion
    after = slice_notebook(with_tags(notebook, suggestion))
    assert has_errors(after.diagnostics) is not suggestion.valid
    assert [step.name for step in after.steps] == list(suggestion.steps)
    assert len({step.slug for step in after.steps}) == len(after.steps) <= 12
