"""What an estimator was fitted with is told exactly where the code says it, and as the step's inputs otherwise."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from jupyter_mlops.engine.training import training_of
from jupyter_mlops.store.records import ArtifactRecord

X = ArtifactRecord("load.X", "value", ("X",), "1" * 64)
Y = ArtifactRecord("load.y", "value", ("y", "z"), "2" * 64)
FILE = ArtifactRecord("file:a.csv", "file", ("a.csv",), "3" * 64)
STATE = ArtifactRecord("load.state:rng", "state", ("rng:numpy",), "4" * 64)


def model(*, fitted: bool = True) -> ArtifactRecord:
    about = {"schema": {"estimator": {"class": "C", "fitted": fitted}}}
    return ArtifactRecord("train.model", "value", ("model",), "5" * 64, members={"model": about})


def training(code: str, changed: tuple[str, ...] = (), **options: Any) -> dict[str, Any]:
    found = training_of([model(**options)], [X, Y, FILE, STATE], [ast.parse(code)], changed)
    return found.get("model", {})


@pytest.mark.parametrize(
    "code",
    [
        "model = Forest(3).fit(X, y)",
        "model = Forest(3)\nmodel.fit(X, y=y)",
        "model = make_pipeline(Scale(), Forest())\nwith timer():\n    model.fit(X, y)\nscore = scores(model, X, y)",
        "model = Forest()\nmodel = model.fit(X, y)",
    ],
)
def test_arguments_that_are_artifacts(code: str) -> None:
    found = training(code)
    assert (found["known"], found["arguments"]) == ("exactly", ["X", "y"])
    assert [(item["name"], item["digest"], item["artifact"]) for item in found["data"]] == [
        ("X", X.digest, "load.X"),
        ("y", Y.digest, "load.y"),
    ]


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("a, b = split(X)\nmodel = Forest().fit(a, y)", ["a", "y"]),
        ("X = X.dropna()\nmodel = Forest().fit(X, y)", ["X", "y"]),
        ("model = Forest().fit(X[['a']], y)", ["X[['a']]", "y"]),
        ("model = train(X, y)", None),
        ("model = Forest()\nhelper(model, X)\nmodel.fit(X, y)", None),
        ("model = Forest()\nother = model\nother.fit(Z)\nmodel.fit(X, y)", None),
        ("model.fit(X, y)\nmodel.fit(Z, y)", None),
        ("def f(model):\n    model.fit(X, y)\nf(model)", None),
    ],
)
def test_anything_else_is_the_inputs_of_the_step(code: str, arguments: list[str] | None) -> None:
    found = training(code)
    assert found["known"] == "inputs"
    assert found.get("arguments") == arguments
    assert [item["name"] for item in found["data"]] == ["X", "y, z", "a.csv"]


def test_what_the_step_changes_is_not_what_it_took() -> None:
    assert training("model = Forest().fit(X, y)", changed=("X",))["known"] == "inputs"


def test_what_is_not_fitted_has_seen_no_data() -> None:
    assert training("model = Forest()", fitted=False) == {}
