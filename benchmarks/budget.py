"""What a benchmark reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One measured value and the most it may be."""

    what: str
    value: float
    budget: float
    unit: str = "s"

    @property
    def kept(self) -> bool:
        """Whether the value is within the budget."""
        return self.value <= self.budget
