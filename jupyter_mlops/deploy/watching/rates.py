"""Rates, errors and latencies of the last minutes, in memory that does not grow with the number of requests."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Recent", "Summary"]

_SLOT = 1.0
_FIRST = 1e-5
_GROWTH = 1.1
_LAST = 160
"""Latencies fall into bins, each a tenth wider than the one before: from 10 µs to 40 s, known to 5 %."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The requests of a time.

    Args:
        errors: By who is to blame.
        p50, p95, p99: Seconds within which that many of a hundred answers came; None without answers.
    """

    seconds: float
    requests: int
    errors: dict[str, int]
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def failures(self) -> float:
        """The part of the requests that the model is to blame for; what clients sent wrong is not counted at all."""
        counted = self.requests - self.errors.get("client", 0)
        return self.errors.get("model", 0) / counted if counted > 0 else 0.0

    @property
    def refused(self) -> float:
        """The part of the requests that was refused as wrong."""
        return self.errors.get("client", 0) / self.requests if self.requests else 0.0

    @property
    def judged(self) -> int:
        """Requests that say something of the version."""
        return self.requests - self.errors.get("client", 0)


@dataclass(slots=True)
class _Slot:
    start: float
    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)


class Recent:
    """Remembers the requests of the last while.

    Args:
        span: Seconds that are remembered.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._slots: deque[_Slot] = deque()

    def add(self, now: float, seconds: float, fault: str | None) -> None:
        """Remember a request.

        Args:
            now: By a clock that never goes back.
            seconds: How long the answer took.
            fault: Who is to blame for it that there was none.
        """
        start = math.floor(now / _SLOT) * _SLOT
        if not self._slots or self._slots[-1].start < start:
            self._forget(now)
            self._slots.append(_Slot(start))
        slot = self._slots[-1]
        slot.requests += 1
        if fault is not None:
            slot.errors[fault] += 1
        if fault != "client":
            slot.latencies[_bin(seconds)] += 1

    def summary(self, now: float, seconds: float, *, since: float = -math.inf) -> Summary:
        """Sum up the last seconds, but nothing before ``since``."""
        begin = max(now - min(seconds, self._span), since)
        slots = [slot for slot in self._slots if slot.start + _SLOT > begin and slot.start >= math.floor(since)]
        return _summed(slots, max(min(now - begin, seconds), 0.0))

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0].start + _SLOT < now - self._span:
            self._slots.popleft()


def _summed(slots: Iterable[_Slot], seconds: float) -> Summary:
    requests, errors, latencies = 0, Counter[str](), Counter[int]()
    for slot in slots:
        requests += slot.requests
        errors += slot.errors
        latencies += slot.latencies
    p50, p95, p99 = (_quantile(latencies, part) for part in (0.5, 0.95, 0.99))
    return Summary(seconds, requests, dict(errors), p50, p95, p99)


def _bin(seconds: float) -> int:
    if seconds <= _FIRST:
        return 0
    return min(_LAST, 1 + int(math.log(seconds / _FIRST) / math.log(_GROWTH)))


def _quantile(bins: Counter[int], part: float) -> float | None:
    total = bins.total()
    if not total:
        return None
    wanted, passed = part * total, 0
    for number in sorted(bins):
        passed += bins[number]
        if passed >= wanted:
            return _FIRST * _GROWTH ** (number - 0.5) if number else _FIRST
    return None
