"""Stopping runs and trying them again, wherever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.clusters import cluster_of
from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.engine.events import Reporter
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.store.records import RunRecord

__all__ = ["backend_of", "retry_locally", "retry_on_cluster", "stop_run"]


_HIDDEN = "[redacted"
"""What stands on record for a secret begins so."""


def backend_of(run: str, *, home: PathLike | None = None) -> RunRecord:
    """Return the record of the run that is meant.

    Raises:
        UsageError: No run, or more than one, is meant.
    """
    with open_store(home) as (database, _):
        return database.run(run)


def stop_run(run: str, *, home: PathLike | None = None) -> tuple[str, str]:
    """Stop a run, of this machine or of a cluster; return its id and how it stands.

    Args:
        run: As for ``show_run``.

    Raises:
        UsageError: It has ended, or can't be stopped from here.
        InfrastructureError: It does not stop, or the cluster can't be reached.
    """
    from jupyter_mlops.kubeflow.records import BACKEND
    from jupyter_mlops.store.records import FINAL

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        if database.run(run_id).backend == BACKEND:
            from jupyter_mlops.kubeflow import controlling
            from jupyter_mlops.kubeflow.following import Follower

            with cluster_of(database, folders, run_id) as cluster:
                controlling.stop_run(cluster, database, run_id)
                if database.status(run_id) in FINAL:
                    return run_id, str(database.status(run_id))
                return run_id, Follower(cluster, database, folders, run_id).refresh()
        from jupyter_mlops.engine import stopping

        stopping.stop_run(database, folders, run_id)
        return run_id, str(database.status(run_id))


def retry_on_cluster(run: str, *, home: PathLike | None = None) -> str:
    """Let the steps of a run on a cluster that did not end well run again; return the run's id.

    Raises:
        UsageError: It is going on, has succeeded, or the cluster has forgotten it.
        InfrastructureError: The cluster can't be reached.
    """
    from jupyter_mlops.kubeflow import controlling
    from jupyter_mlops.kubeflow.following import Follower

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        with cluster_of(database, folders, run_id) as cluster:
            if database.status(run_id) == "running":
                Follower(cluster, database, folders, run_id).refresh()
            controlling.retry_run(cluster, database, run_id)
        return run_id


def retry_locally(run: str, *, reporter: Reporter | None = None, home: PathLike | None = None) -> RunResult:
    """Run the notebook of a run again, with its parameters; steps that ended well are reused if nothing has changed.

    Raises:
        UsageError: It is going on, its notebook is not there any more, or a parameter no longer fits.
        PipelineError: The notebook has errors by now.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.api import running
    from jupyter_mlops.engine.abandoned import settle_abandoned
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.records import FINAL

    with open_store(home) as (database, folders):
        settle_abandoned(database, folders)
        found = database.run(run)
    if found.status not in FINAL:
        raise UsageError(
            f"The run {found.run_id} is still {found.status}.", hint=f"jupyter mlops stop {found.run_id} stops it."
        )
    if found.notebook is None or not Path(found.notebook).is_file():
        raise UsageError(
            f"The notebook of the run {found.run_id} is no longer at {found.notebook or 'a known place'}.",
            hint=f"jupyter mlops runs show {found.run_id} --document notebook prints it as it was.",
        )
    given: dict[str, Any] = {
        name: value for name, value in found.parameters.items() if found.parameter_sources.get(name) != "default"
    }
    for name, value in given.items():
        if _HIDDEN in json.dumps(value):
            raise UsageError(
                f"The run {found.run_id} had a secret as the parameter {name}, which is not on record.",
                hint=f"Run the notebook anew and give it: jupyter mlops run {found.notebook} -p {name} VALUE",
            )
    sources = dict.fromkeys(given, f"retry of {found.run_id}")
    return running.run(found.notebook, given, reporter=reporter, home=folders.root, sources=sources)
