"""What a server follows: the deployment's row in the store, or what an image was told once and for all."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Protocol

from jupyter_mlops.deploy.deployment import Deployment
from jupyter_mlops.deploy.rollout import AUTOMATIC, Rollouts
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database

__all__ = ["Book", "FixedBook", "StoreBook"]


class Book(Protocol):
    """Says what is to be served."""

    def current(self) -> Deployment | None:
        """Return the deployment as it is now; None if there is none any more."""
        ...

    def standby(self) -> Sequence[int]:
        """Return versions that stay loaded, so that a rollback takes no time."""
        ...

    def on_trial(self, probation: float) -> frozenset[int]:
        """Return the versions that are taken back if they do harm.

        Args:
            probation: Seconds for which a version is new.
        """
        ...

    def take_back(self, deployment: Deployment, reason: str) -> bool:
        """Bring the traffic before back, if the deployment is still as it was when that was decided."""
        ...

    def follows(self, endpoint: str | None, problem: str | None) -> None:
        """Note that what is on record is served, or why it is not."""
        ...


class StoreBook:
    """A deployment of a store."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._rollouts = Rollouts(database, AUTOMATIC)
        self._name = name

    def current(self) -> Deployment | None:
        """Return the deployment as it is now; None if there is none any more."""
        record = self._database.deployment(self._name)
        return None if record is None else Deployment.from_record(record)

    def standby(self) -> Sequence[int]:
        """Return versions that stay loaded, so that a rollback takes no time."""
        earlier = self._rollouts.earlier(self._name)
        return () if earlier is None else earlier.versions

    def on_trial(self, probation: float) -> frozenset[int]:
        """Return the versions that are taken back if they do harm."""
        deployment, events = self.current(), self._database.deployment_events(self._name, 1)
        if deployment is None or not events or self._rollouts.earlier(self._name) is None:
            return frozenset()
        canary = deployment.traffic.canary
        trial = {canary.version} if canary is not None else set()
        event = events[0]
        is_new = time.time() - event.happened / 1000 < probation
        if is_new and event.action in ("deploy", "promote", "weights") and event.before:
            known = {share.version for share in Traffic(event.before).stable}
            trial |= {share.version for share in deployment.traffic.stable if share.version not in known}
        return frozenset(trial)

    def take_back(self, deployment: Deployment, reason: str) -> bool:
        """Bring the traffic before back, if the deployment is still as it was when that was decided."""
        try:
            self._rollouts.roll_back(self._name, reason=reason, expected=deployment.revision)
        except UsageError:
            return False
        return True

    def follows(self, endpoint: str | None, problem: str | None) -> None:
        """Note that what is on record is served, or why it is not."""
        self._database.set_deployment_state(self._name, "running", endpoint=endpoint, problem=problem, pid=os.getpid())


class FixedBook:
    """What an image was told; nothing changes while it runs."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def current(self) -> Deployment | None:
        """Return the deployment."""
        return self._deployment

    def standby(self) -> Sequence[int]:
        """Return nothing: rollbacks come as other images."""
        return ()

    def on_trial(self, probation: float) -> frozenset[int]:
        """Return nothing: one of many servers doesn't decide for all."""
        return frozenset()

    def take_back(self, deployment: Deployment, reason: str) -> bool:
        """Change nothing."""
        return False

    def follows(self, endpoint: str | None, problem: str | None) -> None:
        """Note nothing."""
