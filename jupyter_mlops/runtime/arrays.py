"""Arrays in an artifact: which memory they share, how it is stored, how it comes back.

An array is a row (region, offset, shape, strides, dtype, writeable, base): a region is a stretch of
memory that is written once, whoever looks at it. Arrays whose memory overlaps get one region, so that
views stay views. An array alone is stored without what lies between its elements, but in its own order in
memory: results of floating-point reductions depend on that order.
"""

from __future__ import annotations

import ast
import ctypes
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ArrayTable", "Region", "dtype_from_text", "dtype_to_text", "extent", "raw_memory", "restore_arrays"]

OWN_LIMIT = 1024 * 1024
"""Regions up to this many bytes are copied on load: such arrays own their data, as in the notebook."""
WASTE_LIMIT = 4
"""A shared region may be this many times larger than what its arrays show of it."""

Row = list[Any]
Memory = Any


@dataclass(frozen=True)
class Region:
    """A stretch of memory to store: ``write`` passes its bytes on, ``size`` is their number."""

    size: int
    write: Callable[[Callable[[Any], object]], object]


def extent(array: Any) -> tuple[int, int]:
    """Return the addresses of an array's first byte and of the one after its last."""
    low = high = array.__array_interface__["data"][0]
    if array.size == 0:
        return low, low
    for length, stride in zip(array.shape, array.strides):  # noqa: B905 (Python 3.9)
        span = stride * (length - 1)
        low, high = (low + span, high) if span < 0 else (low, high + span)
    return low, high + array.itemsize


def raw_memory(low: int, high: int) -> memoryview:
    """Return the process's memory between two addresses; whoever calls keeps it alive."""
    return memoryview((ctypes.c_char * (high - low)).from_address(low)).cast("B")


def dtype_to_text(dtype: Any) -> str | None:
    """Return a dtype as text, or None if it cannot be told exactly that way."""
    import numpy as np

    if dtype.hasobject or dtype.metadata or dtype.kind not in "biufcSUmMV?":
        return None
    if dtype.names is None and dtype.subdtype is None:
        text = str(dtype.str)
        return text if np.dtype(text) == dtype else None
    if dtype.type is not np.void or dtype.isalignedstruct:
        return None
    text = repr(np.lib.format.dtype_to_descr(dtype))
    again = dtype_from_text(text)
    return text if again == dtype and again.itemsize == dtype.itemsize else None


def dtype_from_text(text: str) -> Any:
    """Undo ``dtype_to_text``."""
    import numpy as np

    return np.lib.format.descr_to_dtype(ast.literal_eval(text)) if text[0] in "[(" else np.dtype(text)


