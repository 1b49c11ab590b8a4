"""The small interface behind which other trackers stand, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_mlops.engine.mlflow_steps import mlflow_target
from jupyter_mlops.store.records import Addressee

if TYPE_CHECKING:
    from jupyter_mlops.tracking.parcels import ModelParcel, RunParcel

__all__ = ["RejectedError", "Tracker", "UnreachableError", "addressees", "open_tracker"]


class UnreachableError(Exception):
    """The tracker is away, ill, or lets nobody in: there is no use in trying the rest now."""


class RejectedError(Exception):
    """The tracker answers, but does not take this run or model."""


class Tracker(Protocol):
    """Takes runs and models.

    Each method may be called again for the same parcel, at any time and after it was cut off anywhere: what has
    arrived before must not arrive twice. Only one process calls them at a time.
    """

    def deliver_run(self, parcel: RunParcel) -> None:
        """Deliver a run that has ended, with its steps.

        Raises:
            UnreachableError: The tracker is away.
            RejectedError: It does not take this run.
        """
        ...

    def deliver_model(self, parcel: ModelParcel) -> None:
        """Deliver a registered model with all its versions; their runs were delivered before. Errors as above."""
        ...


def addressees(environ: Mapping[str, str], cwd: Path) -> tuple[Addressee, ...]:
    """Return the trackers that the environment asks for.

    Args:
        cwd: Where relative paths begin.
    """
    found = mlflow_target(environ, cwd)
    return () if found is None else (found,)


def open_tracker(to: Addressee, environ: Mapping[str, str]) -> Tracker:
    """Connect to a tracker.

    Args:
        environ: Where passwords and the like are found.

    Raises:
        UnreachableError: It is away, or what it takes to talk to it is not installed.
    """
    if to.tracker != "mlflow":
        raise UnreachableError(f"this version knows no tracker called {to.tracker!r}")
    from jupyter_mlops.tracking.mlflow_client import connect

    return connect(to, environ)
