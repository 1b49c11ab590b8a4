"""What the store keeps of a run's place on a cluster, as a text with the run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.store.database import Database

__all__ = ["BACKEND", "COMPONENTS", "DOCUMENT", "URIS", "ClusterRun", "cluster_run", "keep"]

BACKEND = "kubeflow"
DOCUMENT = "cluster"
COMPONENTS = "components"
"""Name of the text with the digest of what each step was compiled to."""
URIS = "uris"
"""Name of the text with the addresses of what a step made, by artifact id."""


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """Where a run is.

    Args:
        runtime: Name of the runtime.
        name: What the run is called on the cluster; nothing else there is called so.
        pipeline: What the pipeline is called on the cluster.
        pipeline_root: Where the run leaves what it makes; empty if that is not known.
        run_id: The cluster's id; empty as long as it is not known.
        page: Address of the page about it.
    """

    runtime: str
    host: str
    namespace: str
    name: str
    pipeline: str
    pipeline_id: str
    version: str
    version_id: str
    experiment: str
    experiment_id: str
    pipeline_root: str = ""
    run_id: str = ""
    page: str = ""


def keep(database: Database, run_id: str, found: ClusterRun) -> None:
    """Keep where a run is."""
    database.record_document(run_id, DOCUMENT, json.dumps(asdict(found)))


def cluster_run(database: Database, run_id: str) -> ClusterRun:
    """Return where a run is.

    Raises:
        UsageError: It is not on a cluster.
    """
    text = database.document(run_id, DOCUMENT)
    if text is None:
        raise UsageError(f"The run {run_id} is not on a cluster.")
    known = {field.name for field in fields(ClusterRun)}
    return ClusterRun(**{key: str(value) for key, value in json.loads(text).items() if key in known})


def check_same_host(runtime: Runtime, found: ClusterRun, run_id: str) -> None:
    """Refuse to ask another cluster about a run.

    Raises:
        UsageError: The runtime of this name is another one by now.
    """
    if (runtime.host, runtime.namespace) != (found.host, found.namespace):
        raise UsageError(
            f"The run {run_id} is at {found.host}, and the runtime {runtime.name!r} is now {runtime.host}"
            + (f" with the namespace {runtime.namespace!r}" if runtime.namespace != found.namespace else "")
            + ".",
            hint="Add a runtime for the old host in mlops.toml under this name to ask it.",
        )
