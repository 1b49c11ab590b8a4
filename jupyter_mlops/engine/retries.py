"""Whether and when a failed step is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.notebook.model import Backoff, StepSettings

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a step is tried.

    Args:
        retries: Further tries after the first.
        backoff: How long to wait before each.
    """

    retries: int = 0
    backoff: Backoff = field(default_factory=Backoff)

    @classmethod
    def of(cls, settings: StepSettings) -> RetryPolicy:
        """Read a step's settings."""
        return cls(settings.retries or 0, settings.backoff or Backoff())

    @property
    def attempts(self) -> int:
        """How often the step may begin."""
        return self.retries + 1

    def delay(self, failed: int) -> float:
        """Return the seconds to wait after this many failed attempts."""
        try:
            return self.backoff.delay * self.backoff.factor ** (failed - 1)
        except OverflowError:
            return float("inf")

    def next_delay(self, failure: StepFailure, failed: int, seconds: float) -> float | None:
        """Tell how long to wait before the step is tried again; None if it is not.

        Args:
            failure: How the last attempt failed.
            failed: How many attempts have failed.
            seconds: Since the first attempt began.
        """
        if failure.lasting or failed > self.retries:
            return None
        delay = self.delay(failed)
        limit = self.backoff.max_duration
        is_too_late = delay == float("inf") or (limit is not None and seconds + delay > limit)
        return None if is_too_late else delay
