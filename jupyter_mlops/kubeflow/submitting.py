"""From a compiled pipeline to a run on a cluster, with a record of it here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlops.errors import MlopsError, UsageError
from jupyter_mlops.kubeflow.client import Cluster
from jupyter_mlops.kubeflow.once import UncertainError, exactly_once
from jupyter_mlops.kubeflow.records import BACKEND, COMPONENTS, ClusterRun, cluster_run, keep
from jupyter_mlops.kubeflow.trouble import Refused, Trouble
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import NewRun

__all__ = ["NotStartedError", "Order", "Uploaded", "settle_start", "submit", "upload"]

_DEFAULT_EXPERIMENT = "Default"
_VERSION = 16


class NotStartedError(UsageError):
    """The cluster has nothing of a run that is on record here."""


@dataclass(frozen=True)
class Order:
    """What is to run.

    Args:
        name: What the pipeline is called on the cluster.
        yaml: The compiled pipeline.
        arguments: Values of its parameters as Kubeflow takes them.
        components: Digest of what each step is compiled to, by slug.
        experiment: The group the run is in; empty for the runtime's.
        description: What people read of it on the cluster.
    """

    name: str
    yaml: str
    arguments: Mapping[str, Any]
    components: Mapping[str, str] = field(default_factory=dict)
    experiment: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A version of a pipeline on a cluster.

    Args:
        is_new: Whether it was not there before.
    """

    experiment: str
    experiment_id: str
    pipeline_id: str
    version: str
    version_id: str
    is_new: bool


def upload(cluster: Cluster, order: Order) -> Uploaded:
    """See to it that the cluster has this version of the pipeline, and the experiment; what is there is used.

    Raises:
        Unreachable: The cluster can't be reached.
        Refused: It does not take the pipeline.
    """
    experiment = order.experiment or cluster.runtime.experiment or _DEFAULT_EXPERIMENT
    experiment_id = cluster.experiment(experiment)
    pipeline_id = cluster.pipeline(order.name) or _create_pipeline(cluster, order)
    # Named by its content, a version is uploaded once, however often the answer is lost.
    version = f"v{hashlib.sha256(order.yaml.encode()).hexdigest()[:_VERSION]}"
    found = cluster.versions(pipeline_id, version)
    is_new = not found
    if found:
        version_id = str(found[0]["pipeline_version_id"])
    else:
        version_id = _upload_version(cluster, order, pipeline_id, version)
    return Uploaded(experiment, experiment_id, pipeline_id, version, version_id, is_new)


def submit(cluster: Cluster, database: Database, new: NewRun, order: Order) -> str:
    """Start a run, once, and record it.

    Args:
        new: What is known of the run.

    Returns:
        The run's id here.

    Raises:
        UncertainError: It can't be told whether it was started; it is on record, and is looked for later.
        Unreachable: It was not started; nothing is on record.
        Refused: It was not started; nothing is on record.
    """
    uploaded = upload(cluster, order)
    experiments = tuple(dict.fromkeys([*new.experiments, uploaded.experiment]))
    run_id = database.create_run(replace(new, backend=BACKEND, experiments=experiments)).run_id
    runtime = cluster.runtime
    found = ClusterRun(
        runtime=runtime.name,
        host=runtime.host,
        namespace=runtime.namespace,
        name=f"{order.name} {run_id}",
        pipeline=order.name,
        pipeline_id=uploaded.pipeline_id,
        version=uploaded.version,
        version_id=uploaded.version_id,
        experiment=uploaded.experiment,
        experiment_id=uploaded.experiment_id,
        pipeline_root=runtime.pipeline_root,
    )
    keep(database, run_id, found)
    database.record_document(run_id, COMPONENTS, json.dumps(dict(order.components)))
    try:
        started = _start(cluster, run_id, found, order)
    except UncertainError as error:
        raise UncertainError(
            error.message, hint=f"It is on record; look again later: jupyter mlops runs show {run_id}"
        ) from None
    except MlopsError:
        database.delete_run(run_id)
        raise
    _confirmed(cluster, database, run_id, found, started)
    return run_id


def settle_start(cluster: Cluster, database: Database, run_id: str) -> ClusterRun:
    """Find a run on the cluster whose start was never confirmed.

    Raises:
        NotStartedError: The cluster has no such run.
    """
    found = cluster_run(database, run_id)
    if found.run_id:
        return found
    runs = cluster.runs_named(found.name, found.experiment_id)
    if not runs:
        raise NotStartedError(
            f"The run {run_id} is not at the runtime {found.runtime!r}: its start was not confirmed, and nothing there "
            f"is called {found.name!r}.",
            hint=f"jupyter mlops stop {run_id} gives it up; then submit it again.",
        )
    return _confirmed(cluster, database, run_id, found, str(runs[0]["run_id"]))


def run_body(found: ClusterRun, arguments: Mapping[str, Any], description: str, account: str) -> dict[str, Any]:
    """Return what a run or a recurring run is created from."""
    config: dict[str, Any] = {"parameters": dict(arguments)}
    if found.pipeline_root:
        config["pipeline_root"] = found.pipeline_root
    body: dict[str, Any] = {
        "display_name": found.name,
        "description": description,
        "experiment_id": found.experiment_id,
        "pipeline_version_reference": {
            "pipeline_id": found.pipeline_id,
            "pipeline_version_id": found.version_id,
        },
        "runtime_config": config,
    }
    return body | ({"service_account": account} if account else {})


def _start(cluster: Cluster, run_id: str, found: ClusterRun, order: Order) -> str:
    description = f"{order.description} Started by jupyter-mlops as {run_id}.".strip()
    body = run_body(found, order.arguments, description, cluster.runtime.service_account)
    return exactly_once(
        lambda: cluster.start_run(body),
        lambda: [str(run["run_id"]) for run in cluster.runs_named(found.name, found.experiment_id)],
        cluster.terminate,
        cluster.pace,
        "the run",
    )


def _confirmed(cluster: Cluster, database: Database, run_id: str, found: ClusterRun, started: str) -> ClusterRun:
    known = replace(found, run_id=started, page=cluster.run_page(started))
    keep(database, run_id, known)
    return known


def _create_pipeline(cluster: Cluster, order: Order) -> str:
    try:
        return cluster.create_pipeline(order.name, order.description)
    except Trouble as error:
        known = cluster.pipeline(order.name) if _may_be_done(error) else None
        if known is None:
            raise
        return known


def _upload_version(cluster: Cluster, order: Order, pipeline_id: str, version: str) -> str:
    try:
        return cluster.upload_version(pipeline_id, version, order.description, order.yaml)
    except Trouble as error:
        found = cluster.versions(pipeline_id, version) if _may_be_done(error) else []
        if not found:
            raise
        return str(found[0]["pipeline_version_id"])


def _may_be_done(error: Any) -> bool:
    return not error.unsent or (isinstance(error, Refused) and error.kind == "conflict")
