"""Metrics: finite numbers among the variables of the metrics cells."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Union

from .plain import checked_name

__all__ = ["collect_metrics"]

Number = Union[int, float]  # noqa: UP007 (Python 3.9)


def collect_metrics(names: Iterable[str], namespace: Mapping[str, Any]) -> tuple[dict[str, Number], list[str]]:
    """Find the metrics among some variables.

    A metric is a finite number, NumPy's and zero-dimensional arrays and tensors among them; dictionaries flatten
    with dots. Booleans are no metrics.

    Returns:
        The metrics, and notes on numbers that are not finite.
    """
    metrics: dict[str, Number] = {}
    notes: list[str] = []
    for name in names:
        if name not in namespace:
            continue
        for path, value in _flatten(name, namespace[name], set()):
            number = _number(value)
            if number is None:
                continue
            try:
                path = checked_name(path, "metric")
            except ValueError as error:
                notes.append(f"in {name}: {error}")
                continue
            if isinstance(number, float) and not math.isfinite(number):
                notes.append(f"{path} is {number}, which is no metric")
            else:
                metrics[path] = number
    return metrics, notes


def _flatten(path: str, value: Any, above: set[int]) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield path, value
    elif id(value) not in above:
        for key, item in list(value.items()):
            if isinstance(key, (str, int, float, bool)):
                yield from _flatten(f"{path}.{key}", item, above | {id(value)})


def _number(value: Any) -> Number | None:
    """A plain number for anything that is one, None otherwise."""
    if isinstance(value, bool):
        return None
    if callable(getattr(type(value), "item", None)) and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        return None
    try:
        number = float(value)
        return int(value) if isinstance(value, numbers.Integral) else number
    except (OverflowError, ValueError):
        return math.inf
