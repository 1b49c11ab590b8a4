"""What the table promises about pandas is what pandas does."""

from __future__ import annotations

import copy
import inspect
from dataclasses import replace
from typing import Any

import pytest

pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")

pytestmark = pytest.mark.filterwarnings("ignore")

FILES = ("reads", "writes", "volatile", "plots", "files", "sets")
# Arguments that make a call meaningful; several tuples are several calls.
ARGUMENTS: dict[str, list[Any]] = {
    "add_categories": [(["z"],)],
    "rename_categories": [(["x", "y"],)],
    "reorder_categories": [(["b", "a"],)],
    "set_categories": [(["a"],)],
    "remove_categories": [(["a"],)],
    "add_prefix": [("p",)],
    "add_suffix": [("s",)],
    "agg": [("sum",), (["min", "max"],)],
    "aggregate": [("sum",)],
    "align": [("SELF",)],
    "append": [("SELF",)],
    "apply": [(len,), (np.sqrt,)],
    "as_unit": [("s",)],
    "asfreq": [("D",), ("h",)],
    "asof": [(1,)],
    "assign": [(), {"z": np.arange(4)}, {"z": lambda frame: frame.iloc[:, 0]}],
    "astype": [("float64",), (object,), ("int64",)],
    "at_time": [("00:00",)],
    "between": [(0, 2)],
    "between_time": [("00:00", "12:00")],
    "ceil": [("D",)],
    "clip": [(0, 1), (-100, 100)],
    "combine": [("SELF", max)],
    "combine_first": [("SELF",)],
    "contains": [("a",)],
    "compare": [("SELF",)],
    "corr": [(), ("SELF",)],
    "corrwith": [("SELF",)],
    "cov": [(), ("SELF",)],
    "difference": [("SELF",)],
    "delete": [(0,)],
    "divmod": [(2,)],
    "dot": [("SELF",)],
    "drop": [([0],), ([1, 2],)],
    "droplevel": [(0,)],
    "equals": [("SELF",)],
    "ewm": [(1,)],
    "explode": [("a",), ()],
    "extract": [("(a)",)],
    "fillna": [(0,), (0.0,)],
    "filter": [(["a"],), (lambda group: True,)],
    "floor": [("D",)],
    "get": [("a",), (0,)],
    "get_group": [(1,)],
    "get_level_values": [(0,)],
    "get_indexer": [("SELF",)],
    "groupby": [("a",), (np.arange(4) % 2,)],
    "insert": [(0, "new", np.arange(4)), (0, 1)],
    "intersection": [("SELF",)],
    "isetitem": [(0, np.arange(4))],
    "isin": [([1, 2],)],
    "join": [(pd.DataFrame({"other": [1.0, 2.0, 3.0, 4.0]}),)],
    "map": [(str,), ({1: 2},), (lambda x: x,)],
    "mask": [(lambda x: x == 1,), (np.array([True, False, True, False]),), ("MASK", "SELF")],
    "melt": [()],
    "merge": [(pd.DataFrame({"a": [1, 2], "other": [1.0, 2.0]}),)],
    "nlargest": [(2,), (2, "a")],
    "nsmallest": [(2,), (2, "a")],
    "nth": [(0,)],
    "pipe": [(lambda x: x,)],
    "pivot": [()],
    "pop": [("a",), (0,)],
    "putmask": [(np.array([True, False, True, False]), 1)],
    "quantile": [(0.5,)],
    "query": [("a > 1",), ("a > -100",)],
    "reindex": [([0, 1],), ()],
    "reindex_like": [("SELF",)],
    "rename": [(str,), ({0: 9},)],
    "rename_axis": [("n",)],
    "repeat": [(2,), (1,)],
    "replace": [(1, 2), (100, 2), ("a", "b")],
    "reorder_levels": [([0],)],
    "resample": [("D",)],
    "rolling": [(2,)],
    "round": [(1,), ("D",), ()],
    "sample": [(2,)],
    "searchsorted": [(1,)],
    "select_dtypes": [("number",)],
    "set_axis": [(list("wxyz"),)],
    "set_index": [("a",)],
    "shift": [(1,), (0,)],
    "slice": [(0, 1)],
    "slice_indexer": [(0, 1)],
    "sort_values": [(), ("a",)],
    "split": [("a",)],
    "swapaxes": [(0, 1)],
    "symmetric_difference": [("SELF",)],
    "take": [([0, 1],), ([0, 1, 2, 3],)],
    "to_period": [("D",)],
    "transform": [("cumsum",), (np.sqrt,)],
    "truncate": [(0, 2)],
    "tz_convert": [("UTC",)],
    "tz_localize": [("UTC",)],
    "union": [("SELF",)],
    "update": [("SELF",)],
    "where": [(lambda x: x == 1,), (np.array([True, False, True, False]),), ("MASK", "SELF")],
    "xs": [(0,), ("a",)],
}
ARITHMETIC = (
    "add div divide floordiv mod mul multiply pow radd rdiv rfloordiv rmod rmul rpow rsub rtruediv sub subtract "
    "truediv eq ge gt le lt ne"
)


