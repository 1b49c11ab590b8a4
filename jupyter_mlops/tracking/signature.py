"""What a model takes and gives, as far as the run's record and the estimator itself tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["Feature", "Signature", "signature_of"]


@dataclass(frozen=True, slots=True)
class Feature:
    """An input of a model.

    Args:
        dtype: As pandas or NumPy call it, where known.
    """

    name: str
    dtype: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """What goes in and what comes out.

    Args:
        inputs: Names and dtypes of the columns, in their order; empty if they are not known.
        features: How many there are, where known.
        dtype: Of an array that was fitted with.
        classes: Labels that a classifier gives.
        source: The artifact that names and dtypes were taken from (``load.X``), if any.
    """

    inputs: tuple[Feature, ...] = ()
    features: int | None = None
    dtype: str | None = None
    classes: tuple[Any, ...] = ()
    source: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        return tuple(item.name for item in self.inputs)

    @property
    def shape(self) -> tuple[int | None, int] | None:
        """Rows (any number) and columns, where known."""
        return None if self.features is None else (None, self.features)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``models show --format json`` prints."""
        return {
            "inputs": [{"name": item.name, "dtype": item.dtype} for item in self.inputs],
            "features": self.features,
            "dtype": self.dtype,
            "classes": list(self.classes),
            "source": self.source,
        }

    def __repr__(self) -> str:
        return f"<Signature {self}>"

    def __str__(self) -> str:
        parts = [f"{item.name}: {item.dtype}" if item.dtype else item.name for item in self.inputs]
        if not parts and self.features is not None:
            parts = [f"{self.features} columns" + (f" of {self.dtype}" if self.dtype else "")]
        shown = ", ".join(parts) or "unknown"
        return shown + (f" -> one of {', '.join(map(str, self.classes))}" if self.classes else "")


def signature_of(made: ArtifactRecord, name: str, around: Sequence[ArtifactRecord], value: Any = None) -> Signature:
    """Find out what a model takes.

    Args:
        made: The artifact that has the model, under ``name``.
        around: What its step took and made: where the data that it was fitted with are found by their columns.
        value: The model itself, if it was loaded; it knows best.
    """
    about = _recorded(made, name)
    names = _names(getattr(value, "feature_names_in_", None)) or _names(about.get("feature_names"))
    features = _count(getattr(value, "n_features_in_", None)) or _count(about.get("features")) or len(names) or None
    classes = _labels(getattr(value, "classes_", None)) or _labels(about.get("classes"))
    found = _frame(around, names, features) if names or features is not None else None
    if found is None:
        array = _array(around, features)
        return Signature(
            tuple(Feature(item) for item in names),
            features,
            None if array is None else str(_schema(array)["dtype"]),
            classes,
            None if array is None else array.id,
        )
    record, columns = found
    inputs = tuple(Feature(item, columns.get(item)) for item in (names or tuple(columns)))
    return Signature(inputs, features, None, classes, record.id)


def _recorded(made: ArtifactRecord, name: str) -> Mapping[str, Any]:
    """What the record says of an estimator."""
    schema = made.members.get(name, {}).get("schema") or made.schema
    about = schema.get("estimator") if isinstance(schema, Mapping) else None
    return about if isinstance(about, Mapping) else {}


def _frame(
    around: Iterable[ArtifactRecord], names: tuple[str, ...], features: int | None
) -> tuple[ArtifactRecord, Mapping[str, str]] | None:
    """The frame that has just these columns, else one that has them among others."""
    partly = None
    for record in around:
        for schema in _schemas(record):
            columns = schema.get("columns")
            if not isinstance(columns, Mapping):
                continue
            if names and tuple(columns) == names:
                return record, columns
            if names and partly is None and set(names) <= set(columns):
                partly = record, columns
    return partly


def _array(around: Iterable[ArtifactRecord], features: int | None) -> ArtifactRecord | None:
    for record in around:
        shape = _schema(record).get("shape")
        if features is not None and isinstance(shape, list) and len(shape) == 2 and shape[1] == features:
            return record
    return None


def _schemas(record: ArtifactRecord) -> list[Mapping[str, Any]]:
    found = [member.get("schema") for member in record.members.values()] or [record.schema]
    return [item for item in found if isinstance(item, Mapping)]


def _schema(record: ArtifactRecord) -> Mapping[str, Any]:
    return next((item for item in _schemas(record) if "shape" in item and "dtype" in item), {})


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    try:
        return tuple(str(item) for item in value)
    except TypeError:
        return ()


def _count(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def _labels(value: Any) -> tuple[Any, ...]:
    """Classes as plain values; those of several outputs are lists of lists, and are left out."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(plain, (list, tuple)) or any(isinstance(item, (list, tuple)) for item in plain):
        return ()
    return tuple(item if isinstance(item, (bool, int, float, str)) else str(item) for item in plain)
