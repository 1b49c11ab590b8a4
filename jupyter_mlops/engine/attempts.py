"""How often the steps of a run were begun, how that failed, and when they are begun again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.engine.retries import RetryPolicy

__all__ = ["FAILED_ATTEMPTS", "Attempts"]

FAILED_ATTEMPTS = "failed-attempts"
"""Name of the document that is kept with a step that had to be tried again: a JSON list of failures."""


@dataclass
class Attempts:
    """The attempts at one step.

    Args:
        policy: How many there may be.
        clock: Tells the time, in seconds.
    """

    policy: RetryPolicy
    clock: Callable[[], float] = time.monotonic
    count: int = 0
    failures: list[StepFailure] = field(default_factory=list)
    _began: float = 0.0
    _due: float = 0.0

    def begin(self) -> int:
        """Note that another attempt begins; return its number, from 1."""
        if not self.count:
            self._began = self.clock()
        self.count += 1
        return self.count

    def fail(self, failure: StepFailure) -> float | None:
        """Note how an attempt failed; return the seconds to wait before the next one, None if there is none."""
        self.failures.append(failure)
        delay = self.policy.next_delay(failure, self.count, self.clock() - self._began)
        if delay is not None:
            self._due = self.clock() + delay
        return delay

    @property
    def wait(self) -> float:
        """Seconds until the step may begin; 0 if it may."""
        return max(0.0, self._due - self.clock())

    def reason(self) -> str | None:
        """Say that there was more than one attempt, and why."""
        if self.count < 2:
            return None
        last = self.failures[-1] if len(self.failures) < self.count else self.failures[-2]
        first = last.message.strip().splitlines() or [last.ename]
        return f"attempt {self.count} of {self.policy.attempts}; attempt {self.count - 1}: {first[0]}"

    def documents(self) -> Mapping[str, str]:
        """Return what is kept of the attempts that were followed by another one."""
        earlier = self.failures[: self.count - 1] if len(self.failures) >= self.count else self.failures
        if not earlier:
            return {}
        listed = [
            {
                key: value
                for key, value in asdict(failure).items()
                if key in ("ename", "evalue", "cell", "line", "traceback")
            }
            for failure in earlier
        ]
        return {FAILED_ATTEMPTS: json.dumps(listed, ensure_ascii=False)}
