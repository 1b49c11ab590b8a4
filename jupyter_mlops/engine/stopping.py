"""Stopping a run of this machine from another process."""

from __future__ import annotations

import os
import platform
import signal
import time

from jupyter_mlops.engine.abandoned import settle_abandoned
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import FINAL

__all__ = ["stop_run"]

_INTERVAL = 0.1


def stop_run(database: Database, home: Home, run_id: str, *, patience: float = 60.0) -> None:
    """Ask the process of a run to stop, as Ctrl-C does, and wait until it has: what has finished is kept.

    Args:
        patience: Seconds to wait.

    Raises:
        UsageError: The run has ended, or its process is another machine's or user's.
        InfrastructureError: It does not stop in time.
    """
    settle_abandoned(database, home)  # from here on, the process of a run in progress is alive
    run = database.run(run_id)
    if run.status in FINAL:
        raise UsageError(f"The run {run_id} is not going on: it is {run.status}.")
    if run.host != platform.node() or run.pid is None:
        raise UsageError(f"The run {run_id} is one of the machine {run.host or 'that made it'}.", hint="Stop it there.")
    if run.pid == os.getpid():
        raise UsageError(f"The run {run_id} is one of this very process.", hint="Interrupt it (Ctrl-C).")
    try:
        os.kill(run.pid, signal.SIGTERM)
    except ProcessLookupError:
        settle_abandoned(database, home)
        return
    except PermissionError:
        raise UsageError(
            f"The process {run.pid} of the run {run_id} belongs to another user.", hint="Ask that user to stop it."
        ) from None
    end = time.monotonic() + patience
    while database.status(run_id) not in FINAL:
        if time.monotonic() > end:
            raise InfrastructureError(
                f"The run {run_id} was asked to stop and goes on after {patience:.0f} s.",
                hint=f"Its process is {run.pid}; kill {run.pid} asks once more and ends its kernels at once.",
            )
        time.sleep(_INTERVAL)
