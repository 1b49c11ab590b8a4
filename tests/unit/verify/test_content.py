"""Digests of values: equal after a round trip, different after the smallest change."""

from __future__ import annotations

import collections
import copy
import datetime
import decimal
import functools
import math
import pickle
import random
import re
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import uniform
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jupyter_mlops.verify.probe.content import content_of, linked, sharing_of


def digest(value: Any) -> str:
    found = content_of(value).digest
    assert found is not None
    return found


def forest(n_estimators: int = 4) -> RandomForestClassifier:
    features = np.random.RandomState(0).rand(60, 3)
    return RandomForestClassifier(n_estimators, random_state=0).fit(features, features[:, 0] > 0.5)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": [1.0, math.nan, 3.0],
            "text": ["a", None, "c"],
            "day": pd.to_datetime(["2024-01-01", None, "2024-01-03"]).tz_localize("UTC"),
            "kind": pd.Categorical(["u", "v", "u"], ordered=True),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "any": [[1], {"k": 2}, None],
        },
        index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", "n"]),
    )


def steps() -> Any:
    columns = make_column_transformer((OneHotEncoder(), [0]), (StandardScaler(), [1]))
    data = np.array([[0.0, 1.0], [1.0, 2.0], [0.0, 4.0], [1.0, 3.0]])
    return make_pipeline(columns, LogisticRegression()).fit(data, [0, 1, 0, 1])


ROUND_TRIPS: dict[str, Callable[[], Any]] = {
    "forest": forest,
    "pipeline": steps,
    "tfidf": lambda: TfidfVectorizer().fit(["one two", "two three"]),
    "sparse": lambda: TfidfVectorizer().fit_transform(["one two", "two three"]),
    "frame": frame,
    "series": lambda: pd.Series([1, 2], name="s", index=pd.date_range("2024", periods=2)),
    "polars": lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None], "c": [[1], [2]]}),
    "fortran": lambda: np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "backwards": lambda: np.arange(10)[::-2],
    "bunch": lambda: load_iris(as_frame=True),
    "record": lambda: np.array([(1, 2.0)], dtype=np.dtype([("a", "u1"), ("b", "f8")], align=True)),
    "objects": lambda: np.array([{"a": [1]}, None], dtype=object),
    "masked": lambda: np.ma.masked_array([1, 2], [True, False]),
    "generator": lambda: np.random.default_rng(1),
    "random": lambda: random.Random(1),
    "partial": lambda: functools.partial(int, base=2),
    "collections": lambda: [collections.Counter("aab"), collections.deque([1]), collections.OrderedDict(a=1)],
    "plain": lambda: {"a": [1, (2, [3.5])], "b": {1, "x", (2,)}, "c": datetime.date(2024, 1, 1)},
    "exact": lambda: [decimal.Decimal("1.1"), pd.Timestamp("2024-01-01"), range(3), slice(1, 2)],
    "huge": lambda: 10**6000,
}  # fmt: skip


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_a_round_trip_changes_nothing(name: str) -> None:
    value = ROUND_TRIPS[name]()
    assert digest(value) == digest(value), "looking does not change it"
    assert digest(pickle.loads(pickle.dumps(value, 5))) == digest(value)


