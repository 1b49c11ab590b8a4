from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as hpd

SMALL = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def frames() -> dict[str, pd.DataFrame]:
    rich = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [1.5, np.nan, -0.0],
            "s": ["x", None, "äö"],
            "o": pd.Series([{"a": 1}, [1], None], dtype=object),
            "t": pd.date_range("2020", periods=3, tz="Europe/Berlin"),
            "d": pd.to_timedelta([1, 2, 3], "s"),
            "c": pd.Categorical(["u", "v", "u"], ["v", "u"], ordered=True),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "p": pd.period_range("2020-01", periods=3, freq="M"),
            "v": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
            "z": pd.arrays.SparseArray([0, 0, 1]),
        }
    )
    rich.attrs["source"] = "here"
    numbers = pd.DataFrame(np.random.default_rng(0).random((100, 5)), columns=list("abcde"))
    multi = numbers.set_index(pd.MultiIndex.from_product([range(10), list("abcdefghij")], names=["k", "l"]))
    fragmented = pd.DataFrame({"a": [1, 2]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(5):
            fragmented[f"x{i}"] = i * 0.5
    return {
        "rich": rich,
        "numbers": numbers,
        "multi": multi,
        "wide": multi.unstack(),
        "fragmented": fragmented,
        "filtered": rich[rich.i > 1],
        "head": rich.head(2),
        "transposed": numbers.T,
        "strided": numbers.iloc[::-2, ::2],
        "grouped": numbers.groupby(numbers.a > 0.5).mean(),
        "empty": pd.DataFrame(),
        "no rows": rich.iloc[:0],
        "no columns": pd.DataFrame(index=[3, 4]),
        "double names": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    }


def contiguity(frame: pd.DataFrame) -> list[bool]:
    blocks = [block.values for block in frame._mgr.blocks]
    return [block.flags.c_contiguous for block in blocks if type(block) is np.ndarray and block.dtype != object]


@pytest.mark.parametrize("name", frames())
def test_frames_arrive(handover, name):
    frame = frames()[name]
    loaded = handover(frame)
    pd.testing.assert_frame_equal(loaded, frame, check_exact=True, check_freq=True)
    assert loaded.attrs == frame.attrs
    assert contiguity(loaded) == contiguity(frame)


@pytest.mark.parametrize("name", ["numbers", "transposed", "strided"])
def test_sums_agree_to_the_last_digit(handover, name):
    frame = frames()[name]
    loaded = handover(frame)
    for axis in (0, 1):
        assert loaded.sum(axis=axis).tolist() == frame.sum(axis=axis).tolist()
        assert loaded.std(axis=axis).tolist() == frame.std(axis=axis).tolist()


def test_loaded_frames_can_be_changed(handover):
    frame = frames()["rich"]
    loaded = handover(frame)
    loaded.loc[0, "i"] = 10
    loaded["new"] = 1
    loaded.loc[loaded.i == 2, "s"] = "new"
    loaded.sort_values("f", inplace=True)
    assert loaded.loc[1, "s"] == "new"
    assert frame.loc[0, "i"] == 1


@pytest.mark.parametrize(
    "value",
    [
        pd.Series([1.5, 2], name="x", index=["a", "b"]),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series(dtype="f8"),
        pd.Index([1, 2], name="i"),
        pd.RangeIndex(3),
        pd.date_range("2020", periods=5, freq="D"),
        pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", None]),
        pd.CategoricalIndex(["a", "b"]),
        pd.Timestamp("2020-01-01 12:00", tz="UTC"),
        pd.Timedelta("1h"),
        pd.Period("2020-01"),
        pd.Interval(0, 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_pandas_values_arrive(handover, value):
    loaded = handover(value)
    assert type(loaded) is type(value)
    equal = value.equals(loaded) if hasattr(value, "equals") else value == loaded
    assert equal
    assert getattr(loaded, "name", None) == getattr(value, "name", None)
    assert getattr(loaded, "freq", None) == getattr(value, "freq", None)


def test_missing_values_keep_their_identity(handover):
    assert handover(pd.NA) is pd.NA
    assert handover([pd.NaT])[0] is pd.NaT


def test_a_frame_that_shares_memory_with_an_array(handover):
    array = np.zeros((3, 2))
    frame = pd.DataFrame(array, copy=False)
    array2, frame2 = handover(array, frame)
    array2[0, 1] = 5
    assert frame2.iloc[0, 1] == 5
    array = np.zeros(3)
    frame = pd.DataFrame({"a": array}, copy=False)
    array2, frame2 = handover(array, frame)
    array2[0] = 5
    assert frame2.a[0] == 5


@pytest.mark.skipif(int(pd.__version__.split(".")[0]) < 3, reason="copy-on-write is pandas 3's")
def test_copy_on_write_goes_on_between_frames_of_one_artifact(handover):
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3]})
    column, shallow, index = frame["a"], frame[:], pd.Index(frame["b"])
    frame2, column2, shallow2, index2 = handover(frame, column, shallow, index)
    assert np.shares_memory(frame2["a"], column2)
    column2.iloc[0] = 77
    assert frame2.a[0] == 1
    frame2.loc[1, "b"] = 88
    assert shallow2.b[1] == 2
    assert index2[1] == 2


def test_a_slice_of_strings_does_not_carry_the_whole_column(handover):
    frame = pd.DataFrame({"s": [f"a long string {i}" for i in range(20_000)]})
    assert handover.write(frame.head(3)).stat().st_size < 5_000
    pd.testing.assert_frame_equal(handover(frame.iloc[100:103]), frame.iloc[100:103])


def test_a_frame_with_itself_in_a_dictionary_is_one_frame(handover):
    frame = frames()["numbers"]
    loaded = handover({"train": frame, "again": [frame]})
    assert loaded["train"] is loaded["again"][0]


@SMALL
@given(
    hpd.data_frames(
        [
            hpd.column("i", dtype="i8"),
            hpd.column("f", dtype="f8"),
            hpd.column("b", dtype="?"),
            hpd.column("s", elements=st.text(max_size=5), dtype=object),
            hpd.column("t", dtype="M8[ns]"),
        ]
    )
)
def test_any_frame(handover, frame):
    pd.testing.assert_frame_equal(handover(frame), frame, check_exact=True)


def test_polars(handover):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "i": [1, 2, None],
            "s": ["a", None, "ä"],
            "l": [[1], [], None],
            "d": [{"x": 1}, {"x": None}, None],
            "c": pl.Series(["u", "v", "u"], dtype=pl.Categorical),
            "e": pl.Series(["u", "v", "u"], dtype=pl.Enum(["v", "u"])),
            "t": pl.Series([1, 2, 3], dtype=pl.Datetime("ms", "UTC")),
            "m": pl.Series(["1.10", "2.00", None]).cast(pl.Decimal(10, 2)),
        }
    )
    loaded = handover(frame)
    assert handover.serializer == "arrow"
    assert loaded.equals(frame)
    assert loaded.schema == frame.schema
    assert handover(frame.head(0)).schema == frame.schema
    both = handover(frame, frame["i"])
    assert both[0].equals(frame)
    assert both[1].equals(frame["i"])
    assert handover(frame.lazy(), stable=False).collect().equals(frame)


def test_arrow(handover):
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {"i": pa.chunked_array([[1, 2], [3]]), "s": pa.chunked_array([["x", None], ["z"]])}, metadata={"who": "me"}
    )
    table = table.append_column("d", pa.array(["u", "v", "u"]).dictionary_encode())
    loaded = handover(table)
    assert loaded.equals(table, check_metadata=True)
    assert loaded.column("i").num_chunks == 2
    large = pa.table({"s": [f"a long string {i}" for i in range(20_000)]})
    assert handover.write(large.slice(10, 3)).stat().st_size < 5_000
    assert handover(large.slice(10, 3)).equals(large.slice(10, 3))
