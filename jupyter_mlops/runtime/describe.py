"""What people see of a value: its type, a short preview, its schema. No code of the user runs here."""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any

__all__ = ["describe", "plain", "preview", "schema", "type_name"]

MAX_PREVIEW = 200
TIMES = " \N{MULTIPLICATION SIGN} "
MAX_COLUMNS = 200
MAX_ITEMS = 6
_BRACKETS: dict[Any, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_FRAMES = ("pandas.DataFrame", "polars.DataFrame")
_COLUMNS = ("pandas.Series", "pandas.Index", "polars.Series")
_ARRAYS = ("numpy.ndarray", "torch.Tensor")
_KINDS = frozenset(
    (*_FRAMES, *_COLUMNS, *_ARRAYS, "numpy.generic", "pyarrow.Table", "matplotlib.Figure", "sklearn.BaseEstimator")
)
PLAIN = (str, bytes, int, float, complex, bool, type(None))


def describe(value: Any) -> dict[str, Any]:
    """Return type, preview and schema of a value; whatever goes wrong, there is a description."""
    return {"type": type_name(type(value)), "preview": preview(value), "schema": schema(value)}


def type_name(cls: type) -> str:
    """Name a class as people import it: ``pandas.DataFrame``, ``sklearn.ensemble.RandomForestClassifier``."""
    if cls.__module__ == "builtins":
        return cls.__qualname__
    parts = cls.__module__.split(".")
    for end in range(1, len(parts)):
        found: Any = sys.modules.get(".".join(parts[:end]))
        for name in cls.__qualname__.split("."):
            found = getattr(found, "__dict__", {}).get(name)
        if found is cls:
            return ".".join([*parts[:end], cls.__qualname__])
    return f"{cls.__module__}.{cls.__qualname__}"


def preview(value: Any) -> str:
    """Show a value in at most 200 characters."""
    try:
        text = _preview(value)
    except Exception:
        text = type(value).__name__
    text = " ".join(text.split())
    return text if len(text) <= MAX_PREVIEW else text[: MAX_PREVIEW - 1] + "…"


def schema(value: Any) -> dict[str, Any] | None:
    """Columns of a frame, dtype and shape of an array, what an estimator is; None for anything else."""
    try:
        return _schema(value)
    except Exception:
        return None


def plain(value: Any) -> str:
    """Show plain data; anything else by the name of its type."""
    return _plain(value, 3)


def _kind(value: Any) -> str:
    """The known class that a value is of, subclasses included; an empty text for any other."""
    for cls in type(value).__mro__:
        top = cls.__module__.split(".")[0]
        if f"{top}.{cls.__name__}" in _KINDS:
            return f"{top}.{cls.__name__}"
    return ""


def _preview(value: Any) -> str:
    if isinstance(value, (types.FunctionType, type, types.ModuleType)):
        return _preview_code(value)
    if type(value) in PLAIN or type(value) in (list, tuple, set, frozenset, dict):
        return _plain(value, 3)
    name, kind = type(value).__name__, _kind(value)
    if kind in _FRAMES:
        return f"{name} {value.shape[0]}{TIMES}{value.shape[1]}"
    if kind == "pyarrow.Table":
        return f"Table {value.num_rows}{TIMES}{value.num_columns}"
    if kind in _COLUMNS:
        return f"{name} {value.dtype} {len(value)}"
    if kind in _ARRAYS:
        return _preview_array(value)
    if kind == "numpy.generic":
        return str(value)
    if kind == "matplotlib.Figure":
        width, height = (round(float(side)) for side in value.bbox.size)
        return f"Figure {width}{TIMES}{height}, {len(value.axes)} axes"
    if kind == "sklearn.BaseEstimator":
        return _preview_estimator(value)
    return f"{name} object"


def _preview_code(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    code = value.__code__
    return f"function {value.__name__}({', '.join(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])})"


def _preview_array(value: Any) -> str:
    dtype = str(value.dtype).replace("torch.", "")
    shape = TIMES.join(str(length) for length in value.shape)
    if shape:
        return f"{type(value).__name__} {dtype} {shape}"
    return f"{type(value).__name__} {dtype} {_plain(value.item(), 1)}"


def _preview_estimator(value: Any) -> str:
    shown = []
    for name, parameter in list(inspect.signature(type(value).__init__).parameters.items())[1:]:
        given = value.__dict__.get(name, parameter.default)
        same = type(given) is type(parameter.default) and type(given) in PLAIN and given == parameter.default
        if given is not parameter.default and not same:
            shown.append(f"{name}={_plain(given, 3)}")
    return f"{type(value).__name__}({', '.join(shown)})"


def _plain(value: Any, depth: int) -> str:
    """Show plain data; anything else by the name of its type."""
    cls = type(value)
    if cls is str or cls is bytes:
        return repr(value if len(value) <= MAX_PREVIEW else value[:MAX_PREVIEW])
    if cls is int and value.bit_length() > 600:
        return f"an integer of {value.bit_length()} bits"
    if cls in PLAIN:
        return repr(value)
    if cls in (list, tuple, set, frozenset):
        return _plain_items(value, depth)
    if cls is dict:
        if depth == 0:
            return "{…}"
        items = [f"{_plain(key, 0)}: {_plain(item, depth - 1)}" for key, item in _first(value.items())]
        return "{" + ", ".join(items) + (", …" if len(value) > MAX_ITEMS else "") + "}"
    return str(value) if _kind(value) == "numpy.generic" else cls.__name__


def _plain_items(value: Any, depth: int) -> str:
    opening, closing = _BRACKETS[type(value)]
    if depth == 0:
        return f"{opening}…{closing}"
    items = [_plain(item, depth - 1) for item in _first(value)]
    more = f", … {len(value)} in all" if len(value) > MAX_ITEMS else ""
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return opening + ", ".join(items) + comma + more + closing


def _first(items: Any) -> list[Any]:
    return [item for item, _ in zip(items, range(MAX_ITEMS))]  # noqa: B905


def _schema(value: Any) -> dict[str, Any] | None:
    kind = _kind(value)
    if kind in _FRAMES:
        names = list(value.columns[:MAX_COLUMNS])
        dtypes = list(value.dtypes)[:MAX_COLUMNS]
        return _frame_schema(names, dtypes, value.shape)
    if kind == "pyarrow.Table":
        fields = [value.schema.field(i) for i in range(min(value.num_columns, MAX_COLUMNS))]
        return _frame_schema(
            [field.name for field in fields], [field.type for field in fields], (value.num_rows, value.num_columns)
        )
    if kind in _COLUMNS:
        return {"dtype": str(value.dtype), "shape": [len(value)]}
    if kind in _ARRAYS:
        return {"dtype": str(value.dtype).replace("torch.", ""), "shape": [int(length) for length in value.shape]}
    if kind == "sklearn.BaseEstimator":
        from .estimators import describe_estimator

        return {"estimator": describe_estimator(value)}
    return None


def _frame_schema(names: list[Any], dtypes: list[Any], shape: tuple[int, int]) -> dict[str, Any]:
    columns = {
        name if isinstance(name, str) else _plain(name, 2): str(dtype)
        for name, dtype in zip(names, dtypes)  # noqa: B905
    }
    return {"columns": columns, "rows": int(shape[0]), "more_columns": max(0, int(shape[1]) - len(names))}