def frames() -> list[Any]:
    """Frames with one block, with several, with dates, with gaps."""
    one = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=list("abc"))
    mixed = pd.DataFrame({"a": [1, 2, 1, 2], "b": [0.5, np.nan, 1.5, 2.5], "c": ["x", "y", "x", None]})
    dated = one.set_axis(pd.date_range("2020", periods=4), axis=0)
    return [one, mixed, dated]


def series() -> list[Any]:
    """Series of numbers, of dates, of text, of categories."""
    dates = pd.date_range("2020", periods=4)
    return [
        pd.Series([1.0, 2.0, 3.0, 4.0], name="a"),
        pd.Series([1, 2, 1, 2], index=dates),
        pd.Series(dates),
        pd.Series(["a", "b", "c", None]),
        pd.Series(pd.Categorical(["a", "b", "a", "b"])),
        pd.Series([1.0, np.nan, 3.0, 4.0], index=list("abcd")),
    ]


def indexes() -> list[Any]:
    """One index of each kind."""
    return [
        pd.Index([1, 2, 3, 4]),
        pd.RangeIndex(4),
        pd.date_range("2020", periods=4),
        pd.period_range("2020", periods=4, freq="D"),
        pd.MultiIndex.from_product([[1, 2], ["a", "b"]]),
        pd.CategoricalIndex(list("abab")),
    ]


SAMPLES = {
    "pandas.DataFrame": frames,
    "pandas.Series": series,
    "pandas.Index": indexes,
    "pandas.Categorical": lambda: [pd.Categorical(list("abab"))],
    "pandas.Timestamp": lambda: [pd.Timestamp("2020-01-02 03:04")],
    "pandas.Timedelta": lambda: [pd.Timedelta("3h")],
}
MINIMUM = {"pandas.DataFrame": 200, "pandas.Series": 400, "pandas.Index": 150}


def members(table: Any, cls: str) -> list[str]:
    """The names of the methods that the class lists."""
    names = {
        name.rpartition(".")[2]
        for kind, name, _ in table.entries("pandas")
        if kind == "methods" and name.startswith(cls + ".")
    }
    return sorted(names)


@pytest.mark.parametrize("cls", SAMPLES)
def test_methods(witness: Any, table: Any, cls: str) -> None:
    for name in members(table, cls):
        effect = table.method(cls, name)
        if effect is None or any(getattr(effect, field) for field in FILES) or name == "info":
            continue
        for sample in SAMPLES[cls]():
            method = getattr(type(sample), name, None)
            if method is None or not callable(method):
                continue
            for args in arguments(name, sample):
                # pandas 3 reinterprets dates as integers without a copy; nobody writes into those.
                if not (name == "astype" and args == ("int64",) and "datetime" in str(getattr(sample, "dtype", ""))):
                    options = args if isinstance(args, dict) else {}
                    witness.see(f"{cls}.{name}", effect, method, sample, () if options else args, **options)
    assert len(witness.calls) >= MINIMUM.get(cls, 5), len(witness.calls)


