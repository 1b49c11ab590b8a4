"""One version that is served: what came in and what it answered, in windows of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_mlops.deploy.schema import Rows
from jupyter_mlops.deploy.serving.policy import Observation
from jupyter_mlops.deploy.watching.drift import Seen, Shape, compare, shapes_of
from jupyter_mlops.deploy.watching.live import Accuracy, Drift, LiveVersion
from jupyter_mlops.deploy.watching.rates import Recent
from jupyter_mlops.store.deployments import Share

__all__ = ["SMALLEST_WINDOW", "VersionWatch", "Window", "columns_of"]

SMALLEST_WINDOW = 500
_MOST_KEPT = 10_000
_NO_REFERENCE = "the bundle has no statistics of the training data"

Window = Callable[[int, Mapping[str, Any]], None]
"""Is told the rows of a full window: the version, and its columns."""


class VersionWatch:
    """Watches a version.

    Args:
        reference: Statistics of the training data, as the bundle has them; None if it has none.
        window: Rows that are compared with it at once.
        span: Seconds that rates and latencies are of.
        full: Called with each full window.
        started: When watching began, by the same clock as ``now``.
    """

    def __init__(
        self,
        version: int,
        reference: Mapping[str, Any] | None,
        window: int,
        span: float,
        full: Window,
        started: float = 0.0,
    ) -> None:
        self.version = version
        self.recent = Recent(span)
        self.total = 0
        self.rows = 0
        self._window = max(window, SMALLEST_WINDOW)
        self._span = span
        self._full = full
        self._started = started
        self._inputs: tuple[Shape, ...] = shapes_of((reference or {}).get("features", {}))
        self._outputs: tuple[Shape, ...] = shapes_of((reference or {}).get("outputs", {}))
        self._places = _places(self._outputs)
        self._last: Drift | None = None
        self._begin()

    def add(self, observation: Observation, now: float, when: float) -> None:
        """Count a request.

        Args:
            now: By a clock that never goes back.
            when: In seconds since the epoch.
        """
        self.total += 1
        self.recent.add(now, observation.seconds, observation.fault)
        if observation.fault == "client" or observation.inputs is None:
            return
        inputs = columns_of(observation.inputs, [shape.name for shape in self._inputs])
        count = len(next(iter(inputs.values()))) if inputs else 0
        self.rows += count
        if not self._inputs:
            return
        for seen in self._seen_inputs:
            if seen.shape.name in inputs:
                seen.add(inputs[seen.shape.name])
        for seen in self._seen_outputs:
            name, place = self._places[seen.shape.name]
            if name in observation.outputs:
                values = np.asarray(observation.outputs[name])
                seen.add(values if place is None else values[:, place])
        self._waiting += count
        self._kept.append(inputs)
        if self._waiting >= self._window:
            self._end(when)

    def live(self, now: float, share: Share, *, ready: bool, accuracy: Accuracy) -> LiveVersion:
        """Return how it stands."""
        summary = self.recent.summary(now, self._span, since=self._started)
        return LiveVersion(
            version=self.version,
            role=share.role,
            weight=share.weight,
            ready=ready,
            total=self.total,
            requests=summary.requests,
            rate=summary.rate,
            errors=summary.errors,
            failures=summary.failures,
            p50=_milliseconds(summary.p50),
            p95=_milliseconds(summary.p95),
            p99=_milliseconds(summary.p99),
            rows=self.rows,
            drift=self.drift(),
            accuracy=accuracy,
        )

    def drift(self) -> Drift:
        """Return the last full window beside the training data."""
        if not self._inputs:
            return Drift(self._window, 0, reason=_NO_REFERENCE)
        if self._last is None:
            return Drift(self._window, self._waiting)
        last = self._last
        return Drift(self._window, self._waiting, last.rows, last.ended, last.features, last.outputs)

    def _begin(self) -> None:
        self._waiting = 0
        self._kept: list[Mapping[str, Any]] = []
        self._seen_inputs = [Seen(shape) for shape in self._inputs]
        self._seen_outputs = [Seen(shape) for shape in self._outputs]

    def _end(self, when: float) -> None:
        rows = self._waiting
        features = sorted((compare(seen, rows) for seen in self._seen_inputs), key=lambda item: -item.psi)
        outputs = [compare(seen, rows) for seen in self._seen_outputs if seen.counts.sum()]
        self._last = Drift(self._window, 0, rows, round(when * 1000), tuple(features), tuple(outputs))
        columns = {name: np.concatenate([part[name] for part in self._kept])[:_MOST_KEPT] for name in self._kept[0]}
        self._begin()
        self._full(self.version, columns)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def columns_of(inputs: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Return what came in as arrays by column.

    Args:
        inputs: Rows that were checked; or a matrix, or arrays by column.
        names: Of a matrix's columns.
    """
    if isinstance(inputs, Rows):
        names = inputs.schema.names or names
        inputs = inputs.matrix if inputs.matrix is not None else inputs.columns
    if isinstance(inputs, Mapping):
        return {str(name): np.asarray(values) for name, values in inputs.items()}
    matrix = np.asarray(inputs)
    matrix = matrix if matrix.ndim == 2 else matrix.reshape(len(matrix), -1)
    known = names or [f"column {at}" for at in range(matrix.shape[1])]
    return {name: matrix[:, at] for at, name in enumerate(known[: matrix.shape[1]])}


def _places(shapes: Iterable[Shape]) -> dict[str, tuple[str, int | None]]:
    """Where the values of ``predict_proba[yes]`` are: in a column of an output, in the order of the names."""
    places: dict[str, tuple[str, int | None]] = {}
    columns: Counter[str] = Counter()
    for shape in shapes:
        name, bracket, _ = shape.name.partition("[")
        places[shape.name] = (name, columns[name]) if bracket else (shape.name, None)
        columns[name] += 1
    return places
