"""Deployments: which versions answer requests where, how they do, and every change of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.deploying import (
    Deployed,
    Request,
    Terms,
    carried_out,
    check_applying,
    digests,
    prepare,
    settled,
    wish,
)
from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    import pandas

    from jupyter_mlops.deploy.deployment import Deployment
    from jupyter_mlops.deploy.watching.live import Live
    from jupyter_mlops.store.deployments import DeploymentEvent

__all__ = [
    "Answer",
    "Deployed",
    "Request",
    "Shown",
    "Terms",
    "deploy",
    "deployment",
    "deployment_manifests",
    "deployments",
    "live",
    "promote",
    "remove_deployment",
    "roll_back",
    "set_weights",
    "stop_deployment",
    "try_it",
    "window",
]


@dataclass(frozen=True, slots=True)
class Shown:
    """A deployment with what was done to it and how it stands.

    Args:
        events: The newest first.
        live: None if its server has never told anything.
    """

    deployment: Deployment
    events: tuple[DeploymentEvent, ...]
    live: Live | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        from jupyter_mlops.deploy.deployment import event_json

        return {
            "deployment": self.deployment.to_json(),
            "events": [event_json(event) for event in self.events],
            "live": None if self.live is None else self.live.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a deployment answered.

    Args:
        version: That answered.
        id: Of the request, for feedback.
        outputs: By name.
    """

    version: int | None
    id: str
    outputs: Mapping[str, Any]
    seconds: float


def deploy(
    asked: Request, *, reason: str | None = None, force: bool = False, apply: bool = False, home: PathLike | None = None
) -> Deployed:
    """Let a version of a model answer requests.

    Args:
        reason: Needed where the version takes the place of another.
        force: Also code that was not committed.
        apply: Whether a cluster is changed; it must be said there.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: The wish makes no sense, or lacks a reason, or the code was not committed.
        InfrastructureError: The server does not start, or the cluster can't be reached.
    """
    from jupyter_mlops.deploy.rollout import Rollouts

    with open_store(home) as (database, folders):
        wanted = wish(database, asked, reason, force=force)
        rollouts = Rollouts(database)
        planned = rollouts.planned(wanted)
        check_applying(planned, apply)
        prepared = prepare(planned, folders, before=lambda: rollouts.check(wanted))
        done = rollouts.deploy(wanted)
        return carried_out(database, folders, done, prepared)


def deployment_manifests(asked: Request, *, home: PathLike | None = None) -> str:
    """Return what ``deploy`` would hand to a cluster, as YAML; nothing is changed.

    Raises:
        UsageError: The wish makes no sense, or the target takes no manifests.
    """
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.targets import CLUSTERS, manifests
    from jupyter_mlops.errors import UsageError

    with open_store(home) as (database, folders):
        planned = Rollouts(database).planned(wish(database, asked))
        if planned.target not in CLUSTERS:
            raise UsageError(
                f"The target {planned.target} takes no manifests.", hint=f"Those that do: {', '.join(CLUSTERS)}."
            )
        return manifests(planned, digests(planned, folders))


def promote(
    name: str,
    *,
    version: int | None = None,
    reason: str | None = None,
    force: bool = False,
    home: PathLike | None = None,
) -> Deployed:
    """Give all requests of a deployment to its canary, or to another version.

    Args:
        reason: Why; stays on record.
        force: Also code that was not committed.

    Raises:
        UsageError: Nothing is on trial, there is no reason, or the code was not committed.
        InfrastructureError: The server can't go over.
    """
    from jupyter_mlops.deploy.rollout import Rollouts

    with open_store(home) as (database, folders):
        done = Rollouts(database).promote(name, version=version, reason=reason, force=force)
        return carried_out(database, folders, done)


def set_weights(
    name: str,
    weights: Mapping[int, int],
    *,
    reason: str | None = None,
    force: bool = False,
    home: PathLike | None = None,
) -> Deployed:
    """Part the requests of a deployment between versions. Arguments and errors as for ``promote``."""
    from jupyter_mlops.deploy.rollout import Rollouts

    with open_store(home) as (database, folders):
        return carried_out(database, folders, Rollouts(database).set_weights(name, weights, reason=reason, force=force))


def roll_back(name: str, *, to: int | None = None, reason: str | None = None, home: PathLike | None = None) -> Deployed:
    """Bring back the versions that answered before the last change, without anything that was on trial.

    Args:
        to: A version that is to answer everything, instead.

    Raises:
        UsageError: There is nothing to go back to.
        InfrastructureError: The server can't go over.
    """
    from jupyter_mlops.deploy.rollout import Rollouts

    with open_store(home) as (database, folders):
        return carried_out(database, folders, Rollouts(database).roll_back(name, to=to, reason=reason))


