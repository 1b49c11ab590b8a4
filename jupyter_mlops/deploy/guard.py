"""Whether a new version does harm: judged by errors and latencies of a window, and taken back by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.deploy.watching.rates import Summary
from jupyter_mlops.errors import UsageError

__all__ = ["Guard", "verdict"]


@dataclass(frozen=True, slots=True)
class Guard:
    """When a version on trial is taken back.

    Args:
        max_errors: Percent of the requests that the model may fail; None for any.
        max_latency: Milliseconds that 95 of 100 answers may take; None for any.
        window: Seconds that are looked at.
        least: Requests in them before anything is judged.
        probation: Seconds for which a version that was just given all requests is on trial; a canary always is.
    """

    max_errors: float | None = 5.0
    max_latency: float | None = None
    window: float = 60.0
    least: int = 50
    probation: float = 600.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Guard:
        """Read what ``to_json`` made; what is missing has its default."""
        return cls(**{name: data[name] for name in cls.__slots__ if name in data}).checked()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    def checked(self) -> Guard:
        """Return it if it makes sense.

        Raises:
            UsageError: A number is none that can be kept to.
        """
        if self.max_errors is not None and not 0 <= self.max_errors <= 100:
            raise UsageError(f"{self.max_errors:g} is no percentage of errors.", hint="Such as --max-errors 5")
        if self.max_latency is not None and not self.max_latency > 0:
            raise UsageError(f"No answer comes within {self.max_latency:g} ms.", hint="Such as --max-latency 200")
        if not 1 <= self.window <= 300:
            raise UsageError(f"A window of {self.window:g} seconds can't be looked at: it must be 1 to 300.")
        if self.least < 1 or self.probation < 0:
            raise UsageError("A guard needs at least one request and a time that is not negative.")
        return self


def verdict(guard: Guard, summary: Summary, others: Summary | None = None) -> str | None:
    """Say why a version must go; None if there is no reason to, or too little is known.

    Args:
        others: The requests to a version that is not on trial: what that takes, this one has to take as well.
    """
    if guard.max_errors is not None and others is not None and min(summary.requests, others.requests) >= guard.least:
        mine, theirs = summary.refused, others.refused
        if (mine - theirs) * 100 > guard.max_errors:
            return f"{mine:.1%} of {summary.requests} requests were refused as wrong, and {theirs:.1%} before"
    if summary.judged < guard.least:
        return None
    if guard.max_errors is not None and summary.failures * 100 > guard.max_errors:
        return f"{summary.failures:.1%} of {summary.judged} requests failed, more than {guard.max_errors:g} %"
    if guard.max_latency is not None and summary.p95 is not None and summary.p95 * 1000 > guard.max_latency:
        return (
            f"95 of 100 answers took up to {summary.p95 * 1000:.0f} ms, more than {guard.max_latency:g} ms "
            f"({summary.judged} requests)"
        )
    return None
