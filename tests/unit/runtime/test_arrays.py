from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jupyter_mlops.runtime.arrays import OWN_LIMIT, dtype_from_text, dtype_to_text

DTYPES = ["?", "u1", "i2", "<i4", ">i8", "f2", "f8", ">f4", "c16", "S3", "U5", "M8[ns]", "M8[D]", "m8[s]", "V7"]
SMALL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(one: np.ndarray, other: np.ndarray) -> None:
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert one.tobytes() == other.tobytes()
    assert one.flags.writeable == other.flags.writeable


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (0, 4), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_shape_arrives(handover, dtype, shape):
    array = np.frombuffer(bytes(range(1, 256)) * 40, np.uint8)[: int(np.prod(shape)) * np.dtype(dtype).itemsize]
    array = array.copy().view(dtype).reshape(shape) if array.size else np.empty(shape, dtype)
    if dtype[0] == "U":
        array = np.full(shape, "äb", dtype)
    same(handover(array), array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_in_memory_is_kept(handover, order):
    array = np.asarray(np.random.default_rng(0).random((50, 7)), order=order)
    loaded = handover(array)
    assert loaded.flags.c_contiguous == array.flags.c_contiguous
    assert loaded.flags.f_contiguous == array.flags.f_contiguous
    assert handover.serializer == "numpy"


def test_a_lone_array_is_a_file_that_numpy_reads(handover):
    array = np.arange(6.0).reshape(2, 3)
    same(np.load(handover.write(array)), array)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a[::2],
        lambda a: a[::-1],
        lambda a: a[::3, ::2],
        lambda a: a[:, 2],
        lambda a: a[::-1, :1],
        lambda a: a[:, ::-3],
        lambda a: a.T,
        lambda a: a[3:4],
        lambda a: a[:, None, 2:5],
        lambda a: a.transpose(1, 0)[::-1],
        lambda a: np.broadcast_to(a[0], (5, a.shape[1])),
        lambda a: a[1, 1],
        lambda a: a.reshape(100, 5, 40)[:, 1:].swapaxes(0, 2),
        lambda a: np.lib.stride_tricks.sliding_window_view(a[:, 0], 7),
    ],
)
def test_a_lone_view_arrives_in_its_own_order_without_its_base(handover, view):
    base = np.random.default_rng(0).random((500, 40))
    part = np.asarray(view(base))
    loaded = handover(part)
    same(loaded, part)
    # Reductions follow the order in memory: they must agree to the last digit.
    assert loaded.sum() == part.sum()
    if part.ndim:
        weights = np.random.default_rng(1).random(part.shape[-1])
        assert np.array_equal(loaded @ weights, part @ weights)
        assert np.array_equal(loaded.sum(axis=0), part.sum(axis=0))
        assert [stride < 0 for stride in loaded.strides] == [stride < 0 for stride in part.strides]


def test_a_small_view_of_a_large_base_is_a_small_file(handover):
    base = np.zeros((1000, 1000))
    assert handover.write(base[:, 0]).stat().st_size < 20_000
    assert handover.write([base[5, :10], base[700, :10]]).stat().st_size < 5_000
    assert handover.write({"first": base[:, 0], "second": base[:, 500]}).stat().st_size < 40_000


@pytest.mark.parametrize("size", [12, 300_000])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[1:],
        lambda a: a.reshape(2, -1),
        lambda a: a.reshape(3, -1).T,
        lambda a: a[::-1],
        lambda a: a[::-2],
        lambda a: a.view(np.uint8),
        lambda a: a.reshape(2, 3, -1)[1, :, None],
    ],
)
def test_views_stay_views(handover, size, view):
    base = np.arange(size, dtype="f8")
    shown = view(base)
    base2, shown2 = handover(base, shown)
    same(base2, base)
    same(shown2, shown)
    assert shown2.strides == shown.strides
    assert shown2.base is base2
    base2[:] = -1
    base[:] = -1
    same(shown2, shown)
    shown2[...] = 7
    shown[...] = 7
    same(base2, base)


def test_views_deep_in_containers_and_of_each_other(handover):
    base = np.arange(20.0)
    values = {"a": [base[:10]], "b": {"c": base[5:15]}, "far": base[15:]}
    loaded = handover(values)
    loaded["a"][0][7] = 99
    assert loaded["b"]["c"][2] == 99
    assert np.array_equal(loaded["far"], base[15:])


def test_one_array_twice_is_one_array(handover):
    array = np.arange(3)
    loaded = handover([array, array, (array,)])
    assert loaded[0] is loaded[1] is loaded[2][0]


def test_equal_arrays_that_share_nothing_stay_apart(handover):
    one, other = handover(np.arange(3), np.arange(3))
    one[0] = 9
    assert other[0] == 0


def test_a_fortran_base_and_its_view(handover):
    base = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    loaded, row = handover(base, base[1])
    loaded[1, 2] = 50
    assert row[2] == 50
    assert loaded.flags.f_contiguous


def test_an_array_that_may_not_be_written_still_may_not(handover):
    array = np.arange(3)
    array.flags.writeable = False
    loaded = handover(array)
    with pytest.raises(ValueError, match="read-only"):
        loaded[0] = 1


def test_a_read_only_view_of_a_writable_array(handover):
    array = np.arange(5)
    view = array[1:]
    view.flags.writeable = False
    array2, view2 = handover(array, view)
    array2[1] = 42
    assert view2[0] == 42
    assert not view2.flags.writeable


