from __future__ import annotations

import collections

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.runtime.describe import describe, preview, schema, type_name


class Slow:
    def __repr__(self):
        raise AssertionError("the user's code must not run")

    __str__ = __getattr__ = __len__ = __iter__ = __repr__


CASES = [
    (1, "1"),
    (0.95, "0.95"),
    (None, "None"),
    ("text", "'text'"),
    (10**5000, "an integer of 16610 bits"),
    (np.float64(0.95), "0.95"),
    ([1, "a", None], "[1, 'a', None]"),
    ((1,), "(1,)"),
    (list(range(100)), "[0, 1, 2, 3, 4, 5, … 100 in all]"),
    ({"a": [1, {"b": (2,)}]}, "{'a': [1, {'b': (…)}]}"),
    ({1}, "{1}"),
    ([Slow()], "[Slow]"),
    (Slow(), "Slow object"),
    (np.zeros((2, 3)), "ndarray float64 2 × 3"),
    (np.array(1.5), "ndarray float64 1.5"),
    (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "DataFrame 2 × 2"),
    (pd.Series([1.0]), "Series float64 1"),
    (pd.RangeIndex(3), "RangeIndex int64 3"),
    (lambda x, *, y: x, "function <lambda>(x, y)"),
    (Slow, "class Slow"),
    (np, "module numpy"),
]


@pytest.mark.parametrize(("value", "text"), CASES, ids=[text for _, text in CASES])
def test_previews(value, text):
    assert preview(value) == text


def test_estimators_show_what_was_set():
    ensemble = pytest.importorskip("sklearn.ensemble")
    assert preview(ensemble.RandomForestClassifier()) == "RandomForestClassifier()"
    shown = preview(ensemble.RandomForestClassifier(50, random_state=0))
    assert shown == "RandomForestClassifier(n_estimators=50, random_state=0)"


def test_figures():
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(4, 3), dpi=100)
    figure.subplots(1, 2)
    assert preview(figure) == "Figure 400 × 300, 2 axes"


def test_previews_are_short_and_of_one_line():
    assert len(preview("x" * 10**6)) <= 200
    assert "\n" not in preview({"a\nb": "c\n" * 50})


def test_types_are_named_as_people_import_them():
    assert type_name(int) == "int"
    assert type_name(type(None)) == "NoneType"
    assert type_name(collections.OrderedDict) == "collections.OrderedDict"
    assert type_name(pd.DataFrame) == "pandas.DataFrame"
    assert type_name(np.ndarray) == "numpy.ndarray"
    assert type_name(Slow).endswith(".Slow")
    ensemble = pytest.importorskip("sklearn.ensemble")
    assert type_name(ensemble.RandomForestClassifier) == "sklearn.ensemble.RandomForestClassifier"


def test_schemas():
    frame = pd.DataFrame({"a": [1], "b": ["x"], 3: [0.5]})
    assert schema(frame) == {
        "columns": {"a": "int64", "b": str(frame["b"].dtype), "3": "float64"},
        "rows": 1,
        "more_columns": 0,
    }
    wide = schema(pd.DataFrame(np.zeros((1, 300))))
    assert wide is not None
    assert len(wide["columns"]) == 200
    assert wide["more_columns"] == 100
    assert schema(np.zeros((2, 3), "i4")) == {"dtype": "int32", "shape": [2, 3]}
    assert schema(5) is None


def test_polars_and_arrow():
    frame = pytest.importorskip("polars").DataFrame({"a": [1, 2]})
    assert describe(frame) == {
        "type": "polars.DataFrame",
        "preview": "DataFrame 2 × 1",
        "schema": {"columns": {"a": "Int64"}, "rows": 2, "more_columns": 0},
    }
    table = pytest.importorskip("pyarrow").table({"a": [1, 2]})
    assert preview(table) == "Table 2 × 1"
    assert schema(table) == {"columns": {"a": "int64"}, "rows": 2, "more_columns": 0}
