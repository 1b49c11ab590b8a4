"""The numbers of small charts: bars of metrics, lines of their histories. Templates draw them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.store.records import MetricRecord
from jupyter_mlops.tracking.formats import number

__all__ = ["HEIGHT", "WIDTH", "Bar", "Curve", "History", "bars", "color", "histories"]

WIDTH, HEIGHT = 320, 120
"""Size of the area that lines are drawn in."""

_MOST_POINTS = 300
_COLORS = ("#4c86d8", "#d9822b", "#3f9e6f", "#c2599c", "#8a6bd6", "#a8972a", "#3f9fb3", "#d05c54")


@dataclass(frozen=True, slots=True)
class Bar:
    """A metric of a run.

    Args:
        text: The value in words; a dash where there is none.
        left: Where the bar begins, in per cent of the room for bars, and ``width`` how long it is.
        delta: How it differs from the baseline, in words.
    """

    text: str
    left: float
    width: float
    delta: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """The history of a metric in one run.

    Args:
        runs: Polylines as SVG has them; a value that is not finite parts them.
        last: The last value, in words.
    """

    run_id: str
    lines: tuple[str, ...]
    last: str


@dataclass(frozen=True, slots=True)
class History:
    """A metric that was reported more than once, in all runs that did.

    Args:
        low: The least value of all, in words, and ``high`` the greatest.
        first: The least iteration, and ``last`` the greatest.
    """

    name: str
    curves: tuple[Curve, ...]
    low: str
    high: str
    first: int
    last: int


def color(position: int) -> str:
    """Return the colour of a run by its position."""
    return _COLORS[position % len(_COLORS)]


def bars(
    values: Sequence[float | None], deltas: Sequence[float | None], percents: Sequence[float | None]
) -> tuple[Bar, ...]:
    """Draw a metric's values from a common zero."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    # Halves first: the room between the largest floats is no float.
    room = high / 2 - low / 2
    found = []
    for value, delta, percent in zip(values, deltas, percents, strict=True):
        begin = min(value, 0.0) if value is not None and math.isfinite(value) else 0.0
        length = abs(value) if value is not None and math.isfinite(value) else 0.0
        left = 100 * ((begin / 2 - low / 2) / room) if room else 0.0
        width = 100 * (length / 2 / room) if room else 0.0
        text = "\N{EN DASH}" if value is None else number(value)
        found.append(Bar(text, round(left, 2), round(width, 2), _delta(delta, percent)))
    return tuple(found)


def histories(metrics: Mapping[str, Iterable[MetricRecord]]) -> tuple[History, ...]:
    """Draw the histories of the metrics that have one.

    Args:
        metrics: By run, in the order they were recorded.
    """
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for run_id, records in metrics.items():
        for record in records:
            found.setdefault(record.name, {}).setdefault(run_id, []).append((record.iteration, record.value))
    return tuple(
        _history(name, runs) for name, runs in sorted(found.items()) if any(len(points) > 1 for points in runs.values())
    )


def _history(name: str, runs: Mapping[str, list[tuple[int, float]]]) -> History:
    placed = {run_id: _placed(points) for run_id, points in runs.items()}
    finite = [value for points in placed.values() for _, value in points if math.isfinite(value)] or [0.0]
    places = [place for points in placed.values() for place, _ in points]
    low, high, first, last = min(finite), max(finite), min(places), max(places)
    curves = [
        Curve(run_id, tuple(_lines(_thinned(points), low, high, first, last)), number(points[-1][1]))
        for run_id, points in placed.items()
    ]
    return History(name, tuple(curves), number(low), number(high), first, last)


def _placed(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Points in the order of their iterations; where all have the same, in the order they came."""
    if len({place for place, _ in points}) == 1 and len(points) > 1:
        return list(enumerate(value for _, value in points))
    return sorted(points, key=lambda point: point[0])


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most some hundred points; of each stretch the least and the greatest value, so that no peak is lost."""
    if len(points) <= _MOST_POINTS:
        return points
    stretch = math.ceil(len(points) / (_MOST_POINTS // 2))
    kept = []
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        finite = [point for point in part if math.isfinite(point[1])]
        ends = (
            {min(finite, key=lambda point: point[1]), max(finite, key=lambda point: point[1])} if finite else {part[0]}
        )
        kept += sorted(ends)
    return kept


def _lines(points: Sequence[tuple[int, float]], low: float, high: float, first: int, last: int) -> list[str]:
    lines: list[list[str]] = [[]]
    for place, value in points:
        if not math.isfinite(value):
            lines.append([])
            continue
        x = WIDTH * (place - first) / (last - first) if last > first else WIDTH / 2
        room = high / 2 - low / 2
        y = HEIGHT - HEIGHT * ((value / 2 - low / 2) / room) if room else HEIGHT / 2
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]


def _delta(delta: float | None, percent: float | None) -> str:
    if not delta:
        return ""
    sign = "+" if delta > 0 else "\N{MINUS SIGN}"
    share = "" if percent is None else f" ({sign}{abs(percent):.3g}%)"
    return f"{sign}{number(abs(delta))}{share}"