def test_small_arrays_own_their_data(handover):
    array = handover(np.arange(4))
    array.resize(6, refcheck=False)
    assert array.tolist() == [0, 1, 2, 3, 0, 0]


def test_a_large_array_is_mapped_and_private(handover, tmp_path):
    array = np.arange(OWN_LIMIT, dtype="f8")
    path = handover.write(array)
    before = path.read_bytes()
    loaded = handover(array)
    assert not loaded.flags.owndata
    assert type(loaded) is np.ndarray
    loaded[:] = 0
    assert path.read_bytes() == before


def test_structured_dtypes(handover):
    dtype = np.dtype([("a", "i4"), ("b", "U3"), ("c", "f8", (2,))])
    array = np.array([(1, "x", (2, 3)), (4, "y", (5, 6))], dtype)
    loaded, column = handover(array, array["a"])
    same(loaded, array)
    loaded["a"][0] = 9
    assert column[0] == 9


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype("f8", metadata={"unit": "m"}),
        np.dtype([("a", "i1"), ("b", "f8")], align=True),
        np.dtype((np.record, [("a", "i4")])),
        np.dtype("O"),
    ],
)
def test_what_text_cannot_say_of_a_dtype_is_pickled(handover, dtype):
    assert dtype_to_text(dtype) is None
    array = np.zeros(3, dtype)
    loaded = handover(array)
    assert loaded.dtype == dtype
    assert loaded.dtype.type is dtype.type
    assert loaded.dtype.isalignedstruct == dtype.isalignedstruct
    assert loaded.dtype.metadata == dtype.metadata
    assert loaded.tolist() == array.tolist()


def test_what_lies_between_fields_is_not_stored(handover):
    dtype = np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [0, 8], "itemsize": 16})
    written = []
    for noise in (b"\x01", b"\x02"):
        array = np.frombuffer(bytearray(noise * 64), dtype)
        array["a"], array["b"] = 5, 2.5
        same_values = handover(array)
        assert same_values.tolist() == [(5, 2.5)] * 4
        written.append(handover.digest)
    assert written[0] == written[1]


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2 has them")
def test_variable_width_strings(handover):
    array = np.array(["a", "long" * 10, ""], dtype=np.dtypes.StringDType())
    loaded = handover(array, stable=False)
    assert loaded.dtype == array.dtype
    assert loaded.tolist() == array.tolist()


def test_object_arrays_and_their_views(handover):
    array = np.array([[1, "a"], [None, {}]], object)
    loaded, column, backwards = handover(array, array[:, 1], array[::-1])
    loaded[0, 1] = "changed"
    assert column[0] == "changed"
    assert backwards[1, 1] == "changed"
    assert loaded[1, 1] is column[1]


def test_a_lone_object_view_leaves_its_base(handover):
    base = np.array([b"x" * 100_000, "small"], object)
    assert handover.write(base[1:]).stat().st_size < 2_000


def test_subclasses(handover, tmp_path):
    matrix = np.matrix([[1.0, 2], [3, 4]])
    same(handover(matrix), matrix)
    masked = np.ma.masked_array([1, 2, 3], mask=[0, 1, 0], fill_value=-1)
    loaded = handover(masked)
    assert type(loaded) is type(masked)
    assert loaded.mask.tolist() == [False, True, False]
    assert loaded.fill_value == -1
    records = np.rec.array([(1, 2.5), (3, 4.5)], names="a,b")
    loaded = handover(records)
    assert type(loaded) is np.recarray
    assert loaded.b.tolist() == [2.5, 4.5]
    assert loaded[0].a == 1
    np.arange(4.0).tofile(tmp_path / "m")
    mapped = np.memmap(tmp_path / "m", mode="r")
    same(handover(mapped), mapped)


def test_numpy_scalars_dtypes_and_generators(handover):
    values = [np.float32(1.5), np.int64(3), np.datetime64("2020-01-01"), np.str_("x"), np.dtype("f4"), np.bool_(True)]
    for value in values:
        loaded = handover(value)
        assert type(loaded) is type(value)
        assert loaded == value
    generator = np.random.default_rng(3)
    generator.random(5)
    loaded = handover(generator)
    assert loaded.random() == generator.random()
    state = np.random.RandomState(4)
    assert handover(state).rand() == state.rand()


@SMALL
@given(
    hnp.arrays(st.sampled_from([np.dtype(d) for d in ("f8", "i4", "?", "M8[s]", "U3")]), hnp.array_shapes(max_dims=3))
)
def test_any_array(handover, array):
    same(handover(array), array)


@SMALL
@given(st.data())
def test_any_two_views_keep_what_they_share(handover, data):
    base = np.arange(60).reshape(3, 4, 5)
    views = [base[data.draw(hnp.basic_indices(base.shape, allow_newaxis=True))] for _ in range(2)]
    views = [np.asarray(view) for view in views]
    loaded = handover([base, *views])
    base[...] = np.arange(60)[::-1].reshape(base.shape)
    loaded[0][...] = base
    for view, other in zip(views, loaded[1:], strict=True):
        if isinstance(view, np.ndarray) and np.shares_memory(view, base):
            assert np.array_equal(view, other)
            assert view.strides == other.strides or 1 in view.shape


@given(st.sampled_from(DTYPES))
def test_dtypes_survive_as_text(dtype):
    text = dtype_to_text(np.dtype(dtype))
    assert text is not None
    assert dtype_from_text(text) == np.dtype(dtype)
