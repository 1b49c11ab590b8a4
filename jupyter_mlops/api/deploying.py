"""The parts of a change of a deployment: what is wished for, what must be there first, and handing it to the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.deploy.deployment import Deployment, Options
    from jupyter_mlops.deploy.rollout import Changed, Wish
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home

__all__ = ["Deployed", "Request", "Terms", "carried_out", "check_applying", "digests", "prepare", "settled", "wish"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a deployment is to be served and watched; None leaves what it has, or the default.

    Args:
        max_errors: Percent of the requests that a version on trial may fail; 100 is any.
        max_latency: Milliseconds that 95 of 100 answers of a version on trial may take; 0 is any.
        judge_seconds: Of requests that are judged by.
        judge_requests: Requests before anything is judged.
        probation: Seconds for which a promoted version is on trial.
        window: Rows that are compared with the training data at once.
        sample: Percent of the requests that is written down.
        target: What a target in ``templates/deploy`` is told: ``image``, ``namespace``, ``min_replicas``,
            ``max_replicas``, ``cpu``, ``memory``, ``mode``, ``pull_secret``, ``token_secret``, ``context``.
    """

    port: int | None = None
    max_errors: float | None = None
    max_latency: float | None = None
    judge_seconds: float | None = None
    judge_requests: int | None = None
    probation: float | None = None
    window: int | None = None
    sample: float | None = None
    target: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked to be deployed.

    Args:
        reference: ``churn@3``, ``churn@champion``, ``churn``.
        name: Of the deployment; the model's by default.
        target: ``local`` by default; ``kserve`` or ``kubernetes``.
        canary: Percent of the requests that the version gets; those that answer now keep the rest.
        shadow: Whether it gets the rows alone, for comparison.
        weights: Percent by version, for versions beside each other.
        terms: How it is served and watched.
    """

    reference: str
    name: str | None = None
    target: str | None = None
    canary: int | None = None
    shadow: bool = False
    weights: Mapping[int, int] | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a change came to.

    Args:
        changed: False if all was so already.
        before: The versions that answered before, in words; None if there was no deployment.
        applied: Objects of a cluster that were changed, as kind, name and what was done.
        notes: What there is to say besides.
    """

    deployment: Deployment
    changed: bool
    before: str | None
    applied: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


def wish(database: Database, asked: Request, reason: str | None = None, *, force: bool = False) -> Wish:
    """Understand what is to be deployed.

    Raises:
        UsageError: There is no such version or target, or a number makes no sense.
    """
    from jupyter_mlops.deploy.deployment import Deployment, Options, default_name
    from jupyter_mlops.deploy.rollout import Wish
    from jupyter_mlops.deploy.targets import check_target
    from jupyter_mlops.tracking.models import Registry

    version = Registry(database).version(asked.reference)
    record = database.deployment(asked.name or default_name(version.model))
    before = Options() if record is None else Deployment.from_record(record).options
    versions = [version.version, *(asked.weights or {})]
    terms = asked.terms
    if record is not None and record.state != "stopped":
        versions += [share.version for share in record.shares if terms and terms.target and terms.target.get("image")]
    return Wish(
        version,
        asked.name,
        None if asked.target is None else check_target(asked.target),
        asked.canary,
        asked.shadow,
        asked.weights,
        reason,
        _options(before, terms, versions),
        force,
    )


def _options(before: Options, terms: Terms | None, versions: list[int]) -> Options:
    """The options that a deployment had, with what is said anew."""
    if terms is None:
        return before
    guard, watch = before.guard, before.watch
    changes: dict[str, Any] = {
        "max_errors": terms.max_errors,
        "window": terms.judge_seconds,
        "least": terms.judge_requests,
        "probation": terms.probation,
        "max_latency": terms.max_latency or None,
    }
    guard = replace(guard, **{name: value for name, value in changes.items() if value is not None})
    if terms.max_latency == 0:
        guard = replace(guard, max_latency=None)
    if terms.window is not None:
        watch = replace(watch, window=terms.window)
    if terms.sample is not None:
        watch = replace(watch, sample=terms.sample / 100)
    target = {**before.target, **{name: value for name, value in (terms.target or {}).items() if value is not None}}
    image = target.pop("image", None)
    if image is not None:
        target["images"] = {**target.get("images", {}), **{str(version): image for version in versions}}
    port = terms.port if terms.port is not None else before.port
    return replace(before, guard=guard, watch=watch, target=target, port=port).checked()


