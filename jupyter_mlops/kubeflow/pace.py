"""How long to wait for what."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BRIEF", "PACE", "Pace"]

_LONGEST = 60.0
_STEEPEST = 30


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds.

    Args:
        connect: For a connection.
        read: For an answer.
        tries: How often a question is asked.
        first: Between two questions, at first.
        most: Between two questions, in the end.
        patience: How long a cluster that does not answer is asked while a run is followed.
    """

    connect: float = 10.0
    read: float = 60.0
    tries: int = 4
    first: float = 1.0
    most: float = 30.0
    patience: float = 600.0

    def pause(self, attempt: int, wish: float | None = None) -> float:
        """Return how long to wait after an attempt, counted from 0.

        Args:
            wish: What the server asked for.
        """
        grown = min(self.first * 2.0 ** min(attempt, _STEEPEST), self.most)
        return grown if wish is None else max(grown, min(wish, _LONGEST))


PACE = Pace()
"""What is used unless something else is said."""

BRIEF = Pace(connect=3.0, read=15.0, tries=1)
"""For somebody who wants to see what is on record anyway."""
