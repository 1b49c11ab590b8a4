"""Estimators are described by what they are, in bounded size, without running code of the user's."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.runtime.describe import describe, schema
from jupyter_mlops.runtime.estimators import describe_estimator

pytest.importorskip("sklearn")

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
Y = np.where(X["a"] > 0, "yes", "no")


def test_a_fitted_forest():
    found = schema(RandomForestClassifier(5, random_state=0).fit(X, Y))["estimator"]
    assert found["class"] == "sklearn.ensemble.RandomForestClassifier"
    assert (found["parameters"]["n_estimators"], found["parameters"]["random_state"]) == (5, 0)
    assert found["fitted"] is True
    assert found["features"] == 3
    assert found["feature_names"] == ["a", "b", "c"]
    assert found["classes"] == ["no", "yes"]


def test_what_is_not_fitted_says_so():
    for value in (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())):
        found = schema(value)["estimator"]
        assert found["fitted"] is False
        assert not {"classes", "features", "feature_names"} & set(found)


def test_pipelines_searches_and_nested_steps():
    inner = ColumnTransformer([("scale", StandardScaler(with_mean=False), ["a"])], remainder="passthrough")
    pipe = Pipeline([("columns", inner), ("model", LogisticRegression(C=0.5))])
    found = schema(pipe.fit(X, Y))["estimator"]
    assert found["parameters"]["steps.model__C"] == 0.5
    assert found["parameters"]["steps.columns__transformers.scale__with_mean"] is False
    assert found["fitted"] is True and found["classes"] == ["no", "yes"] and found["feature_names"] == ["a", "b", "c"]
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    found = schema(search)["estimator"]
    assert found["best_parameters"] in ({"C": 0.1}, {"C": 1.0})
    assert found["parameters"]["estimator"] == "LogisticRegression" and found["parameters"]["estimator__C"] == 1.0
    assert found["classes"] == ["no", "yes"]


def test_size_is_bounded_and_everything_is_json():
    wide = pd.DataFrame(np.zeros((4, 3000)), columns=[f"column {n}" for n in range(3000)])
    found = schema(LogisticRegression().fit(wide, [0, 1, 0, 1]))["estimator"]
    assert len(found["feature_names"]) == 200 and found["more_feature_names"] == 2800
    many = Pipeline([(f"s{n}", StandardScaler()) for n in range(400)])
    found = schema(many)["estimator"]
    assert len(found["parameters"]) == 300 and found["more_parameters"] > 0
    assert len(json.dumps(found, allow_nan=False)) < 40_000


def test_odd_parameters():
    value = LogisticRegression(C=float("nan"), class_weight={"api_key": "x", "yes": 1.0}, solver="x" * 1000)
    value.tol = np.float64(0.5)
    found = describe_estimator(value)["parameters"]
    assert (found["C"], found["tol"]) == ("nan", 0.5)
    assert found["class_weight"] == "{'api_key': '[redacted]', 'yes': 1.0}"
    assert len(found["solver"]) == 200
    json.dumps(found, allow_nan=False)


class Secretive(BaseEstimator):
    def __init__(self, password="hunter2", depth=3, inner=None):
        self.password, self.depth, self.inner = password, depth, inner


class Broken(Secretive):
    def get_params(self, deep=True):
        raise RuntimeError("no")

    @property
    def classes_(self):
        raise RuntimeError("no")


def test_secrets_are_redacted_and_errors_of_the_class_do_no_harm():
    assert describe_estimator(Secretive())["parameters"] == {"depth": 3, "inner": None, "password": "[redacted]"}
    found = describe(Broken())
    assert found["schema"]["estimator"]["parameters"] == {"password": "[redacted]", "depth": 3, "inner": None}
    assert found["schema"]["estimator"]["fitted"] is False


def test_an_estimator_within_itself_comes_to_an_end():
    value = Secretive()
    value.inner = value
    assert describe_estimator(value)["parameters"]["inner"] == "Secretive"


def test_classes_of_the_notebook_are_looked_at_and_not_asked():
    def told(self, deep=True):
        raise AssertionError("the user's code must not run")

    told.__module__ = "__main__"
    cls = type("Mine", (Secretive,), {"__module__": "__main__", "get_params": told})
    assert describe_estimator(cls())["parameters"]["depth"] == 3
