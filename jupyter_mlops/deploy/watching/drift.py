"""Whether what comes in looks like what the model was trained with: population stability index by feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ALERT", "NOTICE", "Seen", "SeenFeature", "Shape", "compare", "count_values", "psi", "shapes_of"]

NOTICE = 0.1
ALERT = 0.2
"""A population stability index from which a feature has drifted a little, and much."""

_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of a feature, or of an output, were spread in the training data.

    Args:
        edges: Upper edges of all bins but the last, of numbers; None for categories.
        categories: The commonest values, of categories; all others are one bin.
        expected: How many values were in each bin.
        low, high: The range of numbers.
        missing: Rate of missing values.
    """

    name: str
    edges: tuple[float, ...] | None
    categories: tuple[str, ...]
    expected: tuple[float, ...]
    low: float | None
    high: float | None
    missing: float


@dataclass(frozen=True, slots=True)
class SeenFeature:
    """What a window of rows had of a feature.

    Args:
        psi: Population stability index against the training data.
        level: ``ok``, ``notice`` or ``alert``.
        missing: Rate of missing values, and ``missing_before`` that of the training data.
        out_of_range: Rate of numbers beyond those of the training data, or of categories that it did not have.
    """

    name: str
    psi: float
    level: str
    missing: float
    missing_before: float
    out_of_range: float


class Seen:
    """Counts what rows have of a feature, bin by bin."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.counts = np.zeros(len(shape.expected), dtype=np.int64)
        self.missing = 0
        self.outside = 0

    def add(self, values: Any) -> None:
        """Count values."""
        counts, missing, outside = count_values(self.shape, values)
        self.counts += counts
        self.missing += missing
        self.outside += outside


def shapes_of(described: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Understand the statistics of a bundle, those of its features or of its outputs."""
    return tuple(_shape(name, item) for name, item in described.items())


def _shape(name: str, item: Mapping[str, Any]) -> Shape:
    missing = float(item.get("missing", 0.0))
    if item["kind"] == "number":
        edges = tuple(map(float, item["edges"]))
        return Shape(name, edges, (), tuple(map(float, item["counts"])), item.get("min"), item.get("max"), missing)
    common = dict(item["counts"])
    expected = (*map(float, common.values()), float(item.get("other", 0)))
    return Shape(name, None, tuple(map(str, common)), expected, None, None, missing)


def count_values(shape: Shape, values: Any) -> tuple[Any, int, int]:
    """Return how many values are in each bin, are missing, and are none that the training data had."""
    if shape.edges is None:
        return _count_categories(shape, values)
    array = np.asarray(values, dtype=np.float64).ravel()
    there = array[np.isfinite(array)]
    places = np.searchsorted(np.asarray(shape.edges), there, side="left")
    counts = np.bincount(places, minlength=len(shape.expected))
    outside = len(array) - len(there) - int(np.isnan(array).sum())  # infinite ones
    if shape.low is not None and shape.high is not None:
        outside += int(((there < shape.low) | (there > shape.high)).sum())
    return counts, int(np.isnan(array).sum()), outside


def _count_categories(shape: Shape, values: Any) -> tuple[Any, int, int]:
    places = {category: at for at, category in enumerate(shape.categories)}
    other, missing, outside = len(places), 0, 0
    counts = np.zeros(len(shape.expected), dtype=np.int64)
    for item in np.asarray(values).ravel().tolist():
        if item is None or item != item:
            missing += 1
            continue
        place = places.get(str(item), other)
        counts[place] += 1
        outside += place == other and shape.expected[other] == 0
    return counts, missing, outside


def psi(expected: Any, actual: Any) -> float:
    """Return the population stability index of two histograms over the same bins.

    Half a value is added to each bin, so that an empty one does not make it infinite.
    """
    before, now = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if len(before) < 2 or not before.sum() or not now.sum():
        return 0.0
    old = (before + _HALF) / (before.sum() + _HALF * len(before))
    new = (now + _HALF) / (now.sum() + _HALF * len(now))
    return float(((new - old) * np.log(new / old)).sum())


def compare(seen: Seen, rows: int) -> SeenFeature:
    """Compare what was seen of a feature with what it was in the training data."""
    value = psi(seen.shape.expected, seen.counts)
    level = "alert" if value >= ALERT else "notice" if value >= NOTICE else "ok"
    share = 1.0 / rows if rows else 0.0
    return SeenFeature(
        *(seen.shape.name, value, level),
        *(seen.missing * share, seen.shape.missing, seen.outside * share),
    )
