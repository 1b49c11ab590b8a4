"""Changes of deployments: which traffic comes next, who may do it, and the record of it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, replace

from jupyter_mlops.deploy.deployment import LOCAL, Deployment, Options, check_name, default_name
from jupyter_mlops.deploy.origin import Origin, origin_of, refuse_dirty
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest, printable
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.deployments import Change, DeploymentEvent, State
from jupyter_mlops.store.models import ModelVersion
from jupyter_mlops.tracking.model_names import ModelReference
from jupyter_mlops.tracking.models import Registry

__all__ = ["AUTOMATIC", "Changed", "Reason", "Rollouts", "Wish"]

AUTOMATIC = "jupyter-mlops"
"""Who takes versions back that do harm."""

_LIST = "jupyter mlops deploy list"


class Reason(UsageError):
    """A change needs a reason and has none."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be deployed.

    Args:
        name: Of the deployment; made of the model's by default.
        target: None is ``local``, or where it is already.
        canary: Percent of the requests that the version gets; the others keep the rest.
        shadow: Whether it gets the rows alone.
        weights: Percent by version, instead of one version.
        options: Instead of those that the deployment has.
        force: Also code that was not committed.
    """

    version: ModelVersion
    name: str | None = None
    target: str | None = None
    canary: int | None = None
    shadow: bool = False
    weights: Mapping[int, int] | None = None
    reason: str | None = None
    options: Options | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to.

    Args:
        changed: False if all was so already.
        before: The traffic that it replaced; None if there was no deployment.
        notes: What there is to say besides.
    """

    deployment: Deployment
    changed: bool
    before: Traffic | None
    notes: tuple[str, ...] = ()


