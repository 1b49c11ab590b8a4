"""Artifacts of runs on clusters, brought into the object store when somebody wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.kubeflow.records import URIS, cluster_run
from jupyter_mlops.kubeflow.runtimes import find_runtime
from jupyter_mlops.kubeflow.storage import Storage
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, project_of
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["fetch_artifacts", "uris_of"]


def uris_of(database: Database, run_id: str, step: str) -> dict[str, str]:
    """Return where what a step made is, by artifact id."""
    text = database.document(run_id, URIS, step)
    return {str(key): str(value) for key, value in json.loads(text).items()} if text else {}


def fetch_artifacts(database: Database, home: Home, artifacts: Sequence[ArtifactRecord]) -> tuple[int, int]:
    """Bring artifacts into the object store that are not there, if a cluster has them.

    Args:
        artifacts: With the run and step that made them.

    Returns:
        How many were fetched, and how many were there already.

    Raises:
        UsageError: The runtime, the library or the rights for it are missing.
        InfrastructureError: It can't be read, or is not what was recorded.
    """
    objects = ObjectStore(home.objects)
    missing = [item for item in artifacts if not objects.has(item.digest)]
    storages: dict[str, Storage] = {}
    for item in missing:
        found = _where(database, item)
        if found is None:
            continue  # of a run of this machine, whose objects were removed
        run_id, uri = found
        name = cluster_run(database, run_id).runtime
        if name not in storages:
            storages[name] = Storage(find_runtime(project_of(home), name))
        if not objects.put_chunks(storages[name].chunks(uri), item.digest):
            raise InfrastructureError(
                f"What is at {uri} is not what the step {item.step!r} made as {item.name}: its digest differs.",
                hint="Run the step again.",
            )
    return sum(1 for item in missing if objects.has(item.digest)), len(artifacts) - len(missing)


def _where(database: Database, item: ArtifactRecord) -> tuple[str, str] | None:
    """Return run and address of an artifact: of this run, or of any other that made the same content."""
    if (uri := uris_of(database, item.run_id, item.step).get(item.id)) is not None:
        return item.run_id, uri
    for event in database.producers(item.digest):
        uri = uris_of(database, event.run_id, event.step).get(event.artifact.id)
        if uri is not None:
            return event.run_id, uri
    return None
