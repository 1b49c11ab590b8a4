"""What computes: the estimators themselves, or their form for ONNX Runtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from jupyter_mlops.deploy.schema import ModelSchema, Rows
from jupyter_mlops.errors import UsageError

__all__ = ["LABELS", "PROBABILITIES", "Engine", "EstimatorEngine", "OnnxEngine"]

LABELS = "predict"
PROBABILITIES = "predict_proba"


class Engine(Protocol):
    """Computes outputs of rows that were checked."""

    name: str

    def run(self, rows: Rows, outputs: Collection[str]) -> dict[str, Any]:
        """Return arrays by the names of outputs."""
        ...


class EstimatorEngine:
    """The objects that were registered, applied one after another.

    Args:
        members: Preprocessing that transforms, then what predicts.
    """

    name = "estimator"

    def __init__(self, members: Sequence[Any], schema: ModelSchema) -> None:
        self._before = tuple(members[:-1])
        self._last = members[-1]
        self._schema = schema

    def run(self, rows: Rows, outputs: Collection[str]) -> dict[str, Any]:
        """Return arrays by the names of outputs."""
        data = self._data(rows)
        for member in self._before:
            data = _transformed(member, data)
        found: dict[str, Any] = {}
        if LABELS in outputs:
            found[LABELS] = np.asarray(_function(self._last)(data))
        if PROBABILITIES in outputs:
            found[PROBABILITIES] = np.asarray(self._last.predict_proba(data))
        return found

    def _data(self, rows: Rows) -> Any:
        if self._schema.layout == "array":
            return rows.matrix.astype(self._schema.dtype, copy=False)
        import pandas as pd

        return pd.DataFrame(
            {item.name: _series(rows.column(item.name), item.dtype, item.categories) for item in self._schema.columns}
        )


class OnnxEngine:
    """A converted model under ONNX Runtime, on one thread.

    Args:
        content: The model's bytes.
        single: Whether it takes 32-bit floats, else 64-bit.
        by_column: Whether it takes a tensor for each column, else one matrix.
        names: Its outputs by ours.
    """

    name = "onnx"

    def __init__(
        self, content: bytes, schema: ModelSchema, *, single: bool, by_column: bool, names: Mapping[str, str]
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._float: Any = np.float32 if single else np.float64
        self._by_column = by_column
        self._schema = schema
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._names = dict(names)
        self._wanted: dict[frozenset[str], list[str]] = {}

    def run(self, rows: Rows, outputs: Collection[str]) -> dict[str, Any]:
        """Return arrays by the names of outputs."""
        ours = [name for name in self._names if name in outputs]
        theirs = [self._names[name] for name in ours]
        found = self._session.run(theirs, self._fed(rows))
        return {name: _as_ours(name, value) for name, value in zip(ours, found, strict=True)}

    def _fed(self, rows: Rows) -> dict[str, Any]:
        if not self._by_column:
            return {self._inputs[0]: rows.matrix.astype(self._float, copy=False)}
        columns = zip(self._inputs, self._schema.columns, strict=True)
        return {name: self._tensor(rows.column(item.name), item.kind) for name, item in columns}

    def _tensor(self, values: Any, kind: str) -> Any:
        if kind == "number":
            return values.astype(self._float).reshape(-1, 1)
        if kind in ("integer", "bool"):
            return values.astype(np.int64 if kind == "integer" else np.bool_).reshape(-1, 1)
        return values.reshape(-1, 1)


def _as_ours(name: str, value: Any) -> Any:
    """An output in the shape and type of the estimator's."""
    if name == LABELS and value.ndim == 2 and value.shape[1] == 1:
        value = value[:, 0]
    return value.astype(np.float64) if value.dtype == np.float32 else value


def _function(value: Any) -> Any:
    method = getattr(value, "predict", None)
    if callable(method):
        return method
    if callable(value):
        return value
    raise UsageError(f"A {type(value).__name__} can't predict by itself.", hint="It has neither predict nor a call.")


def _transformed(member: Any, data: Any) -> Any:
    method = getattr(member, "transform", None)
    return method(data) if callable(method) else member(data)


def _series(values: Any, dtype: str, categories: tuple[Any, ...] | None) -> Any:
    """A column as the training data had it."""
    import pandas as pd

    if categories is not None:
        return pd.Categorical(values, categories=list(categories))
    kind = np.dtype(values.dtype).kind
    if kind == "f" and dtype.startswith(("int", "uint")) and np.isnan(values).any():
        return values  # a whole number that is missing makes a column of floats, as in pandas
    if dtype.startswith("bool") and any(item is None for item in values):
        return values
    try:
        return pd.Series(values).astype(dtype)
    except (TypeError, ValueError):
        return values