def changed_frame(change: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    data = frame()
    return data if (made := change(data)) is None else made


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "type": (1, 1.0),
    "bool": (True, 1),
    "text": ("1", 1),
    "last bit": (0.1 + 0.2, 0.3),
    "zero's sign": (0.0, -0.0),
    "dtype": (np.arange(3, dtype="i4"), np.arange(3, dtype="i8")),
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "an element": (np.array([1.0, math.nan]), np.array([1.0, 2.0])),
    "masks": (np.ma.masked_array([1, 2], [1, 0]), np.ma.masked_array([1, 2], [0, 0])),
    "order of a list": ([1, 2], [2, 1]),
    "order of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "list or tuple": ([1], (1,)),
    "cell of a frame": (frame(), changed_frame(lambda data: data.loc.__setitem__((("a", 1), "number"), 2.0))),
    "missing or text": (frame(), changed_frame(lambda data: data.fillna({"text": "None"}))),
    "name of a column": (frame(), changed_frame(lambda data: data.rename(columns={"text": "texts"}))),
    "name of an index": (frame(), changed_frame(lambda data: data.rename_axis(["k", "m"]))),
    "categories": (pd.Series(["a"], dtype="category"), pd.Series(pd.Categorical(["a"], categories=["a", "b"]))),
    "parameter": (forest(), RandomForestClassifier(4, random_state=1)),
    "fitted": (RandomForestClassifier(4), forest()),
    "one more tree": (forest(4), forest(5)),
    "state of a generator": (np.random.default_rng(1), np.random.default_rng(2)),
    "maximum": (collections.deque([1]), collections.deque([1], maxlen=2)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_smallest_difference_shows(name: str) -> None:
    one, other = DIFFERENT[name]
    assert digest(one) != digest(other)


def test_layout_and_padding_do_not_count() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert digest(array) == digest(np.asfortranarray(array))
    kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    one, other = np.zeros(1, kind), np.frombuffer(bytearray(b"\xff" * 16), kind)
    other["a"], other["b"] = 0, 0.0
    assert one.tobytes() != other.tobytes()
    assert digest(one) == digest(other)


def test_the_order_of_a_set_does_not_count() -> None:
    assert digest({"b", "a", 1}) == digest({1, "a", "b"})
    assert digest({"b", "a"}) != digest({"b", "c"})


def test_sharing_counts() -> None:
    inner = [1]
    assert digest([inner, inner]) != digest([[1], [1]])
    array = np.arange(6.0)
    assert digest([array, array[2:]]) != digest([array, array[2:].copy()])
    assert digest([array[::2], array[1::2]]) == digest([array[::2].copy(), array[1::2].copy()]), (
        "interleaved, not shared"
    )


def test_equal_tuples_may_be_one_object() -> None:
    one, number = (1, ("a", 2.5)), 2.5
    other = (1, ("a", number))
    assert one is not other
    assert digest([one, one]) == digest([one, other])


def test_cycles_and_deep_graphs_end() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert digest(cycle) == digest(copy.deepcopy(cycle))
    deep: list[Any] = [1]
    for _ in range(5000):
        deep = [deep]
    other: list[Any] = [2]
    for _ in range(5000):
        other = [other]
    assert digest(deep) != digest(other)


def test_shared_tuples_do_not_explode() -> None:
    value: Any = ([1],)
    for _ in range(200):
        value = (value, value)
    assert digest(value)


def test_the_state_of_global_generators_is_no_part_of_what_refers_to_them() -> None:
    for made, draw in (
        (lambda: uniform(1, 10), np.random.rand),
        (lambda: np.random.rand, np.random.rand),
        (lambda: random.random, random.random),
    ):
        before = digest(made())
        draw()
        assert digest(made()) == before
    assert digest(uniform(1, 10)) != digest(uniform(1, 11))
    copied = pickle.loads(pickle.dumps(uniform(1, 10)))
    assert digest(copied) != digest(uniform(1, 10)), "a generator of its own is something else"


def test_what_cannot_be_looked_into_is_told_by_its_type() -> None:
    assert digest([threading.Lock()]) == digest([threading.Lock()])
    assert digest([threading.Lock()]) != digest([threading.RLock()])
    assert digest(item for item in [1]) == digest(item for item in [2])


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Run code as a notebook does."""

    def run(source: str) -> dict[str, Any]:
        module = ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(source, module.__dict__)
        return module.__dict__

    return run


POINT = """
class Point:
    __slots__ = ("x", "y")
    def __init__(self, x, y):
        self.x, self.y = x, y
class Bag(dict):
    def __getstate__(self):
        return {}
def scale(value, by=FACTOR):
    return value * by + EXTRA
def counter(start):
    def count():
        return start
    return count
point, bag, count = Point(1, [X]), Bag(a=X), counter(X)
bag.hidden = X
"""


def with_values(x: int = 1, factor: int = 2, extra: int = 3) -> str:
    source = re.sub(r"\bX\b", str(x), POINT)
    return source.replace("FACTOR", str(factor)).replace("EXTRA", str(extra))


@pytest.mark.parametrize("name", ["point", "bag", "count"])
def test_objects_of_the_notebook_are_told_by_all_they_have(name: str, main: Callable[[str], dict[str, Any]]) -> None:
    assert digest(main(with_values())[name]) == digest(main("\n\n" + with_values())[name])
    assert digest(main(with_values())[name]) != digest(main(with_values(x=7))[name])


def test_functions_and_classes_are_told_by_their_code(main: Callable[[str], dict[str, Any]]) -> None:
    plain = digest(main(with_values())["scale"])
    assert plain == digest(main("\n" + with_values())["scale"]), "where it stands does not matter"
    assert plain != digest(main(with_values(factor=9))["scale"]), "defaults"
    assert plain != digest(main(with_values().replace("+ 3", "+ 4"))["scale"]), "constants"
    one = digest(main("class A:\n    n = 1\n    def f(self): return 1")["A"])
    assert one == digest(main("class A:\n    n = 1\n    def f(self): return 1")["A"])
    assert one != digest(main("class A:\n    n = 1\n    def f(self): return 2")["A"])


def test_parts_say_where_a_difference_is() -> None:
    one, other = content_of({"a": 1, "b": [1, 2]}), content_of({"a": 1, "b": [1, 3]})
    differing = [label for label in one.parts if one.parts[label] != other.parts[label]]
    assert differing == ["['b']"]
    assert other.parts["['b']"][1] == "[1, 3]"
    one, other = content_of(LogisticRegression(C=1.0)), content_of(LogisticRegression(C=2.0))
    assert [label for label in one.parts if one.parts[label] != other.parts[label]] == [".C"]


def test_previews_are_short_and_telling() -> None:
    assert content_of(0.1).preview == "0.1"
    assert content_of(np.arange(3)).preview == "int64 3 [0, 1, 2]"
    assert "sum 4950" in content_of(np.arange(100)).preview
    assert content_of(pd.DataFrame({"a": [1.5, 2.5]})).preview == "DataFrame 2×1 (a: 1.5), sum of all numbers 4"
    assert len(content_of("x" * 10_000).preview) <= 160


def test_linked_names_are_found_through_containers() -> None:
    inner: list[int] = [1]
    data = pd.DataFrame({"a": [1]})
    found = linked({"inner": inner, "outer": {"deep": (inner,)}, "alone": [1], "data": data, "kept": [data], "n": 1})
    assert found == [["data", "kept"], ["inner", "outer"]]


def test_sharing_of_ignores_what_values_hold() -> None:
    def pair(content: int, *, shared: bool) -> dict[str, Any]:
        inner = [content]
        return {"a": inner, "b": {"inner": inner if shared else [content]}}

    assert sharing_of(pair(1, shared=True)) == sharing_of(pair(1, shared=True))
    assert sharing_of(pair(1, shared=True)) != sharing_of(pair(1, shared=False))
    whole = np.arange(4)
    assert sharing_of({"a": whole, "b": whole[1:]}) != sharing_of({"a": whole, "b": whole[1:].copy()})


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(plain_values, plain_values)
def test_plain_values_have_one_digest_if_and_only_if_they_are_equal(one: Any, other: Any) -> None:
    def told(value: Any) -> Any:
        """Equality that tells types and signs apart."""
        if isinstance(value, dict):
            return ("dict", [(key, told(item)) for key, item in value.items()])
        if isinstance(value, (list, tuple)):
            return (type(value).__name__, [told(item) for item in value])
        return (type(value).__name__, repr(value))

    assert digest(pickle.loads(pickle.dumps(one))) == digest(copy.deepcopy(one))
    assert (digest(copy.deepcopy(one)) == digest(copy.deepcopy(other))) == (told(one) == told(other))
