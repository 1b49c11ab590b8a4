"""Stopping runs on a cluster, and letting failed ones go on."""

from __future__ import annotations

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.client import Cluster
from jupyter_mlops.kubeflow.states import run_status
from jupyter_mlops.kubeflow.submitting import NotStartedError, settle_start
from jupyter_mlops.kubeflow.trouble import Refused, Unreachable
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import FINAL

__all__ = ["retry_run", "stop_run"]


def stop_run(cluster: Cluster, database: Database, run_id: str) -> None:
    """Ask a run to stop; steps that run get the time that their pods have for it.

    Raises:
        UsageError: It has ended.
        Unreachable: The cluster can't be reached.
        Refused: The cluster does not do it.
    """
    _check_going(database, run_id)
    try:
        place = settle_start(cluster, database, run_id)
    except NotStartedError:
        database.finish_run(run_id, "cancelled")
        return
    try:
        cluster.terminate(place.run_id)
    except Refused as error:
        if error.kind not in ("invalid", "conflict", "missing"):
            raise
        # It has ended meanwhile, or is gone: who looks next records that.


def retry_run(cluster: Cluster, database: Database, run_id: str) -> None:
    """Let the steps of a run that did not end well run again; the others keep their results.

    Raises:
        UsageError: The run is going on, or there is nothing to do again.
        Unreachable: The cluster can't be reached.
        Refused: The cluster does not do it.
    """
    status = database.status(run_id)
    if status not in FINAL:
        raise UsageError(f"The run {run_id} is still {status}.", hint=f"jupyter mlops stop {run_id} stops it.")
    if status in ("succeeded", "reused"):
        raise UsageError(f"The run {run_id} {status}: there is nothing to do again.", hint="Submit it anew.")
    place = settle_start(cluster, database, run_id)
    try:
        cluster.retry(place.run_id)
    except Refused as error:
        if error.kind == "missing":
            error.hint = "The cluster has forgotten the run: submit it anew."
        raise
    except Unreachable as error:
        # The answer may be all that was lost.
        if error.unsent or run_status(cluster.run(place.run_id)) in FINAL:
            raise
    database.reopen_run(run_id)


def _check_going(database: Database, run_id: str) -> None:
    status = database.status(run_id)
    if status in FINAL:
        raise UsageError(f"The run {run_id} is not going on: it is {status}.")