class Rollouts:
    """The deployments of a store.

    Args:
        who: Makes changes; the user by default.
    """

    def __init__(self, database: Database, who: str | None = None) -> None:
        self._database = database
        self._who = who or _user()

    def deployments(self) -> tuple[Deployment, ...]:
        """Return all deployments in the order of their names."""
        return tuple(map(Deployment.from_record, self._database.deployments()))

    def deployment(self, name: str) -> Deployment:
        """Return a deployment.

        Raises:
            UsageError: There is none of this name.
        """
        record = self._database.deployment(name)
        if record is not None:
            return Deployment.from_record(record)
        names = [item.name for item in self._database.deployments()]
        near = nearest(name, names)
        guess = f"Did you mean {near}?" if near else f"There are: {', '.join(names)}." if names else None
        raise UsageError(
            f'There is no deployment "{printable(name[:80])}".', hint=guess or "Such as: jupyter mlops deploy churn@3"
        )

    def events(self, name: str, limit: int | None = None) -> tuple[DeploymentEvent, ...]:
        """Return what was done to a deployment, the newest first."""
        return self._database.deployment_events(name, limit)

    def planned(self, wish: Wish) -> Deployment:
        """Return what ``deploy`` would make; nothing is recorded.

        Raises:
            UsageError: As for ``deploy``, but for a missing reason.
        """
        return self._plan(wish)[1]

    def deploy(self, wish: Wish) -> Changed:
        """Let a version answer.

        Raises:
            Reason: It would replace another, and there is no reason given.
            UsageError: The wish makes no sense, or the code of the version was not committed.
        """
        before, after = self._plan(wish)
        if before is not None and self._is_same(before, after):
            return Changed(before, False, before.traffic)
        notes = self._checked(wish, before, after)
        action = "canary" if wish.canary else "shadow" if wish.shadow else "weights" if wish.weights else "deploy"
        origin = origin_of(self._database, wish.version)
        number = wish.version.version
        changed = self._record(before, after, action, number, origin, wish.reason, is_new=before is None)
        return Changed(changed, True, None if before is None else before.traffic, notes)

    def check(self, wish: Wish) -> None:
        """Refuse what ``deploy`` would refuse; nothing is recorded."""
        before, after = self._plan(wish)
        if before is None or not self._is_same(before, after):
            self._checked(wish, before, after)

    def _checked(self, wish: Wish, before: Deployment | None, after: Deployment) -> tuple[str, ...]:
        version = wish.version
        replaces = before is not None and len(after.traffic.serving) == 1 and before.traffic != after.traffic
        if before is not None and replaces and not wish.shadow:
            _refuse_unreasoned(wish.reason, f"Deploying {version.model}@{version.version} to everybody")
            return self._refuse_dirty(after, before.traffic, wish.force)
        origin = origin_of(self._database, version)
        return refuse_dirty(version, origin, force=True) if origin.dirty else ()

    def promote(self, name: str, *, version: int | None, reason: str | None, force: bool) -> Changed:
        """Give all requests to the version on trial, or to another of those that the deployment has.

        Raises:
            Reason: No reason is given.
            UsageError: Nothing is on trial, or the code of the version was not committed.
        """
        before = self.deployment(name)
        wanted = version if version is not None else _on_trial(before)
        after = replace(before, traffic=Traffic.whole(wanted))
        if before.traffic == after.traffic:
            return Changed(before, False, before.traffic)
        found = self._version(before.model, wanted)
        _refuse_unreasoned(reason, f"Promoting {found.model}@{wanted}")
        notes = self._refuse_dirty(after, Traffic(()), force)
        changed = self._record(before, after, "promote", wanted, origin_of(self._database, found), reason)
        return Changed(changed, True, before.traffic, notes)

    def set_weights(
        self, name: str, weights: Mapping[int, int], *, reason: str | None = None, force: bool = False
    ) -> Changed:
        """Part the requests between versions in proportion to weights.

        Raises:
            Reason: One of them would get all requests, and there is no reason given.
            UsageError: There is no such version, or the weights make no sense.
        """
        before = self.deployment(name)
        after = replace(before, traffic=Traffic.weighted(weights))
        for share in after.traffic.shares:
            self._version(before.model, share.version)
        if before.traffic == after.traffic:
            return Changed(before, False, before.traffic)
        notes: tuple[str, ...] = ()
        if len(after.traffic.serving) == 1:
            _refuse_unreasoned(reason, f"Promoting {before.model}@{after.traffic.serving[0].version}")
            notes = self._refuse_dirty(after, before.traffic, force)
        new = max(after.traffic.shares, key=lambda share: share.weight).version
        origin = origin_of(self._database, self._version(before.model, new))
        changed = self._record(before, after, "weights", new, origin, reason)
        return Changed(changed, True, before.traffic, notes)

    def roll_back(
        self, name: str, *, to: int | None = None, reason: str | None = None, expected: int | None = None
    ) -> Changed:
        """Bring back the last traffic before this one in which nothing was on trial.

        Args:
            to: A version that is to answer everything, instead.
            expected: Only if the deployment's revision is still this one.

        Raises:
            UsageError: There was none.
        """
        before = self.deployment(name)
        if expected is not None and before.revision != expected:
            raise UsageError(f'The deployment "{name}" was changed meanwhile.')
        event = self._earlier(before, to)
        traffic, restores = (Traffic(event.after), event.number) if event else (before.traffic.without_trials(), None)
        if to is not None and event is None:
            self._version(before.model, to)
            traffic = Traffic.whole(to)
        if traffic == before.traffic:
            raise UsageError(
                f"{name} has nothing to go back to: {traffic} answers, and nothing else did before.",
                hint="Name a version: jupyter mlops deploy rollback NAME --to VERSION",
            )
        version = max(traffic.serving, key=lambda share: share.weight).version
        origin = origin_of(self._database, self._version(before.model, version))
        after = replace(before, traffic=traffic)
        changed = self._record(before, after, "rollback", version, origin, reason, restores=restores)
        return Changed(changed, True, before.traffic)

    def earlier(self, name: str) -> Traffic | None:
        """Return what a rollback would bring back; None if there is nothing."""
        record = self._database.deployment(name)
        event = None if record is None else self._earlier(Deployment.from_record(record), None)
        return None if event is None else Traffic(event.after)

    def stopped(self, name: str, reason: str | None = None) -> Deployment:
        """Record that a deployment answers no more."""
        before = self.deployment(name)
        version = max(before.traffic.serving, key=lambda share: share.weight).version
        origin = origin_of(self._database, self._version(before.model, version))
        done = self._record(
            before, replace(before, state="stopped"), "stop", version, origin, reason, restores=before.change
        )
        self._database.set_deployment_process(name, host=None, pid=None, pid_started=None)
        return done

    # --- what comes next ----------------------------------------------------------------------------------------------

    def _plan(self, wish: Wish) -> tuple[Deployment | None, Deployment]:
        version = wish.version
        name = check_name(wish.name or default_name(version.model))
        record = self._database.deployment(name)
        before = None if record is None else Deployment.from_record(record)
        if sum((wish.canary is not None, wish.shadow, wish.weights is not None)) > 1:
            raise UsageError("--canary, --shadow and --weights say different things: give one of them.")
        if before is None:
            return None, self._new(name, wish)
        if before.model != version.model:
            raise UsageError(
                f'"{name}" is a deployment of the model {before.model}.', hint="Give this one a --name of its own."
            )
        target = wish.target or before.target
        if target != before.target and before.state != "stopped":
            raise UsageError(
                f'"{name}" is deployed to {before.target}, not to {target}.',
                hint=f"Give this one a --name of its own, or end that one: jupyter mlops deploy stop {name}",
            )
        traffic = self._next(before.traffic, wish)
        options = wish.options or before.options
        return before, replace(before, traffic=traffic, target=target, options=options)

    def _new(self, name: str, wish: Wish) -> Deployment:
        version = wish.version
        if wish.canary is not None or wish.shadow:
            what = "canary" if wish.canary is not None else "shadow"
            raise UsageError(
                f'There is no deployment "{name}" yet that {version.model}@{version.version} could be the {what} of.',
                hint=f"Deploy a version first: jupyter mlops deploy {version.model}@VERSION",
            )
        traffic = self._next(Traffic(()), wish)
        options = wish.options or Options()
        return Deployment(name, version.model, wish.target or LOCAL, "starting", traffic, options, revision=0, change=0)

    def _next(self, traffic: Traffic, wish: Wish) -> Traffic:
        number = wish.version.version
        if wish.weights is not None:
            for version in wish.weights:
                self._version(wish.version.model, version)
            return Traffic.weighted(wish.weights)
        if wish.canary is not None:
            return traffic.with_canary(number, wish.canary)
        return traffic.with_shadow(number) if wish.shadow else Traffic.whole(number)

    def _is_same(self, before: Deployment, after: Deployment) -> bool:
        alive = before.state not in ("stopped", "failed")
        return (
            alive
            and before.traffic == after.traffic
            and before.target == after.target
            and before.options == after.options
        )

    def _earlier(self, before: Deployment, to: int | None) -> DeploymentEvent | None:
        """The last change before the one that brought the traffic of now, after which nothing was on trial."""
        events = {event.number: event for event in self._database.deployment_events(before.name)}
        event = events.get(before.change)
        while event is not None and event.follows is not None:
            event = events.get(event.follows)
            if event is None:
                return None
            traffic = Traffic(event.after)
            if traffic.is_settled and traffic != before.traffic and event.model == before.model:
                if to is not None and traffic != Traffic.whole(to):
                    continue
                if all(self._exists(before.model, version) for version in traffic.versions):
                    return event
        return None

    # --- the record ---------------------------------------------------------------------------------------------------

    def _record(
        self,
        before: Deployment | None,
        after: Deployment,
        action: str,
        version: int,
        origin: Origin,
        reason: str | None,
        *,
        restores: int | None = None,
        is_new: bool = False,
    ) -> Deployment:
        asleep = before is not None and before.state in ("stopped", "failed") and action != "stop"
        state: State | None = "stopped" if action == "stop" else "starting" if asleep or is_new else None
        record = self._database.change_deployment(
            Change(
                *(after.name, after.model, after.target, action, after.traffic.shares, self._who),
                None if before is None else before.revision,
                reason=reason,
                version=version,
                run_id=origin.run_id,
                commit=origin.commit,
                dirty=origin.dirty,
                state=state,
                options=after.options.to_json(),
                restores=restores,
            )
        )
        return Deployment.from_record(record)

    def _refuse_dirty(self, after: Deployment, before: Traffic, force: bool) -> tuple[str, ...]:
        notes: list[str] = []
        known = {share.version for share in before.stable}
        for share in after.traffic.stable:
            if share.version not in known:
                version = self._version(after.model, share.version)
                notes += refuse_dirty(version, origin_of(self._database, version), force=force)
        return tuple(notes)

    def _version(self, model: str, version: int) -> ModelVersion:
        return Registry(self._database).version(ModelReference(model, version=version))

    def _exists(self, model: str, version: int) -> bool:
        return any(item.version == version for item in self._database.model_versions(model))


def _on_trial(deployment: Deployment) -> int:
    canary, shadows = deployment.traffic.canary, deployment.traffic.shadows
    if canary is not None:
        return canary.version
    if len(shadows) == 1:
        return shadows[0]
    raise UsageError(
        f"{deployment.name} has no canary that could be promoted: {deployment.traffic}.",
        hint=f"Name a version: jupyter mlops deploy promote {deployment.name} --version VERSION",
    )


def _refuse_unreasoned(reason: str | None, what: str) -> None:
    if not (reason or "").strip():
        raise Reason(f"{what} needs a reason, which stays on record.", hint='Such as: --reason "better recall"')


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