def check_applying(planned: Deployment, apply: bool) -> None:
    """Refuse to change a cluster unless that was said once.

    Raises:
        UsageError: It was not.
    """
    from jupyter_mlops.deploy.targets import CLUSTERS
    from jupyter_mlops.errors import UsageError

    if planned.target in CLUSTERS and not apply and planned.state != "applied":
        raise UsageError(
            f"A deployment to {planned.target} changes a cluster, and that has to be said.",
            hint="Look with --dry-run at what it would get, and send it with --apply.",
        )


def prepare(planned: Deployment, home: Home, *, before: Callable[[], None]) -> Mapping[int, str]:
    """Make the bundles and see that the target can do it, before anything is on record."""
    from jupyter_mlops.deploy.targets import CLUSTERS, manifests

    before()
    made = digests(planned, home)
    if planned.target in CLUSTERS:
        manifests(planned, made)
    return made


def digests(found: Deployment, home: Home) -> dict[int, str]:
    """Return the digests of the bundles, which are made where there are none, by version."""
    from jupyter_mlops.api.serving import bundle

    return {version: bundle(f"{found.model}/{version}", home=home.root).digest for version in found.traffic.versions}


def carried_out(database: Database, home: Home, done: Changed, prepared: Mapping[int, str] | None = None) -> Deployed:
    """Let the target have what is on record."""
    from jupyter_mlops.deploy.deployment import LOCAL
    from jupyter_mlops.deploy.targets import CLUSTERS

    before = None if done.before is None else str(done.before)
    found = done.deployment
    applied: tuple[tuple[str, str, str], ...] = ()
    if found.target == LOCAL:
        found = _served_here(database, home, found)
    elif found.target in CLUSTERS and found.state != "stopped":
        found, applied = _applied(database, home, found, prepared)
    return Deployed(found, done.changed, before, applied, done.notes)


def _served_here(database: Database, home: Home, found: Deployment) -> Deployment:
    from jupyter_mlops.deploy import local
    from jupyter_mlops.errors import InfrastructureError

    alive = local.is_alive(found)
    if alive is None:
        raise InfrastructureError(
            f"The server of {found.name} runs on {found.host}; it goes over by itself if it sees this store."
        )
    if not alive:
        return local.start(database, home, found.name)
    local.await_revision(local.deployment_folder(home, found.name), found)
    return settled(database, found)


def _applied(
    database: Database, home: Home, found: Deployment, prepared: Mapping[int, str] | None
) -> tuple[Deployment, tuple[tuple[str, str, str], ...]]:
    from jupyter_mlops.deploy import cluster
    from jupyter_mlops.deploy.rollout import Rollouts
    from jupyter_mlops.deploy.targets import manifests, objects_of
    from jupyter_mlops.errors import MlopsError

    try:
        text = manifests(found, prepared if prepared is not None else digests(found, home))
        api = cluster.connect(found.options.target.get("context"))
        done = cluster.apply(api, objects_of(text))
    except MlopsError as error:
        database.set_deployment_state(found.name, "failed", problem=error.message)
        raise
    database.set_deployment_state(found.name, "applied")
    return Rollouts(database).deployment(found.name), tuple((item.kind, item.name, item.action) for item in done)


def settled(database: Database, found: Deployment) -> Deployment:
    """A deployment as it is now: a server that has ended is told, whatever is on record."""
    from jupyter_mlops.deploy import local
    from jupyter_mlops.deploy.deployment import LOCAL, Deployment

    record = database.deployment(found.name)
    found = found if record is None else Deployment.from_record(record)
    if found.target == LOCAL and found.state in ("running", "starting") and local.is_alive(found) is False:
        return replace(found, state="failed", problem="its server has ended; deploying again starts it")
    return found
