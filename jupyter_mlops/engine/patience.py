"""How long kernels and cells may take."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.errors import UsageError

__all__ = ["Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of time besides a step's own.

    Args:
        start: Seconds for a kernel to start; there is a default for None.
        cell: Seconds for each cell; None for as long as it takes.
    """

    start: float | None = None
    cell: float | None = None

    def __post_init__(self) -> None:
        for what, seconds in (("start of a kernel", self.start), ("cell", self.cell)):
            if seconds is not None and not seconds > 0:
                raise UsageError(f"The timeout of a {what} is a positive number of seconds, not {seconds}.")
