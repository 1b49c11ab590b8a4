"""From what people send to rows that a model can take; what can't be taken is told by the name of its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_mlops.deploy.schema import Column, InputError, ModelSchema, Rows
from jupyter_mlops.notebook.names import nearest, printable

__all__ = ["rows_from", "rows_from_columns", "rows_from_matrix"]

_SOME = 10
_NUMERIC = (int, float, np.integer, np.floating)


def rows_from(data: Any, schema: ModelSchema) -> Rows:
    """Check a frame, a dict of columns, a list of dicts, a list of rows, or an array.

    Raises:
        InputError: They don't fit; it names the column.
    """
    columns = getattr(data, "columns", None)
    if columns is not None and not callable(columns):
        if schema.layout == "frame":
            return rows_from_columns({str(name): data[name] for name in columns}, schema)
        return rows_from_matrix(_frame_matrix(data), schema)
    if isinstance(data, Mapping):
        values = {str(name): value for name, value in data.items()}
        if not any(_is_many(value) for value in values.values()):
            values = {name: [value] for name, value in values.items()}
        return rows_from_columns(values, schema)
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)) and data and isinstance(data[0], Mapping):
        return rows_from_columns(_columns_of_records(data, schema), schema)
    return rows_from_matrix(data, schema)


def rows_from_columns(columns: Mapping[str, Any], schema: ModelSchema) -> Rows:
    """Check columns, which may stand in any order, and among others.

    Raises:
        InputError: One is missing, or doesn't fit.
    """
    if schema.layout == "array":
        return rows_from_matrix(_unnamed(columns, schema), schema)
    missing = [name for name in schema.names if name not in columns]
    if missing:
        raise _lacking(missing, columns, schema)
    found = {item.name: _values(columns[item.name], item) for item in schema.columns}
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        first = schema.names[0]
        other = next(name for name, length in lengths.items() if length != lengths[first])
        raise InputError(
            f"Columns differ in length: {printable(first)} has {lengths[first]} rows, "
            f"{printable(other)} has {lengths[other]}.",
            field=other,
        )
    if not schema.numeric:
        return Rows(schema, None, {item.name: _checked(found[item.name], item) for item in schema.columns})
    matrix = np.empty((lengths[schema.names[0]], len(found)), np.float64)
    for at, values in enumerate(found.values()):
        matrix[:, at] = values
    return rows_from_matrix(matrix, schema)


def rows_from_matrix(data: Any, schema: ModelSchema) -> Rows:
    """Check a matrix whose columns stand in the order of the model's.

    Raises:
        InputError: It has another shape, or values that don't fit.
    """
    matrix = data if isinstance(data, np.ndarray) else _array(data)
    width = schema.width
    if matrix.ndim == 1 and width is not None and matrix.size == 0:
        matrix = matrix.reshape(0, width)
    if matrix.ndim != 2 or (width is not None and matrix.shape[1] != width):
        wanted = "any number of" if width is None else str(width)
        raise InputError(
            f"The rows have the shape {list(matrix.shape)}; the model takes a row for each case and {wanted} columns.",
            field=_input_name(schema),
            hint=f"Columns: {_some(schema.names)}." if schema.names else None,
        )
    if schema.layout == "frame" and not schema.numeric:
        return rows_from_columns({name: matrix[:, at] for at, name in enumerate(schema.names)}, schema)
    if matrix.dtype.kind not in "fiu":
        matrix = _numbers(matrix, schema)
    matrix = np.ascontiguousarray(matrix, np.float64)
    if matrix.size and not np.isfinite(matrix).all():
        _check_finite(matrix, schema)
    if schema.largest != float("inf") and matrix.size:
        _check_size(matrix, schema)
    if schema.integers:
        _check_whole(matrix, schema)
    return Rows(schema, matrix)


def _array(data: Any) -> Any:
    try:
        found = np.asarray(data)
        # a text among numbers makes texts of all of them
        return found if found.dtype.kind not in "US" else np.asarray(data, object)
    except ValueError:
        pass
    lengths = [len(row) if isinstance(row, Sequence) else None for row in data]
    row = next((at for at, length in enumerate(lengths) if length != lengths[0]), 0)
    raise InputError(
        f"Rows differ in length: row 0 has {lengths[0]} values, row {row} has {lengths[row]}.", field="data"
    )


def _numbers(matrix: Any, schema: ModelSchema) -> Any:
    """A matrix of other things as numbers: None is missing, anything else that is no number is refused."""
    found = np.empty(matrix.shape, np.float64)
    for at in range(matrix.shape[1]):
        column = schema.columns[at] if schema.columns else Column(_called(schema, at), schema.dtype, schema.missing)
        found[:, at] = _values(matrix[:, at].tolist(), column)
    return found


def _values(values: Any, column: Column) -> Any:
    """The values of a column as an array of its kind; what may be missing is seen to later."""
    if column.kind in ("number", "integer"):
        return _number_values(values, column)
    plain = values.tolist() if hasattr(values, "tolist") else values
    if not _is_many(plain):
        raise InputError(f"{printable(column.name)} is no list of values.", field=column.name)
    if column.kind == "bool":
        return _bool_values(list(plain), column)
    if column.kind == "time":
        return _time_values(list(plain), column)
    return _text_values(list(plain), column)


def _number_values(values: Any, column: Column) -> Any:
    array = values if isinstance(values, np.ndarray) else _series_or_list(values, column)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{printable(column.name)} has the shape {list(array.shape)}; a value for each row is meant.",
            field=column.name,
        )
    if array.dtype.kind in "fiu":
        return array.astype(np.float64, copy=False)
    plain = array.tolist()
    for at, value in enumerate(plain):
        if value is None or _is_missing(value):
            plain[at] = np.nan
        elif isinstance(value, bool) or not isinstance(value, _NUMERIC):
            raise _wrong_type(value, at, column, "a number")
    try:
        return np.array(plain, np.float64)
    except OverflowError:
        raise InputError(f"{printable(column.name)} has a number that is too large.", field=column.name) from None


def _series_or_list(values: Any, column: Column) -> Any:
    if hasattr(values, "to_numpy"):
        return values.to_numpy()
    if not _is_many(values):
        raise InputError(f"{printable(column.name)} is no list of values.", field=column.name)
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{printable(column.name)} has lists of several lengths.", field=column.name) from None
    if array.dtype.kind not in "fiu" or bool in set(map(type, values)):
        return np.array([*values, None], object)[:-1] if array.ndim == 1 else array
    return array


def _bool_values(values: list[Any], column: Column) -> Any:
    for at, value in enumerate(values):
        if value is None or _is_missing(value):
            values[at] = None
        elif value not in (True, False):
            raise _wrong_type(value, at, column, "true or false")
    return np.array([None if value is None else bool(value) for value in values] + [None], object)[:-1]


def _text_values(values: list[Any], column: Column) -> Any:
    known = {type(item) for item in column.categories or ()} - {type(None)}
    plain_text = not known or known == {str}
    found = np.empty(len(values), object)
    for at, value in enumerate(values):
        if isinstance(value, list):
            if len(value) != 1:
                raise _wrong_type(value, at, column, "a value")
            value = value[0]
        if isinstance(value, (bytes, bytearray)):
            value = _decoded(bytes(value), at, column)
        if value is None or _is_missing(value):
            found[at] = None
        elif plain_text and not isinstance(value, str):
            raise _wrong_type(value, at, column, "a text")
        else:
            found[at] = value
    return found


def _time_values(values: list[Any], column: Column) -> Any:
    import pandas as pd

    texts = [None if value is None else value for value in _flat(values)]
    try:
        return pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", utc="," in column.dtype).to_numpy()
    except (ValueError, TypeError):
        raise InputError(
            f"{printable(column.name)} takes dates and times, such as 2026-01-31T12:00:00.", field=column.name
        ) from None


def _flat(values: list[Any]) -> list[Any]:
    flat = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in flat]


def _decoded(value: bytes, at: int, column: Column) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InputError(f"{printable(column.name)} is no UTF-8 text in row {at}.", field=column.name) from None


def _checked(values: Any, column: Column) -> Any:
    """Refuse what is missing, infinite, or not whole in a column that stands by itself."""
    if column.kind in ("number", "integer"):
        one = ModelSchema("frame", (column,))
        return rows_from_matrix(values.reshape(-1, 1), one).matrix[:, 0]
    if not column.missing:
        gone = [at for at, value in enumerate(values) if value is None or _is_missing(value)]
        if gone:
            raise _not_missing(column.name, gone[0])
    return values


def _check_finite(matrix: Any, schema: ModelSchema) -> None:
    if np.isinf(matrix).any():
        row, at = _where(np.isinf(matrix))
        raise InputError(f"{_called(schema, at)} is infinite in row {row}.", field=_called(schema, at))
    for at in np.flatnonzero(np.isnan(matrix).any(axis=0)).tolist():
        if not (schema.columns[at].missing if schema.columns else schema.missing):
            raise _not_missing(_called(schema, at), int(np.flatnonzero(np.isnan(matrix[:, at]))[0]))


def _check_size(matrix: Any, schema: ModelSchema) -> None:
    too_large = np.abs(matrix) > schema.largest
    if too_large.any():
        row, at = _where(too_large)
        name = _called(schema, at)
        raise InputError(f"{name} is too large in row {row}: the model computes with 32 bits.", field=name)


def _check_whole(matrix: Any, schema: ModelSchema) -> None:
    part = matrix[:, schema.integers]
    wrong = (part != np.rint(part)) & ~np.isnan(part)
    if wrong.any():
        row, at = _where(wrong)
        name = schema.names[schema.integers[at]]
        raise InputError(
            f"{printable(name)} takes whole numbers; row {row} has {float(part[row, at])!r}.",
            field=name,
        )


def _where(mask: Any) -> tuple[int, int]:
    row, at = np.argwhere(mask)[0].tolist()
    return row, at


def _called(schema: ModelSchema, at: int) -> str:
    return printable(schema.names[at]) if schema.columns else f"column {at}"


def _input_name(schema: ModelSchema) -> str:
    return schema.inputs[0].name if schema.layout == "array" else "input-0"


def _not_missing(name: str, row: int) -> InputError:
    return InputError(
        f"{printable(name)} is missing (NaN or null) in row {row}.",
        field=name,
        hint="The model was trained without missing values in this column, and can't handle them by itself.",
    )


def _wrong_type(value: Any, at: int, column: Column, wanted: str) -> InputError:
    kinds = {str: "the text", bool: "the truth value"}
    shown = f"{kinds.get(type(value), 'a ' + type(value).__name__)} {printable(repr(value)[:40])}"
    return InputError(f"{printable(column.name)} takes {wanted}; row {at} has {shown}.", field=column.name)


def _lacking(missing: Sequence[str], given: Mapping[str, Any], schema: ModelSchema) -> InputError:
    others = [name for name in given if name not in schema.names]
    near = nearest(missing[0], others)
    guess = f'; is "{printable(near)}" meant?' if near else "."
    return InputError(
        f"The data lack {_some(missing)}{guess}", field=missing[0], hint=f"The model takes {_some(schema.names, 20)}."
    )


def _columns_of_records(records: Sequence[Any], schema: ModelSchema) -> dict[str, list[Any]]:
    for at, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise InputError(f"Row {at} is no object of names and values, as row 0 is.", field="instances")
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    columns = {name: [record.get(name) for record in records] for name in names}
    for name in schema.names:
        row = next((at for at, record in enumerate(records) if name not in record), None)
        if row is not None and name in columns:
            raise InputError(f"Row {row} lacks {printable(name)}.", field=name)
    return columns


def _unnamed(columns: Mapping[str, Any], schema: ModelSchema) -> Any:
    """Columns for a model that knows no names: only their order can count, so one matrix under one name is meant."""
    if len(columns) == 1:
        values = next(iter(columns.values()))
        array = values if isinstance(values, np.ndarray) else _array(values)
        if array.ndim == 2:
            return array
    raise InputError(
        "The model was trained on an array and knows no names of columns.",
        field=next(iter(columns), "data"),
        hint=f"Send rows as lists of {schema.width or 'the'} values, in the order of the training data.",
    )


def _frame_matrix(frame: Any) -> Any:
    return frame.to_numpy() if hasattr(frame, "to_numpy") else np.asarray(frame)


def _is_many(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, Mapping))


def _is_missing(value: Any) -> bool:
    """NaN, NaT and pandas' NA are the values that don't equal themselves, or can't say."""
    if isinstance(value, str):
        return False
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _some(names: Sequence[str], most: int = _SOME) -> str:
    return ", ".join(printable(name) for name in names[:most]) + (", …" if len(names) > most else "")