def arguments(name: str, sample: Any) -> list[Any]:
    """The calls to try: the listed ones, arithmetic with a number and with the object, or none."""
    if name in ARITHMETIC.split():
        return [(2,), (copy.deepcopy(sample),), (1,), (0,)]
    calls = ARGUMENTS.get(name, [()])
    return [args if isinstance(args, dict) else tuple(_filled(arg, sample) for arg in args) for args in calls]


def _filled(arg: Any, sample: Any) -> Any:
    if isinstance(arg, str) and arg == "SELF":
        return copy.deepcopy(sample)
    if isinstance(arg, str) and arg == "MASK":
        return sample == sample[0] if isinstance(sample, pd.Index) else sample == sample.iloc[0]
    return arg


@pytest.mark.parametrize("cls", ["pandas.DataFrame", "pandas.Series", "pandas.Index"])
def test_attributes(witness: Any, table: Any, cls: str) -> None:
    names = [
        n.rpartition(".")[2]
        for kind, n, _ in table.entries("pandas")
        if kind == "attributes" and n.startswith(cls + ".")
    ]
    for name in names:
        for sample in SAMPLES[cls]():
            witness.see(f"{cls}.{name}", table.attribute(cls, name), lambda obj, name=name: getattr(obj, name), sample)
    assert len(witness.calls) > 20


ACCESSORS = {
    "pandas.StringAccessor": ("str", lambda: [pd.Series(["a b", "b", "c", None])]),
    "pandas.DatetimeAccessor": (
        "dt",
        lambda: [pd.Series(pd.date_range("2020", periods=4)), pd.Series(pd.to_timedelta([1, 2], unit="h"))],
    ),
    "pandas.CategoricalAccessor": ("cat", lambda: [pd.Series(pd.Categorical(["a", "b", "a", "b"]))]),
    "pandas.GroupBy": ("groupby", lambda: [frame[["a", "b"]] for frame in frames()]),
    "pandas.Rolling": ("rolling", lambda: [frame[["a", "b"]] for frame in frames()]),
    "pandas.Expanding": ("expanding", lambda: [frame[["a", "b"]] for frame in frames()]),
    "pandas.Resampler": ("resample", lambda: [frames()[2]]),
}


@pytest.mark.parametrize("cls", ACCESSORS)
def test_accessors(witness: Any, table: Any, cls: str) -> None:
    accessor, samples = ACCESSORS[cls]
    first = {"groupby": ("a",), "rolling": (2,), "resample": ("D",)}.get(accessor, ())
    for name in members(table, cls):
        effect = table.method(cls, name)
        if effect is None or effect.plots:
            continue

        def call(obj: Any, *args: Any, name: str = name) -> Any:
            made = getattr(obj, accessor)
            made = (
                made(*first)
                if inspect.ismethod(made) and first is not None and accessor not in ("str", "dt", "cat")
                else made
            )
            return getattr(made, name)(*args)

        for sample in samples():
            for args in arguments(name, sample) if name != "corrwith" else []:
                if not any(isinstance(arg, type(sample)) for arg in args):
                    witness.see(f"{cls}.{name}", effect, call, sample, args)
    assert len(witness.calls) > 5


@pytest.mark.parametrize("cls", ["pandas.DataFrame", "pandas.Series", "pandas.Indexer"])
def test_lists_and_masks_take_copies(witness: Any, table: Any, cls: str) -> None:
    keys: list[Any] = [["a"], ["a", "b"], [0, 1], [0, 1, 2, 3], np.array([True] * 4), slice(None)]
    for sample in [*frames(), *series()]:
        for key in [
            *keys[:-1],
            lambda obj: obj.iloc[:, 0] == obj.iloc[0, 0],
            (slice(None), ["a", "b"]),
            (np.array([True] * 4), "a"),
            ([0, 1], 0),
        ]:
            for way in ("loc", "iloc") if cls == "pandas.Indexer" else ("",):

                def call(obj: Any, key: Any = key, way: str = way) -> Any:
                    return (getattr(obj, way) if way else obj)[key]

                if cls == "pandas.Indexer" or cls == f"pandas.{type(sample).__name__}":
                    witness.see(f"{cls}[{key}]", table.take(cls), call, sample)
    assert len(witness.calls) > 10