class ArrayTable:
    """Collects the arrays and other buffers of one artifact."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._is_array: list[bool] = []
        self._positions: dict[int, int] = {}
        self._dtypes: dict[int, tuple[Any, str | None]] = {}

    def add_array(self, array: Any) -> int | None:
        """Take an array in and return its number, or None if it must be pickled instead."""
        known = self._positions.get(id(array))
        if known is not None:
            return known
        if self._dtype(array.dtype) is None:
            return None
        position = self._positions[id(array)] = len(self._items)
        self._append(array, True)
        return position

    def add_buffer(self, buffer: Any) -> None:
        """Take a pickle's out-of-band buffer in; they are numbered among themselves."""
        self._append(buffer.raw(), False)

    def _append(self, item: Any, is_array: bool) -> None:
        self._items.append(item)
        self._is_array.append(is_array)

    def _dtype(self, dtype: Any) -> str | None:
        if id(dtype) not in self._dtypes:  # equal dtypes may differ in kind and metadata
            self._dtypes[id(dtype)] = (dtype, dtype_to_text(dtype))
        return self._dtypes[id(dtype)][1]

    def plan(self) -> tuple[list[Region], list[Row | None], list[Row]]:
        """Lay everything out.

        Returns:
            The regions, a row per array (by its number; None where a number belongs to a buffer), and
            a row (region, offset, size) per buffer.
        """
        spans = [self._span(item, is_array) for item, is_array in zip(self._items, self._is_array)]  # noqa: B905
        regions: list[Region] = []
        rows: dict[int, Row] = {}
        for group in self._groups(spans):
            self._lay_out(group, spans, regions, rows)
        arrays = [rows[i] if is_array else None for i, is_array in enumerate(self._is_array)]
        return regions, arrays, [rows[i] for i, is_array in enumerate(self._is_array) if not is_array]

    def _span(self, item: Any, is_array: bool) -> tuple[int, int]:
        if is_array:
            return extent(item)
        if item.nbytes == 0 or "numpy" not in sys.modules:
            return 0, 0
        import numpy as np

        return extent(np.frombuffer(item, np.uint8))

    def _groups(self, spans: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Put what overlaps in memory together; the order of regions is that of their first members."""
        groups: list[list[int]] = [[i] for i, (low, high) in enumerate(spans) if low == high]
        end = -1
        for i in sorted((i for i, (low, high) in enumerate(spans) if low < high), key=spans.__getitem__):
            low, high = spans[i]
            if low < end:
                groups[-1].append(i)
            else:
                groups.append([i])
            end = max(end, high)
        parts = [part for group in groups for part in self._split(group, spans)]
        return sorted((sorted(part) for part in parts), key=lambda part: part[0])

    def _split(self, group: list[int], spans: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Part arrays that lie interleaved in a large base without sharing an element."""
        if len(group) == 1 or len(group) > 16 or not all(self._is_array[i] for i in group):
            return [group]
        size = max(spans[i][1] for i in group) - min(spans[i][0] for i in group)
        if size <= WASTE_LIMIT * sum(_content_size(self._items[i]) for i in group):
            return [group]
        parts: list[list[int]] = []
        for i in group:
            sharing = [part for part in parts if any(_share(self._items[i], self._items[j]) for j in part)]
            parts = [part for part in parts if part not in sharing] + [[i] + [j for part in sharing for j in part]]
        return parts

    def _lay_out(
        self, group: list[int], spans: Sequence[tuple[int, int]], regions: list[Region], rows: dict[int, Row]
    ) -> None:
        number = len(regions)
        item = self._items[group[0]]
        if len(group) == 1 and not self._is_array[group[0]]:
            regions.append(Region(item.nbytes, lambda write: write(item)))
            rows[group[0]] = [number, 0, item.nbytes]
            return
        if len(group) == 1 and (_padded(item.dtype) or _content_size(item) < spans[group[0]][1] - spans[group[0]][0]):
            strides, offset, size = _compact_layout(item)
            regions.append(Region(size, lambda write: write(_compact(item))))
            rows[group[0]] = self._row(item, number, offset, strides, group)
            return
        low = min(spans[i][0] for i in group)
        high = max(spans[i][1] for i in group)
        regions.append(Region(high - low, lambda write: write(raw_memory(low, high)) if high > low else None))
        for i in group:
            member = self._items[i]
            if self._is_array[i]:
                start = member.__array_interface__["data"][0] - low if member.size else 0
                rows[i] = self._row(member, number, start, _plain_strides(member), group)
            else:
                rows[i] = [number, spans[i][0] - low, member.nbytes]

    def _row(self, array: Any, region: int, offset: int, strides: Sequence[int], group: Sequence[int]) -> Row:
        base = self._positions.get(id(array.base))
        if base is not None and (base not in group or not self._items[base].flags.c_contiguous):
            base = None
        dtype = self._dtype(array.dtype)
        return [region, offset, list(array.shape), list(strides), dtype, bool(array.flags.writeable), base]


def restore_arrays(rows: Sequence[Row | None], regions: Sequence[tuple[int, int]], memory: Memory) -> list[Any]:
    """Build the arrays of a table.

    Args:
        rows: As ``ArrayTable.plan`` made them.
        regions: Offset and size of each region in ``memory``.
        memory: The artifact's bytes, writable.
    """
    restorer = _Restorer(rows, regions, memory)
    arrays: list[Any] = [None if row is None else restorer.array(i) for i, row in enumerate(rows)]
    for array, row in zip(arrays, rows):  # noqa: B905
        if row is not None and not row[5]:
            array.flags.writeable = False
    return arrays


class _Restorer:
    def __init__(self, rows: Sequence[Row | None], regions: Sequence[tuple[int, int]], memory: Memory) -> None:
        self._rows = rows
        self._regions = regions
        self._memory = memory
        self._members = Counter(row[0] for row in rows if row is not None)
        self._copies: dict[int, Memory] = {}
        self._arrays: dict[int, Any] = {}

    def array(self, number: int) -> Any:
        if number not in self._arrays:
            row = self._rows[number]
            assert row is not None
            self._arrays[number] = self._restore(row)
        return self._arrays[number]

    def _restore(self, row: Row) -> Any:
        region, offset, _, strides, _, _, base = row
        if base is not None:
            base_row = self._rows[base]
            assert base_row is not None
            return _build(row, self.array(base), offset - base_row[1])
        start, size = self._regions[region]
        stretch = self._memory[start : start + size]
        if size > OWN_LIMIT:
            return _build(row, stretch, offset)
        array = _build(row, stretch, offset)
        dense = array.nbytes == size and all(stride >= 0 for stride in strides)
        if dense and self._members[region] == 1:
            return array.copy(order="K")
        if region not in self._copies:
            self._copies[region] = bytearray(stretch)
        return _build(row, self._copies[region], offset)


def _build(row: Row, memory: Memory, offset: int) -> Any:
    import numpy as np

    shape, dtype = tuple(row[2]), dtype_from_text(row[4])
    if 0 in shape or dtype.itemsize == 0:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, buffer=memory, offset=offset, strides=tuple(row[3]))


