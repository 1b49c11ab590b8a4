"""The content of arrays, frames and tensors, fed to a digest without a detour through Python objects.

Kinds are found by the name of a class and of its library, so that nothing is imported that the user has not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["LEAVES", "Leaf"]

Update = Callable[[bytes], None]
Inner = Callable[[Any], None]
"""Feeds a value that is part of this one."""


@dataclass(frozen=True)
class Leaf:
    """A kind of value that is not taken apart.

    Args:
        feed: Takes what feeds the digest, the value, and what feeds a part of it.
        has_memory: Whether values may look at one memory.
    """

    feed: Callable[[Update, Any, Inner], None]
    has_memory: bool = False


def _text(update: Update, text: str) -> None:
    update(f"{text};".encode("utf-8", "backslashreplace"))


def _ndarray(update: Update, array: Any, inner: Inner) -> None:
    import numpy as np

    kind = type(array)
    _text(update, f"{kind.__module__}.{kind.__qualname__} {array.shape}")
    if isinstance(array, np.ma.MaskedArray):
        inner(np.ma.getmaskarray(array))
        inner(array.fill_value)
        plain = np.where(np.ma.getmaskarray(array), np.zeros((), array.dtype), array.data)
    else:
        plain = np.asarray(array)
    _elements(update, plain, inner)


def _elements(update: Update, array: Any, inner: Inner) -> None:
    """Feed an array's elements in the order of its indexes, whatever the layout."""
    import numpy as np

    dtype = array.dtype
    if dtype.names is not None:
        for name in dtype.names:  # between the fields there may be bytes that mean nothing
            _text(update, str(name))
            _elements(update, array[name], inner)
        return
    _text(update, f"{dtype.str} {dtype!r}" if dtype.char in "mM" else dtype.str)
    if dtype.hasobject:
        inner(array.ravel().tolist())
    elif dtype.char in "gG":  # so have these numbers
        inner([repr(item) for item in array.ravel()])
    elif dtype.char == "V" or type(dtype).__name__ == "StringDType":
        inner(array.ravel().tolist())
    elif array.size:
        flat = np.ascontiguousarray(array).reshape(-1)
        update(memoryview(flat.view(np.uint8)))  # type: ignore[arg-type]


def _scalar(update: Update, value: Any, inner: Inner) -> None:
    import numpy as np

    _text(update, "scalar")
    _elements(update, np.asarray(value), inner)


def _dtype(update: Update, value: Any, _: Inner) -> None:
    _text(update, f"dtype {value!r}")


def _frame(update: Update, frame: Any, inner: Inner) -> None:
    _pandas_header(update, frame, inner)
    _index(update, frame.columns, inner)
    _index(update, frame.index, inner)
    for place in range(frame.shape[1]):
        _pandas_values(update, frame.iloc[:, place].array, inner)


def _series(update: Update, series: Any, inner: Inner) -> None:
    _pandas_header(update, series, inner)
    inner(series.name)
    _index(update, series.index, inner)
    _pandas_values(update, series.array, inner)


def _pandas_header(update: Update, value: Any, inner: Inner) -> None:
    kind = type(value)
    _text(update, f"{kind.__module__}.{kind.__qualname__} {value.shape}")
    if value.attrs:
        inner(dict(value.attrs))
    if not kind.__module__.startswith("pandas."):
        for name in getattr(kind, "_metadata", ()):
            inner(getattr(value, name, None))


def _index(update: Update, index: Any, inner: Inner) -> None:
    kind = type(index)
    _text(update, f"{kind.__qualname__} {len(index)}")
    inner(list(index.names))
    if kind.__qualname__ == "MultiIndex":
        for level in range(index.nlevels):
            _pandas_values(update, index.get_level_values(level).array, inner)
    elif kind.__qualname__ == "RangeIndex":
        _text(update, f"{index.start} {index.stop} {index.step}")
    else:
        _pandas_values(update, index.array, inner)
        _text(update, str(getattr(index, "freqstr", None)))


def _pandas_values(update: Update, array: Any, inner: Inner) -> None:
    dtype = array.dtype
    kind = type(array).__qualname__
    _text(update, f"{kind} {dtype} {len(array)}")
    if kind in ("NumpyExtensionArray", "PandasArray"):
        _elements(update, array.to_numpy(), inner)
    elif kind == "Categorical":
        inner(bool(array.ordered))
        _index(update, array.categories, inner)
        _elements(update, array.codes, inner)
    elif hasattr(array, "asi8"):
        _elements(update, array.asi8, inner)
    elif hasattr(array, "_mask") and hasattr(array, "_data"):
        mask = array._mask
        _elements(update, mask, inner)
        _elements(update, array.to_numpy(dtype=array._data.dtype, na_value=array._data.dtype.type()), inner)
    else:
        missing = dtype.na_value
        inner([None if item is missing else item for item in array.to_numpy(dtype=object).tolist()])


def _polars_frame(update: Update, frame: Any, inner: Inner) -> None:
    _text(update, f"polars.DataFrame {frame.shape}")
    for column in frame.get_columns():
        _polars_series(update, column, inner)


def _polars_series(update: Update, series: Any, inner: Inner) -> None:
    _text(update, f"polars.Series {series.name!r} {series.dtype} {len(series)}")
    if series.null_count() == 0 and series.dtype.is_numeric() and "Decimal" not in str(series.dtype):
        _elements(update, series.to_numpy(), inner)
    else:
        inner(series.to_list())


def _arrow_table(update: Update, table: Any, inner: Inner) -> None:
    _text(update, f"pyarrow.Table {table.schema}")
    for column in table.columns:
        inner(column.to_pylist())


def _arrow_array(update: Update, array: Any, inner: Inner) -> None:
    _text(update, f"pyarrow {array.type}")
    inner(array.to_pylist())


def _tensor(update: Update, tensor: Any, inner: Inner) -> None:
    import torch

    _text(update, f"torch {tensor.dtype} {tuple(tensor.shape)} {tensor.device.type} {tensor.requires_grad}")
    plain = tensor.detach().cpu()
    if plain.is_sparse or plain.is_quantized:
        inner(plain.to_dense().tolist() if plain.is_sparse else plain.dequantize().tolist())
    elif plain.numel():
        inner(plain.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    if tensor.grad is not None:
        inner(tensor.grad)


LEAVES: dict[str, Leaf] = {
    "numpy:ndarray": Leaf(_ndarray, has_memory=True),
    "numpy:generic": Leaf(_scalar),
    "numpy:dtype": Leaf(_dtype),
    "pandas:DataFrame": Leaf(_frame),
    "pandas:Series": Leaf(_series),
    "pandas:Index": Leaf(_index),
    "pandas:ExtensionArray": Leaf(_pandas_values),
    "polars:DataFrame": Leaf(_polars_frame),
    "polars:Series": Leaf(_polars_series),
    "pyarrow:Table": Leaf(_arrow_table),
    "pyarrow:Array": Leaf(_arrow_array),
    "pyarrow:ChunkedArray": Leaf(_arrow_array),
    "torch:Tensor": Leaf(_tensor),
}
"""By library and class; subclasses included."""
