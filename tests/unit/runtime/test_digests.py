"""Equal values have equal digests, whichever process writes them and how often they travel."""

from __future__ import annotations

import pytest

VALUES = """
import datetime, decimal, pathlib, random
import numpy as np
import pandas as pd
rng = np.random.default_rng(0)
array = rng.random((30, 4))
fortran = np.asfortranarray(array)
views = {"all": array, "some": array[3:9, ::2]}
words = np.array(["a", "bb", "ccc"])
frame = pd.DataFrame(rng.random((50, 3)), columns=list("abc")).assign(
    s=["w%d" % (i % 7) for i in range(50)],
    t=pd.date_range("2020", periods=50, tz="UTC"),
    c=pd.Categorical(list("xy") * 25),
    o=pd.Series(["name", None] * 25, dtype=object))
series = frame.groupby("s")["a"].mean()
pivot = frame.pivot_table(index="s", columns="c", values="b", observed=True)
plain = {"name": ["name", ("na" + "me"), {"name": 1.5}], "n": [1, 2**70, None, True, b"x"],
         "when": datetime.datetime(2020, 1, 1), "where": pathlib.PurePosixPath("a/b"), "d": decimal.Decimal("1.1")}
class Thing: pass
thing = Thing(); thing.name = "name"; thing.words = ["name", "words"]
plain["strings"] = {"w%d" % i for i in range(40)}
numbers = {i * 37 % 101 for i in range(60)} - {3, 5}
frozen = frozenset("w%d" % i for i in range(25))
keys = {("a", i): frozenset({i, i + 8, i + 16}) for i in range(5)}
state = random.Random(1).getstate()
"""
NAMES = [
    "array",
    "fortran",
    "views",
    "words",
    "frame",
    "series",
    "pivot",
    "plain",
    "numbers",
    "frozen",
    "keys",
    "state",
]
USE = """
import numpy as np, pandas as pd
# Looking at values must not change them.
frame.describe(), frame.dtypes, frame.head(), frame.isna().sum(), str(frame), frame.memory_usage(deep=True)
frame.groupby("c", observed=True).a.mean(), frame["a"].mean(), len(frame), frame.loc[3], frame.iloc[2]
frame.index.is_unique, frame.t.dt.year.max(), frame.mean(numeric_only=True), frame[frame.a > 0.5].shape
array.sum(), views["some"].mean(), sorted(plain["strings"]), 3 in numbers, hash(frozen), keys[("a", 1)]
str(pivot), pivot.loc["w1"], pivot.values.sum(), series.values, list(series.items())
repr(plain), [name for name in plain]
assert np.array_equal(views["all"], array)
"""


@pytest.fixture
def produced(steps):
    steps.run(VALUES, saves=[[name] for name in NAMES])
    return steps.digests("s")


def test_digests_agree_between_processes_and_survive_travelling(steps, produced):
    assert None not in produced.values()
    first = steps.loads("s")
    steps.run(USE, step="t", loads=first, saves=[[name] for name in NAMES])
    assert steps.digests("t") == produced
    steps.run("", step="u", loads=steps.loads("t"), saves=[[name] for name in NAMES])
    assert steps.digests("u") == produced
    steps.run("import sys, xml.dom.minidom\n" + VALUES, step="v", saves=[[name] for name in NAMES])
    assert steps.digests("v") == produced


def test_sets_iterate_in_the_next_step_as_in_the_notebook(steps):
    source = """
words = {"w%d" % i for i in range(100)} - {"w%d" % i for i in range(0, 100, 3)}
numbers = frozenset(i * 7919 % 1009 for i in range(300))
"""
    show = "print(list(words), list(numbers))"
    expected = steps.run(source + show, saves=[["words"], ["numbers"]])
    assert steps.run(show, step="t", loads=steps.loads("s")) == expected


def test_estimators_keep_their_digest(steps):
    pytest.importorskip("sklearn")
    steps.run(
        """
        from sklearn.datasets import load_iris
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        x, y = load_iris(return_X_y=True, as_frame=True)
        forest = RandomForestClassifier(5, random_state=0).fit(x, y)
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
        """,
        saves=[["forest"], ["model"], ["x"], ["y"]],
    )
    steps.run(
        "forest.predict_proba(x), model.score(x, y), repr(model), model.get_params()",
        step="t",
        loads=steps.loads("s"),
        saves=[["forest"], ["model"], ["x"], ["y"]],
    )
    assert steps.digests("t") == steps.digests("s")
