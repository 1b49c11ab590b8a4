"""What a model takes and gives, as clients see it: names, types, shapes; and rows that were found to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from jupyter_mlops.errors import UsageError

__all__ = ["NUMBERS", "Column", "InputError", "ModelSchema", "Rows", "Tensor"]

Layout = Literal["frame", "array"]

NUMBERS = frozenset(
    ["FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"]
)
"""Data types of the Open Inference Protocol that hold numbers."""


class InputError(UsageError):
    """Rows that a model can't take.

    Args:
        field: The column, tensor or member of the request that is wrong.
    """

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.field = field


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output as the Open Inference Protocol describes it; -1 is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form of the protocol's metadata."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the model takes.

    Args:
        dtype: As pandas calls it: what the model was trained with.
        missing: Whether values may be missing.
        categories: Of a categorical column.
    """

    name: str
    dtype: str = "float64"
    missing: bool = True
    categories: tuple[Any, ...] | None = None

    @property
    def kind(self) -> str:
        """``number``, ``integer``, ``bool``, ``text``, ``category`` or ``time``."""
        name = self.dtype.lower()
        if self.categories is not None or name == "category":
            return "category"
        for start, kind in (("float", "number"), ("int", "integer"), ("uint", "integer"), ("bool", "bool")):
            if name.startswith(start):
                return kind
        return "time" if name.startswith("datetime64") else "text"

    @property
    def datatype(self) -> str:
        """As the Open Inference Protocol calls it."""
        known = {"number": "FP64", "integer": "INT64", "bool": "BOOL"}
        return known.get(self.kind, "BYTES")


@dataclass(frozen=True)
class ModelSchema:
    """What goes in and what comes out.

    Args:
        layout: ``frame``: columns that are matched by name; ``array``: a matrix.
        columns: Of a frame.
        features: Width of the matrix; None if any will do.
        dtype: Of the matrix.
        missing: Whether values of the matrix may be missing.
        classes: Labels that a classifier gives.
        outputs: Names, types and shapes.
        largest: Numbers beyond it are refused: what the model computes with can't hold them.
    """

    layout: Layout
    columns: tuple[Column, ...] = ()
    features: int | None = None
    dtype: str = "float64"
    missing: bool = True
    classes: tuple[Any, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    largest: float = float("inf")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in the order of the model."""
        return tuple(item.name for item in self.columns)

    @cached_property
    def numeric(self) -> bool:
        """Whether rows are a matrix of numbers."""
        return all(item.kind in ("number", "integer") for item in self.columns)

    @cached_property
    def integers(self) -> tuple[int, ...]:
        """Positions of the columns that hold whole numbers."""
        return tuple(at for at, item in enumerate(self.columns) if item.kind == "integer")

    @cached_property
    def width(self) -> int | None:
        """Number of columns; None if any will do."""
        return len(self.columns) if self.layout == "frame" else self.features

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """As the Open Inference Protocol describes them."""
        if self.layout == "frame":
            return tuple(Tensor(item.name, item.datatype, (-1, 1)) for item in self.columns)
        return (Tensor("input-0", "FP64", (-1, self.features or -1)),)

    def to_json(self) -> dict[str, Any]:
        """Return the form that bundles keep."""
        return {
            "layout": self.layout,
            "columns": [
                {
                    "name": item.name,
                    "dtype": item.dtype,
                    "missing": item.missing,
                    "categories": None if item.categories is None else list(item.categories),
                }
                for item in self.columns
            ],
            "features": self.features,
            "dtype": self.dtype,
            "missing": self.missing,
            "classes": list(self.classes),
            "outputs": [item.to_json() for item in self.outputs],
            "largest": None if self.largest == float("inf") else self.largest,
            "inputs": [item.to_json() for item in self.inputs],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelSchema:
        """Understand what ``to_json`` gave."""
        columns = tuple(
            Column(
                item["name"],
                item["dtype"],
                item["missing"],
                None if item["categories"] is None else tuple(item["categories"]),
            )
            for item in data["columns"]
        )
        outputs = tuple(Tensor(item["name"], item["datatype"], tuple(item["shape"])) for item in data["outputs"])
        largest = float("inf") if data["largest"] is None else float(data["largest"])
        return cls(
            *(data["layout"], columns, data["features"], data["dtype"], data["missing"]),
            *(tuple(data["classes"]), outputs, largest),
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that were found to fit a schema.

    Args:
        schema: That they fit.
        matrix: Of 64-bit floats, a column for each of the model's, where all of them are numbers.
        columns: Else arrays by name.
    """

    schema: ModelSchema
    matrix: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.matrix is not None:
            return len(self.matrix)
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> Any:
        """Return the values of a column."""
        return self.columns[name] if self.matrix is None else self.matrix[:, self.schema.names.index(name)]

    def part(self, start: int, stop: int) -> Rows:
        """Return some of the rows."""
        if self.matrix is not None:
            return Rows(self.schema, self.matrix[start:stop])
        return Rows(self.schema, None, {name: values[start:stop] for name, values in self.columns.items()})

    def padded(self, multiple: int) -> Rows:
        """Return the rows with the first one repeated at the end, until their number is a multiple."""
        lacking = -len(self) % multiple
        if not lacking or not len(self):
            return self
        return Rows.joined([self, *[self.part(0, 1)] * lacking])

    @staticmethod
    def joined(parts: Sequence[Rows]) -> Rows:
        """Return the rows of several requests, one after another."""
        first = parts[0]
        if len(parts) == 1:
            return first
        if first.matrix is not None:
            return Rows(first.schema, np.concatenate([item.matrix for item in parts]))
        names = first.columns
        return Rows(
            first.schema, None, {name: np.concatenate([item.columns[name] for item in parts]) for name in names}
        )