def _plain_strides(array: Any) -> list[int]:
    """Strides, zero where they mean nothing, so that equal layouts look equal."""
    if array.size == 0:
        return [0] * array.ndim
    return [0 if length == 1 else stride for length, stride in zip(array.shape, array.strides)]  # noqa: B905


def _content_size(array: Any) -> int:
    """Bytes of the elements, those of a broadcast axis once."""
    size = int(array.itemsize)
    for length, stride in zip(array.shape, array.strides):  # noqa: B905
        if stride or length == 0:
            size *= length
    return size


def _compact_layout(array: Any) -> tuple[list[int], int, int]:
    """Lay an array out anew, in its own order of axes and directions.

    Between axes that do not join in memory a gap of one element stays: NumPy and BLAS go over joined axes
    in another way, with another rounding.

    Returns:
        Strides, the first element's offset, and the size in bytes.
    """
    strides = _plain_strides(array)
    itemsize = int(array.itemsize)
    span, old_span, offset = itemsize, itemsize, 0
    size = itemsize
    for axis in sorted(range(array.ndim), key=lambda axis: (abs(strides[axis]), -axis)):
        if strides[axis] == 0:
            continue
        step = span if abs(strides[axis]) == old_span else span + itemsize
        reach = step * (array.shape[axis] - 1)
        span, old_span = step * array.shape[axis], abs(strides[axis]) * array.shape[axis]
        size += reach
        offset += reach if strides[axis] < 0 else 0
        strides[axis] = step if strides[axis] > 0 else -step
    return strides, offset, size


def _compact(array: Any) -> Any:
    """Copy an array into memory of the layout above; gaps are zero."""
    import numpy as np

    strides, offset, size = _compact_layout(array)
    memory = np.zeros(size, np.uint8)
    _assign(np.ndarray(array.shape, array.dtype, buffer=memory, offset=offset, strides=strides), array)
    return memory


def _padded(dtype: Any) -> bool:
    """Whether records have bytes that belong to no field; what is in them is chance."""
    if dtype.subdtype is not None:
        return _padded(dtype.subdtype[0])
    if dtype.names is None:
        return False
    fields = [dtype.fields[name][0] for name in dtype.names]
    return sum(field.itemsize for field in fields) < dtype.itemsize or any(_padded(field) for field in fields)


def _assign(target: Any, source: Any) -> None:
    """Copy elements, but not the padding of records."""
    if not _padded(source.dtype):
        target[...] = source
        return
    for name in source.dtype.names:
        _assign(target[name], source[name])


def _share(one: Any, other: Any) -> bool:
    import numpy as np

    try:
        return bool(np.shares_memory(one, other, max_work=10_000))  # type: ignore[arg-type,unused-ignore]
    except Exception:  # too hard to decide: keep them together
        return True
