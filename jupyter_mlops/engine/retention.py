"""Which runs are no longer wanted."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database

__all__ = ["Retention", "duration", "runs_to_forget"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")


@dataclass(frozen=True, slots=True)
class Retention:
    """Which runs are to be forgotten: those that no given limit keeps.

    Args:
        keep_runs: How many of each pipeline stay, the newest.
        older_than: Seconds for which every run stays.
    """

    keep_runs: int | None = None
    older_than: float | None = None

    @property
    def asks(self) -> bool:
        """Whether any run is to be forgotten at all."""
        return self.keep_runs is not None or self.older_than is not None


def duration(text: str) -> float:
    """Return the seconds of ``30d``, ``12h``, ``2w``, ``90m``, ``10s``.

    Raises:
        UsageError: It is none of these.
    """
    match = _DURATION.fullmatch(text.lower())
    if match is None:
        raise UsageError(f"{text!r} is not a duration.", hint="Write a number and a unit: 90m, 12h, 30d, 2w.")
    return float(match[1]) * _UNITS[match[2]]


def runs_to_forget(database: Database, retention: Retention) -> tuple[list[str], dict[str, str]]:
    """Choose the runs that a retention takes, oldest first.

    Returns:
        Their ids; and those that it would take but that stay, with the reason.
    """
    if not retention.asks:
        return [], {}
    before = None if retention.older_than is None else int((time.time() - retention.older_than) * 1000)
    forget, kept = [], {}
    for run_id, reason in database.unwanted(retention.keep_runs or 0, before):
        if reason is None:
            forget.append(run_id)
        else:
            kept[run_id] = reason
    return forget, kept
