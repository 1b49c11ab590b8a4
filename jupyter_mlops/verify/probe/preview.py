"""A value in a few words that tell it from a slightly different one."""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["shorten"]

WIDTH = 160
ITEMS = 6
MOST_SUMMED = 1_000_000
_REPRS = frozenset(
    {
        "collections.deque",
        "datetime.date",
        "datetime.datetime",
        "datetime.timedelta",
        "decimal.Decimal",
        "fractions.Fraction",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "uuid.UUID",
        "builtins.range",
        "builtins.bytearray",
    }
)
"""Types whose own text is short and says all."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def shorten(value: Any) -> str:
    """Describe a value; no code of the user's classes runs."""
    try:
        text = _text(value, 3)
    except Exception:  # a value that does not even say how long it is
        text = type(value).__name__
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _text(value: Any, depth: int) -> str:
    cls: Any = type(value)
    if cls in _PLAIN:
        if isinstance(value, (str, bytes)) and len(value) > WIDTH:
            return f"{value[: WIDTH // 2]!r}… ({len(value)} long)"
        return repr(value)
    if cls in (list, tuple, set, frozenset):
        opening, closing = "[]" if cls is list else "()" if cls is tuple else "{}"
        return opening + _joined((_text(item, depth - 1) for item in _first(value, depth)), value, depth) + closing
    if f"{cls.__module__}.{cls.__qualname__}" in _REPRS:
        return str(repr(value))
    if cls is dict or (isinstance(value, dict) and cls.__module__ == "collections"):
        pairs = (f"{_text(key, 1)}: {_text(item, depth - 1)}" for key, item in _first(value.items(), depth))
        return "{" + _joined(pairs, value, depth) + "}"
    if isinstance(value, (types.FunctionType, type)):
        return f"{'class' if isinstance(value, type) else 'function'} {value.__qualname__}"
    return _library(value) or _object(value, depth)


def _first(items: Any, depth: int) -> list[Any]:
    return [item for item, _ in zip(items, range(ITEMS if depth > 0 else 0))]  # noqa: B905


def _joined(texts: Any, value: Any, depth: int) -> str:
    more = f", … {len(value)} in all" if len(value) > ITEMS and depth > 0 else ""
    return (", ".join(texts) if depth > 0 else "…") + more


def _library(value: Any) -> str | None:
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _array(value)
    if numpy is not None and isinstance(value, numpy.generic):
        return f"{value.dtype} {value}"
    if pandas is not None and isinstance(value, pandas.DataFrame):
        rows, columns = value.shape
        first = ", ".join(f"{name}: {value.iloc[0, i]}" for i, name in enumerate(value.columns[:ITEMS])) if rows else ""
        total = ""
        if 0 < value.size <= MOST_SUMMED and (numbers := value.select_dtypes("number")).size:
            total = f", sum of all numbers {float(numbers.sum().sum()):.17g}"
        return f"{type(value).__name__} {rows}×{columns} ({first}{', …' if columns > ITEMS else ''}){total}"  # noqa: RUF001
    if pandas is not None and isinstance(value, (pandas.Series, pandas.Index)):
        return f"{type(value).__name__} {_array(value.to_numpy(), str(value.dtype))}"
    return None


def _array(array: Any, dtype: str | None = None) -> str:
    shape = "×".join(map(str, array.shape)) or "scalar"  # noqa: RUF001
    shown = ", ".join(map(str, array.reshape(-1)[:ITEMS].tolist()))
    more = ", …" if array.size > ITEMS else ""
    total = ""
    if array.dtype.kind in "iufb" and ITEMS < array.size <= MOST_SUMMED:
        total = f", sum {float(array.sum(dtype=float)):.17g}"
    return f"{dtype or array.dtype} {shape} [{shown}{more}]{total}"


def _object(value: Any, depth: int) -> str:
    name = type(value).__name__
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except Exception:
        return name
    if not isinstance(attributes, dict) or depth < 2:
        return name
    plain = [(key, item) for key, item in attributes.items() if type(item) in _PLAIN and item is not None]
    return f"{name}({', '.join(f'{key}={_text(item, 0)}' for key, item in plain[:ITEMS])})"
