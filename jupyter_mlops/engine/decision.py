"""Whether a step runs, and why."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.engine.cachekey import Change, Parts
from jupyter_mlops.engine.takeover import Found

__all__ = ["Decision"]


@dataclass(frozen=True)
class Decision:
    """What becomes of a step.

    Args:
        found: The results to take; None if it has to run.
        reason: Why, for people.
        key: What its results will be found by; None if they are never reused.
        parts: What the key was made of.
        changes: What is different from the last time.
    """

    reason: str
    found: Found | None = None
    key: str | None = None
    parts: Parts | None = None
    changes: tuple[Change, ...] = ()
