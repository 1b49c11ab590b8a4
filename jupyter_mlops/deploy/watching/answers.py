"""What was answered lately, so that true labels that come later find it by the request's id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jupyter_mlops.deploy.watching.live import Accuracy
from jupyter_mlops.errors import UsageError

__all__ = ["Answers", "Score"]

_MOST = 100_000
_SHOWN = 60


@dataclass(slots=True)
class Score:
    """How often a version was right, counted up."""

    labels: int = 0
    right: int = 0
    judged: int = 0
    error: float = 0.0
    measured: int = 0
    compared: int = 0
    agreed: int = 0

    def add(self, predicted: Sequence[Any], true: Sequence[Any]) -> None:
        """Count predictions whose true labels are known."""
        for said, label in zip(predicted, true, strict=True):
            self.labels += 1
            if isinstance(said, float) and isinstance(label, (int, float)) and not isinstance(label, bool):
                self.error += abs(said - label)
                self.measured += 1
            else:
                self.right += _same(said, label)
                self.judged += 1

    def agree(self, mine: Sequence[Any], theirs: Sequence[Any]) -> None:
        """Count where a shadow said what the client was answered."""
        if len(mine) == len(theirs):
            self.compared += len(mine)
            self.agreed += sum(_alike(one, other) for one, other in zip(mine, theirs, strict=True))

    def summary(self) -> Accuracy:
        """Return it as a value."""
        return Accuracy(
            self.labels,
            self.right / self.judged if self.judged else None,
            self.error / self.measured if self.measured else None,
            self.compared,
            self.agreed / self.compared if self.compared else None,
        )


@dataclass(slots=True)
class _Answer:
    client: list[Any] | None = None
    by_version: dict[int, list[Any]] = field(default_factory=dict)
    shadows: set[int] = field(default_factory=set)


class Answers:
    """Remembers the answers to the last requests.

    Args:
        most: How many requests are remembered.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, _Answer] = OrderedDict()
        self._scores: dict[int, Score] = {}
        self.unknown = 0

    def score(self, version: int) -> Score:
        """Return the score of a version, which grows."""
        return self._scores.setdefault(version, Score())

    def remember(self, request_id: str, version: int, outputs: Mapping[str, Any], *, shadow: bool) -> None:
        """Remember an answer; a shadow's is compared with the client's as soon as both are there."""
        labels = _labels(outputs)
        if labels is None:
            return
        answer = self._known.setdefault(request_id, _Answer())
        answer.by_version[version] = labels
        if shadow:
            answer.shadows.add(version)
            if answer.client is not None:
                self.score(version).agree(labels, answer.client)
        else:
            answer.client = labels
            for other in answer.shadows:
                self.score(other).agree(answer.by_version[other], labels)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def label(self, request_id: str, labels: Sequence[Any]) -> tuple[int, ...] | None:
        """Join the true labels of a request's rows with what was answered.

        Returns:
            The versions that answered; None if nobody remembers the request, or it has its labels already.

        Raises:
            UsageError: There are more or fewer labels than rows.
        """
        answer = self._known.get(request_id)
        if answer is None:
            self.unknown += 1
            return None
        rows = len(next(iter(answer.by_version.values())))
        if len(labels) != rows:
            shown = request_id[:_SHOWN]
            raise UsageError(f"The request {shown!r} had {rows} rows, and there are {len(labels)} labels.")
        del self._known[request_id]
        for version, predicted in answer.by_version.items():
            self.score(version).add(predicted, labels)
        return tuple(sorted(answer.by_version))


def _labels(outputs: Mapping[str, Any]) -> list[Any] | None:
    """The first output that has one value a row: what the model says; probabilities come beside it."""
    for value in outputs.values():
        array = np.asarray(value)
        if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
            return list(array.ravel().tolist())
    return None


def _same(said: Any, label: Any) -> bool:
    return bool(said == label) or str(said) == str(label)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9, equal_nan=True))
    return _same(one, other)
