from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import functools
import importlib.util
import itertools
import pathlib
import random
import re
import types
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SMALL = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PLAIN = [
    None,
    True,
    0,
    -(10**40),
    1.5,
    float("inf"),
    -0.0,
    2 + 3j,
    "",
    "äö\ud800",
    b"\x00\xff",
    bytearray(b"abc"),
    [],
    [1, [2, [3]]],
    (),
    (1,),
    {},
    {"a": 1, 2: "b", (1, 2): None},
    {1, 2, 3},
    frozenset({"x", "y"}),
    range(3, 30, 4),
    slice(1, None, 2),
    ...,
    NotImplemented,
    datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
    datetime.date(2020, 1, 2),
    datetime.timedelta(days=3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=5),
    pathlib.Path("a/b"),
    re.compile("a+", re.I),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.Counter("abca"),
    collections.deque([1, 2, 3], maxlen=3),
    collections.ChainMap({"a": 1}, {"b": 2}),
    types.SimpleNamespace(a=1),
    memoryview(b"abc"),
    int,
    type(None),
    list[int],
    len,
    "x".upper,
    pathlib,
]


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_plain_values_arrive(handover, value):
    loaded = handover(value)
    assert type(loaded) is type(value)
    assert loaded() == value() if callable(value) and value == "x".upper else loaded == value


def test_nan_and_default_factories(handover):
    assert np.isnan(handover(float("nan")))
    loaded = handover(collections.defaultdict(list, a=[1]))
    loaded["b"].append(2)
    assert loaded == {"a": [1], "b": [2]}


def test_partials_methods_and_iterators(handover):
    assert handover(functools.partial(int, base=2))("101") == 5
    values = [1]
    loaded, append = handover(values, values.append)
    append(2)
    assert loaded == [1, 2]
    iterator = iter([1, 2, 3])
    next(iterator)
    assert list(handover(iterator)) == [2, 3]
    counter = itertools.count(5) if not hasattr(itertools, "batched") else iter(range(5, 8))
    assert next(handover(counter)) == 5
    assert handover(random.Random(3)).random() == random.Random(3).random()


def test_dictionary_views_stay_views(handover):
    mapping = {"a": 1}
    loaded, keys, values, items = handover(mapping, mapping.keys(), mapping.values(), mapping.items())
    loaded["b"] = 2
    assert list(keys) == ["a", "b"]
    assert list(values) == [1, 2]
    assert list(items) == [("a", 1), ("b", 2)]


def test_what_a_process_has_one_of_is_the_consumers_own(handover):
    import os
    import sys

    matplotlib = pytest.importorskip("matplotlib")
    draws = {"numpy": np.random.rand, "random": random.random, "global": np.random.mtrand._rand}
    np.random.seed(1)
    random.seed(1)
    loaded = handover(draws, stable=False)
    np.random.seed(2)
    random.seed(2)
    expected = [np.random.rand(), random.random(), np.random.rand()]
    np.random.seed(2)
    random.seed(2)
    assert [loaded["numpy"](), loaded["random"](), loaded["global"].rand()] == expected
    assert handover([os.environ])[0] is os.environ
    assert handover([matplotlib.rcParams])[0] is matplotlib.rcParams
    assert handover([sys.stderr])[0] is sys.stderr


def test_identity_within_an_artifact(handover):
    a: list[Any] = [1]
    b = [a]
    loaded_a, loaded_b = handover(a, b)
    assert loaded_b[0] is loaded_a
    a.append(a)
    loaded = handover(a)
    assert loaded[1] is loaded


def test_a_long_chain_of_objects(handover):
    chain: Any = None
    for i in range(20_000):
        chain = [i, chain]
    loaded = handover(chain)
    for i in reversed(range(20_000)):
        assert loaded[0] == i
        loaded = loaded[1]


def test_equal_strings_are_stored_once(handover):
    text = "a long text " * 100
    copies = ["".join([text, "x"]) for _ in range(100)]
    assert copies[0] is not copies[1]
    assert handover.write(copies).stat().st_size < 5_000


KEYS = st.one_of(st.text(max_size=3), st.integers(-5, 5), st.booleans(), st.tuples(st.integers(0, 3)))
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), KEYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=12),
        st.frozensets(KEYS, max_size=12),
    ),
    max_leaves=25,
)


def layout(value: Any) -> Any:
    """The value and the order of everything in it."""
    if isinstance(value, dict):
        return [(layout(key), layout(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value).__name__, [layout(item) for item in value]
    return type(value).__name__, value


@SMALL
@given(DATA)
def test_any_plain_data_arrives_in_order_and_keeps_its_digest(handover, value):
    loaded = handover(value)
    assert loaded == value
    assert layout(loaded) == layout(value)


@SMALL
@given(DATA)
def test_the_digest_does_not_depend_on_which_equal_strings_are_one_object(handover, value):
    handover.write([value, "name", {"name": "name"}])
    digest = handover.digest
    handover.write([value, "".join(["na", "me"]), {"".join(["na", "me"]): "".join(["n", "ame"])}])
    assert handover.digest == digest


def test_figures(handover):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2, 3], label="x")
    axes.set_title("Title")
    loaded, loaded_axes = handover(figure, axes, stable=False)
    assert loaded_axes.figure is loaded
    assert loaded_axes.get_title() == "Title"
    assert loaded_axes.lines[0].get_ydata().tolist() == [1, 2, 3]
    loaded.canvas.draw()
    pyplot.close("all")


def test_sparse_matrices(handover):
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(20, 20, 0.2, format="csr", random_state=0)
    loaded = handover(matrix)
    assert (loaded != matrix).nnz == 0
    assert type(loaded) is type(matrix)


def estimators() -> dict[str, Any]:
    from sklearn.cluster import KMeans
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return {
        "forest": RandomForestClassifier(10, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=5),
        "histogram": HistGradientBoostingClassifier(max_iter=5),
        "neighbours": KNeighborsClassifier(),
        "svm": SVC(random_state=0),
        "pipeline": make_pipeline(
            make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough"), LogisticRegression()
        ),
        "clusters": KMeans(3, random_state=0, n_init=2),
    }


@pytest.mark.parametrize("name", ["forest", "boosting", "histogram", "neighbours", "svm", "pipeline", "clusters"])
def test_estimators(handover, name):
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    estimator = estimators()[name]
    assert repr(handover(estimator)) == repr(estimator)
    estimator.fit(x, y)
    loaded = handover(estimator)
    assert np.array_equal(loaded.predict(x), estimator.predict(x))
    assert repr(loaded) == repr(estimator)
    if hasattr(estimator, "predict_proba"):
        assert np.array_equal(loaded.predict_proba(x), estimator.predict_proba(x))
    loaded.fit(x, y)


def tensors_share_memory(handover):
    import torch

    tensor = torch.arange(6.0).reshape(2, 3)
    array = tensor.numpy()
    loaded, row, transposed, shared = handover(tensor, tensor[1], tensor.T, array)
    loaded[1, 2] = 50
    assert row[2] == 50
    assert transposed[2, 1] == 50
    assert shared[1, 2] == 50
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    again = handover(model)
    assert torch.equal(again(tensor), model(tensor))
    assert all(parameter.requires_grad for parameter in again.parameters())
    assert handover(torch.tensor([1, 2], dtype=torch.bfloat16)).dtype is torch.bfloat16


if importlib.util.find_spec("torch"):  # too large to be asked for; where it is there, it is tried
    test_tensors_share_memory = tensors_share_memory
