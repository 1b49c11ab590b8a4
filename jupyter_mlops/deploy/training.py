"""Finds the rows that a model was trained with among what its step took and made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.tracking.signature import Signature

__all__ = ["training_data"]


def training_data(signature: Signature, around: Iterable[tuple[ArtifactRecord, Mapping[str, Any]]]) -> Any:
    """Return a frame with the model's columns, just these if there is one, or a matrix; None if there is neither.

    Args:
        signature: Of the model; its ``source`` is looked at first.
        around: Records with their values.
    """
    found = sorted(around, key=lambda item: item[0].id != signature.source)
    values = [value for _, members in found for value in members.values()]
    if signature.inputs:
        names = list(signature.names)
        frames = [value for value in values if _has_columns(value, names)]
        exact = next((value for value in frames if [str(item) for item in value.columns] == names), None)
        return exact if exact is not None else next((value[names] for value in frames), None)
    if signature.features is None:
        return None
    return next((value for value in values if _is_matrix(value, signature.features)), None)


def _has_columns(value: Any, names: list[str]) -> bool:
    columns = getattr(value, "columns", None)
    return (
        type(value).__module__.partition(".")[0] == "pandas"
        and columns is not None
        and set(names) <= set(map(str, columns))
    )


def _is_matrix(value: Any, features: int) -> bool:
    shape: Any = getattr(value, "shape", ())
    return type(value).__module__ == "numpy" and len(shape) == 2 and shape[1] == features and value.dtype.kind in "fiub"
