"""Lines that are for the live notebook have no part in the pipeline, whether the notebook has tags or none."""

import json
from pathlib import Path

import pytest

from jupyter_mlops.api import pipeline
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.steps.notebook import step_notebook


def parsed(*cells: tuple[str, str], path: Path | None = None):
    made = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {"tags": tags.split()}, "source": source, "outputs": []}
        | {"execution_count": None}
        for n, (tags, source) in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return parse_notebook({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": made}, path)


TAGGED = (
    ("", "# For the live notebook\n%load_ext jupyter_mlops"),
    ("imports", "import math\n%load_ext jupyter_mlops"),
    ("step:a", "x = math.pi"),
    ("", "%mlops load b"),
    ("step:b", "r = %mlops runs\nprint(x)\n%mlops run"),
)


def test_they_make_no_step_and_no_diagnostic() -> None:
    found = pipeline(parsed(*TAGGED))
    assert [step.slug for step in found.steps] == ["a", "b"]
    assert found.diagnostics == ()
    assert (found.step("b").inputs, found.step("b").hidden) == (("x",), ())


@pytest.mark.parametrize("cells", [TAGGED, tuple(("", source) for _, source in TAGGED)])
def test_no_kernel_sees_them(cells) -> None:
    source = parsed(*cells)
    found = pipeline(source)
    for step in found.steps:
        text = json.dumps(step_notebook(found, step, source.raw))
        assert "mlops run" not in text and "load_ext" not in text and "%mlops" not in text
    assert "%mlops run" in json.dumps(dict(source.raw))


def test_what_is_asked_of_the_store_may_be_another_answer_next_time() -> None:
    found = pipeline(
        parsed(
            ("imports", "import jupyter_mlops as mlops"),
            ("step:predict", "model = mlops.model('churn@champion')\nsaid = model.predict([[1]])"),
            ("step:show", "print(said)"),
        )
    )
    assert found.step("predict").volatile is not None
    assert found.step("show").volatile is None