def stop_deployment(name: str, *, reason: str | None = None, home: PathLike | None = None) -> Deployed:
    """End a deployment: its server, or what a cluster has of it. It stays on record, and can be deployed again.

    Raises:
        UsageError: There is none of this name.
        InfrastructureError: Its server runs elsewhere or does not end, or the cluster can't be reached.
    """
    from jupyter_mlops.deploy import cluster, local
    from jupyter_mlops.deploy.deployment import LOCAL
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.targets import CLUSTERS, manifests, objects_of

    with open_store(home) as (database, folders):
        rollouts = Rollouts(database)
        found = rollouts.deployment(name)
        was_there = found.state != "stopped"
        applied: tuple[tuple[str, str, str], ...] = ()
        if found.target == LOCAL:
            was_there = local.stop(found) or was_there
        elif found.target in CLUSTERS and found.state == "applied":
            api = cluster.connect(found.options.target.get("context"))
            done = cluster.delete(api, objects_of(manifests(found, digests(found, folders))))
            applied = tuple((item.kind, item.name, item.action) for item in done)
        if found.state == "stopped":
            return Deployed(found, False, str(found.traffic))
        return Deployed(rollouts.stopped(name, reason), was_there, str(found.traffic), applied)


def remove_deployment(name: str, *, home: PathLike | None = None) -> None:
    """Forget a deployment that was stopped; what was done to it stays on record.

    Raises:
        UsageError: There is none of this name, or it was not stopped.
    """
    import shutil

    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.errors import UsageError

    with open_store(home) as (database, folders):
        found = Rollouts(database).deployment(name)
        if settled(database, found).state not in ("stopped", "failed", "built"):
            raise UsageError(f"{name} still answers requests.", hint=f"Stop it first: jupyter mlops deploy stop {name}")
        database.forget_deployment(name)
        shutil.rmtree(folders.deployments / name, ignore_errors=True)


def deployments(*, home: PathLike | None = None) -> tuple[Deployment, ...]:
    """Return all deployments in the order of their names; those whose server has ended as ``failed``.

    Raises:
        UsageError: There is no store.
        InfrastructureError: It can't be used.
    """
    from jupyter_mlops.deploy.rollout import Rollouts

    with open_store(home) as (database, _):
        return tuple(settled(database, item) for item in Rollouts(database).deployments())


def deployment(name: str, *, events: int | None = 20, home: PathLike | None = None) -> Shown:
    """Return a deployment, what was done to it, and how it stands.

    Args:
        events: How many of the newest; None is all.

    Raises:
        UsageError: There is none of this name.
    """
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.status import read_status

    with open_store(home) as (database, folders):
        rollouts = Rollouts(database)
        found = settled(database, rollouts.deployment(name))
        status = read_status(folders.deployments / found.name)
        return Shown(found, rollouts.events(name, events), None if status is None else status.live)


def live(name: str, *, home: PathLike | None = None) -> Live | None:
    """Return how a deployment on this machine stands; None if its server has never told. Errors as ``deployment``."""
    return deployment(name, events=0, home=home).live


def window(name: str, version: int | None = None, *, home: PathLike | None = None) -> pandas.DataFrame:
    """Return the rows of the last full window of a version, to be looked at beside the training data.

    Args:
        version: By default the one that answers most requests.

    Raises:
        UsageError: There is no such deployment, or no window yet.
    """
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.watching.windows import read_window
    from jupyter_mlops.errors import UsageError

    with open_store(home) as (database, folders):
        found = Rollouts(database).deployment(name)
        wanted = version or max(found.traffic.serving, key=lambda share: share.weight).version
        rows = read_window(folders.deployments / found.name, wanted)
        if rows is None:
            raise UsageError(
                f"Version {wanted} of {name} has had no full window of rows yet.",
                hint=f"A window has {found.options.watch.window} rows: jupyter mlops deploy show {name}",
            )
        return rows


def try_it(
    name: str,
    rows: Any = None,
    *,
    version: int | None = None,
    timeout: float = 30.0,
    home: PathLike | None = None,
) -> Answer:
    """Send rows to a deployment on this machine and return what it answers.

    Args:
        rows: In a form of MLflow's ``/invocations`` (``{"dataframe_split": …}``, ``{"instances": …}``), or a
            DataFrame; the example in the model's bundle by default.
        version: That is to answer; the traffic decides by default.

    Raises:
        UsageError: It is not running, or refuses the rows.
        InfrastructureError: It can't be reached, or failed.
    """
    from jupyter_mlops.api.serving import bundle
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.trying import ask
    from jupyter_mlops.errors import UsageError

    with open_store(home) as (database, folders):
        found = settled(database, Rollouts(database).deployment(name))
        if found.endpoint is None or found.state != "running":
            why = f"it is {found.state}" if found.problem is None else f"it is {found.state}: {found.problem}"
            raise UsageError(f"{name} can't be asked: {why}.", hint=f"See: jupyter mlops deploy show {name}")
        asked = version or max(found.traffic.serving, key=lambda share: share.weight).version
        made = bundle(f"{found.model}/{asked}", home=folders.root)
        given = made.example() if rows is None else rows
        if given is None:
            raise UsageError(
                f"The bundle of {found.model}/{asked} has no example.", hint="Give rows of your own, as JSON."
            )
        done = ask(found.endpoint, found.model, given, made.schema, version=version, timeout=timeout)
    return Answer(done.version, done.id, done.outputs, done.seconds)
