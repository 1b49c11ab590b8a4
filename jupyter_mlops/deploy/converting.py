"""The form of a model for ONNX Runtime, and whether it says the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jupyter_mlops.deploy.engines import LABELS, PROBABILITIES, Engine, EstimatorEngine, OnnxEngine
from jupyter_mlops.deploy.schema import ModelSchema, Rows

__all__ = ["PADDINGS", "Converted", "convert", "independent_padding"]

PADDINGS = (1, 2, 4, 8, 16, 32)
_TOLERANCE = 1e-5
_MOST = 120


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of converting a model.

    Args:
        content: The converted model, if it can take the model's place.
        reason: Why it can't.
        rows: On how many it was compared.
        difference: The largest there: of probabilities, or of predictions in relation to their size.
        single: Whether it computes with 32-bit floats.
        by_column: Whether it takes a tensor for each column.
        names: Its outputs by ours.
    """

    content: bytes | None = None
    reason: str | None = None
    rows: int = 0
    difference: float | None = None
    single: bool = False
    by_column: bool = False
    names: dict[str, str] = field(default_factory=dict)


def convert(members: Sequence[Any], schema: ModelSchema, rows: Rows | None) -> Converted:
    """Convert a model and compare it with itself on real rows.

    Args:
        members: Preprocessing, then what predicts.
        rows: Real ones, such as of the training data.
    """
    if rows is None or not len(rows):
        return Converted(reason="there are no rows of its training data to compare on")
    try:
        import onnxruntime  # noqa: F401
        import skl2onnx  # noqa: F401
    except ImportError as error:
        return Converted(reason=f"{error.name} is not installed")
    expected = _Expected(members, schema, rows)
    reasons: list[str] = []
    for single, by_column in _ways(members[-1], schema):
        found = _tried(members, schema, expected, single, by_column)
        if found.content is not None:
            return found
        reasons.append(found.reason or "")
    return Converted(reason=reasons[0], rows=len(rows))


def independent_padding(engine: Engine, rows: Rows, outputs: Sequence[str]) -> int | None:
    """Return to which multiple rows must be filled up for each row's result not to depend on the rows beside it.

    Matrix products take other ways for few rows than for many, and differ in the last digits then. None if no padding
    makes them equal: such a model's requests are never computed together.

    Args:
        rows: Real ones.
    """
    part = rows.part(0, _MOST)
    for padding in PADDINGS:
        whole = _run(engine, part, outputs, padding)
        if all(_same(engine, part, outputs, padding, size, whole) for size in (1, 3, 5, 17, 32, 59)):
            return padding
    return None


class _Expected:
    """What the estimators say of real rows."""

    def __init__(self, members: Sequence[Any], schema: ModelSchema, rows: Rows) -> None:
        self.rows = rows
        self.outputs = EstimatorEngine(members, schema).run(rows, [item.name for item in schema.outputs])


def _ways(last: Any, schema: ModelSchema) -> list[tuple[bool, bool]]:
    """32 or 64 bits, matrix or columns, the likeliest first: trees of scikit-learn compare 32-bit floats."""
    module = type(last).__module__
    floats = (True, False) if ".tree" in module or ".ensemble" in module or "boost" in module else (False, True)
    if schema.layout == "frame" and not schema.numeric:
        return [(single, True) for single in floats]
    layouts = (False, True) if schema.layout == "frame" else (False,)
    return [(single, by_column) for by_column in layouts for single in floats]


def _tried(
    members: Sequence[Any], schema: ModelSchema, expected: _Expected, single: bool, by_column: bool
) -> Converted:
    count = len(expected.rows)
    try:
        content, names = _converted(members, schema, single, by_column)
        engine = OnnxEngine(content, schema, single=single, by_column=by_column, names=names)
        found = engine.run(expected.rows, list(expected.outputs))
    except Exception as error:  # whatever a converter or the runtime can't do is a reason
        text = " ".join(str(error).split())
        return Converted(reason=f"it can't be converted: {type(error).__name__}: {text[:200]}", rows=count)
    worst = 0.0
    for name, wanted in expected.outputs.items():
        got = found.get(name)
        if got is None or got.shape != wanted.shape:
            return Converted(reason=f"the converted model gives no {name} of the same shape", rows=count)
        if name == LABELS and schema.classes:
            differing = int((got.astype(wanted.dtype) != wanted).sum())
            if differing:
                return Converted(reason=f"{differing} of {count} labels differ", rows=count)
            continue
        scale = 1.0 if name == PROBABILITIES else np.maximum(np.abs(wanted), 1.0)
        worst = max(worst, float(np.max(np.abs(got - wanted) / scale, initial=0.0)))
        if not worst <= _TOLERANCE:
            return Converted(reason=f"{name} differs by {worst:.2g}", rows=count, difference=worst)
    return Converted(content, None, count, worst, single, by_column, names)


def _converted(
    members: Sequence[Any], schema: ModelSchema, single: bool, by_column: bool
) -> tuple[bytes, dict[str, str]]:
    from skl2onnx import convert_sklearn
    from sklearn.base import is_classifier
    from sklearn.pipeline import Pipeline

    model = members[0] if len(members) == 1 else Pipeline([(f"m{at}", item) for at, item in enumerate(members)])
    options = {id(model): {"zipmap": False}} if is_classifier(model) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("skl2onnx").setLevel(logging.ERROR)
        made = convert_sklearn(model, "model", _types(schema, single, by_column), options=options)
    outputs = [item.name for item in made.graph.output]
    names = {LABELS: outputs[0]}
    if any(item.name == PROBABILITIES for item in schema.outputs) and len(outputs) > 1:
        names[PROBABILITIES] = outputs[1]
    return made.SerializeToString(), names


def _types(schema: ModelSchema, single: bool, by_column: bool) -> list[tuple[str, Any]]:
    from skl2onnx.common import data_types

    number = data_types.FloatTensorType if single else data_types.DoubleTensorType
    if not by_column:
        return [("input", number([None, schema.width]))]
    kinds = {
        "number": number,
        "integer": data_types.Int64TensorType,
        "bool": data_types.BooleanTensorType,
        "text": data_types.StringTensorType,
        "category": data_types.StringTensorType,
    }
    return [(item.name, kinds[item.kind]([None, 1])) for item in schema.columns]


def _same(engine: Engine, rows: Rows, outputs: Sequence[str], padding: int, size: int, whole: dict[str, Any]) -> bool:
    for start in range(0, len(rows), size):
        part = _run(engine, rows.part(start, start + size), outputs, padding)
        for name, values in part.items():
            if not _equal(values, whole[name][start : start + size]):
                return False
    return True


def _run(engine: Engine, rows: Rows, outputs: Sequence[str], padding: int) -> dict[str, Any]:
    found = engine.run(rows.padded(padding), outputs)
    return {name: values[: len(rows)] for name, values in found.items()}


def _equal(one: Any, other: Any) -> bool:
    is_float = one.dtype.kind == "f"
    return bool(np.array_equal(one, other, equal_nan=is_float))
