"""What the training data looked like: for drift, for ranges, for an example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from jupyter_mlops.deploy.engines import LABELS, PROBABILITIES
from jupyter_mlops.deploy.schema import ModelSchema, Rows

__all__ = ["reference_statistics"]

_BINS = 10
_CATEGORIES = 50


def reference_statistics(rows: Rows, outputs: Mapping[str, Any], schema: ModelSchema) -> dict[str, Any]:
    """Describe rows and what the model says of them.

    A feature of numbers has ``edges`` (inner edges of bins that hold about a tenth each; a bin takes its upper edge)
    and ``counts`` (one more than edges), ``min``, ``max``, ``mean``, ``std``; others have the commonest values with
    their counts, and ``other`` for the rest. ``missing`` is a rate.

    Args:
        rows: The training data.
        outputs: Of the model for them.
    """
    names = schema.names or tuple(f"column {at}" for at in range(rows.matrix.shape[1]))
    features = {}
    for at, name in enumerate(names):
        values = rows.matrix[:, at] if rows.matrix is not None else rows.columns[name]
        features[name] = _described(values)
    return {"rows": len(rows), "features": features, "outputs": _outputs(outputs, schema)}


def _outputs(outputs: Mapping[str, Any], schema: ModelSchema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    labels = outputs.get(LABELS)
    if labels is not None and labels.ndim == 1:
        found[LABELS] = _categories(labels) if schema.classes else _described(labels)
    chances = outputs.get(PROBABILITIES)
    if chances is not None and chances.ndim == 2:
        for at, label in enumerate(schema.classes[: chances.shape[1]]):
            found[f"{PROBABILITIES}[{label}]"] = _described(chances[:, at])
    return found


def _described(values: Any) -> dict[str, Any]:
    array = np.asarray(values)
    return _numbers(array.astype(np.float64)) if array.dtype.kind in "fiu" else _categories(array)


def _numbers(values: Any) -> dict[str, Any]:
    there = values[np.isfinite(values)]
    missing = float(np.isnan(values).mean()) if len(values) else 0.0
    if not len(there):
        return {"kind": "number", "edges": [], "counts": [0], "missing": missing}
    inner = np.quantile(there, np.arange(1, _BINS) / _BINS)
    edges = np.unique(inner)
    counts = np.bincount(np.searchsorted(edges, there, side="left"), minlength=len(edges) + 1)
    return {
        "kind": "number",
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "missing": missing,
        "min": float(there.min()),
        "max": float(there.max()),
        "mean": float(there.mean()),
        "std": float(there.std()),
    }


def _categories(values: Any) -> dict[str, Any]:
    plain = values.tolist()
    there = [str(item) for item in plain if item is not None and item == item]
    counts = Counter(there)
    common = dict(counts.most_common(_CATEGORIES))
    return {
        "kind": "category",
        "counts": common,
        "other": len(there) - sum(common.values()),
        "missing": 1 - len(there) / len(plain) if plain else 0.0,
    }