def functions() -> dict[str, list[tuple[Any, ...]]]:
    """Calls of functions of the module."""
    one, mixed, _ = frames()
    number, *_, gaps = series()
    array = np.arange(4.0)
    return {
        "pandas.concat": [([one, one],), ([number, gaps],), ([one],)],
        "pandas.merge": [(mixed, pd.DataFrame({"a": [1, 2], "z": [1, 2]}))],
        "pandas.melt": [(one,)],
        "pandas.get_dummies": [(mixed,), (mixed["c"],), (one,)],
        "pandas.crosstab": [(mixed["a"], mixed["c"])],
        "pandas.pivot_table": [(mixed, "b", "a", "c")],
        "pandas.cut": [(number, 2), (array, 2)],
        "pandas.qcut": [(number, 2), (array, 2)],
        "pandas.factorize": [(number,), (array,)],
        "pandas.to_datetime": [
            (["2020-01-01"],),
            (pd.Series(pd.date_range("2020", periods=3)),),
            (pd.Series(["2020-01-01"]),),
        ],
        "pandas.to_timedelta": [(pd.Series(["1h"]),), (["1h"],)],
        "pandas.to_numeric": [(number,), (pd.Series(["1", "2"]),), (array,)],
        "pandas.isna": [(one,), (array,), (number,)],
        "pandas.notna": [(one,), (array,), (number,)],
        "pandas.unique": [(number,), (array,)],
        "pandas.array": [(array,), (number,)],
        "pandas.json_normalize": [([{"a": {"b": 1}}],)],
        "pandas.date_range": [("2020", "2021")],
        "pandas.merge_asof": [(one, one)],
        "pandas.util.hash_pandas_object": [(one,)],
        "pandas.DataFrame.from_dict": [({"a": array},)],
        "pandas.DataFrame.from_records": [([{"a": 1}],), (array.reshape(2, 2),)],
    }


def test_functions(witness: Any, table: Any) -> None:
    for name, calls in functions().items():
        target: Any = pd
        for part in name.split(".")[1:]:
            target = getattr(target, part)
        for args in calls:
            effect = table.function(name)
            if effect is not None and effect.copies_many and len(args[0]) > 1:
                effect = replace(effect, shares=())
            witness.see(name, effect, lambda _, *given, target=target: target(*given), None, args)
    assert len(witness.calls) > 25


@pytest.mark.parametrize("cls", ["DataFrame", "Series"])
def test_constructors_keep_only_what_is_not_plain(table: Any, witness: Any, cls: str) -> None:
    array = np.arange(4.0)
    effect = table.init(f"pandas.{cls}")
    assert effect is not None and effect.keeps and effect.copies_plain
    plains: list[Any] = [[1.0, 2.0]]
    plains += [{"a": array.copy()}, {"a": pd.Series(array)}, [array.copy()]] if cls == "DataFrame" else []
    for plain in plains:
        made = getattr(pd, cls)(plain)
        before = repr(made)
        for item in plain.values() if isinstance(plain, dict) else plain:
            if isinstance(item, np.ndarray):
                item[:] = -1
        assert repr(made) == before


def test_stored_values_are_copied(table: Any) -> None:
    frame, array = frames()[0], np.arange(4.0)
    assert table.store("pandas.DataFrame") is not None
    frame["new"] = array
    frame.loc[:, "a"] = array
    array[:] = -1
    assert frame["new"].tolist() == [0, 1, 2, 3] and frame["a"].tolist() == [0, 1, 2, 3]


def test_mutators_mutate(table: Any) -> None:
    frame = frames()[0]
    frame.insert(0, "new", 1)
    frame.update(pd.DataFrame({"a": [9.0]}))
    frame.pop("b")
    assert list(frame) == ["new", "a", "c"] and frame["a"][0] == 9
    for name in ("insert", "update", "pop"):
        assert table.method("pandas.DataFrame", name).mutates == ("self",)
