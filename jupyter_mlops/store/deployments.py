"""Deployments: which versions answer, what came of it, and every change with who, when and why."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Row
from typing import Any, Literal

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.recording import Recording

__all__ = [
    "Change",
    "DeploymentEvent",
    "DeploymentRecord",
    "Deployments",
    "Role",
    "Share",
    "State",
]

Role = Literal["stable", "canary", "shadow"]
State = Literal["starting", "running", "applied", "built", "stopped", "failed"]
"""``applied``: a cluster has it; ``built``: an image that somebody else runs."""


@dataclass(frozen=True, slots=True)
class Share:
    """A version's part of the requests.

    Args:
        weight: In percent; a shadow has none.
    """

    version: int
    weight: int
    role: Role = "stable"


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """A deployment on record.

    Args:
        target: ``local``, or the name of a folder in ``templates/deploy``.
        endpoint: Where it answers.
        problem: Why it failed, in words.
        options: What the target and the watching were told.
        revision: Grows with each change that a server has to follow.
        change: Number of the event that the traffic as it is now came from.
        pid: Of the server's process, and when it started by the system's clock, so that it is found again for certain.
        created: Milliseconds since the epoch, UTC.
    """

    name: str
    model: str
    target: str
    state: State
    shares: tuple[Share, ...]
    endpoint: str | None
    problem: str | None
    options: Mapping[str, Any]
    revision: int
    change: int
    host: str | None
    pid: int | None
    pid_started: float | None
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class DeploymentEvent:
    """A change of a deployment.

    Args:
        number: Counts from 1 under each name.
        happened: Milliseconds since the epoch, UTC.
        who: Somebody's name, or what did it by itself.
        version: That the change is about.
        follows: Number of the change whose traffic this one replaced; None for the first.
        run_id: The run that the version came from, and what its code was.
        dirty: Whether that code was not committed as it was; None if nobody knows.
    """

    deployment: str
    number: int
    happened: int
    who: str | None
    action: str
    reason: str | None
    model: str
    version: int | None
    before: tuple[Share, ...]
    after: tuple[Share, ...]
    follows: int | None
    run_id: str | None
    commit: str | None
    dirty: bool | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is to be recorded.

    Args:
        state: That the deployment is in from now on; None leaves it.
        options: Instead of those it had; None leaves them.
        restores: Number of the event whose traffic comes back: what is undone next is what came before that.
        expected: The revision that the change was thought out for; None if there is no deployment yet.
    """

    name: str
    model: str
    target: str
    action: str
    shares: tuple[Share, ...]
    who: str | None
    expected: int | None
    reason: str | None = None
    version: int | None = None
    run_id: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    state: State | None = None
    options: Mapping[str, Any] | None = field(default=None)
    restores: int | None = None


class Deployments(Recording):
    """What is deployed; a part of ``Database``."""

    def change_deployment(self, change: Change) -> DeploymentRecord:
        """Record a change and the event that tells of it.

        Raises:
            UsageError: Somebody else changed the deployment meanwhile.
        """
        now = time.time_ns() // 1_000_000
        with self.transaction():
            before = self.deployment(change.name)
            if (None if before is None else before.revision) != change.expected:
                raise UsageError(
                    f'The deployment "{change.name}" was changed by somebody else meanwhile.',
                    hint=f"See: jupyter mlops deploy show {change.name}",
                )
            number = self._next_event(change.name)
            self._write(change, before, number, now)
            self._insert_event(change, before, number, now)
        found = self.deployment(change.name)
        assert found is not None
        return found

    def deployment(self, name: str) -> DeploymentRecord | None:
        """Return a deployment, if there is one of this name."""
        found = self._deployments("WHERE name = ?", (name,))
        return found[0] if found else None

    def deployments(self) -> tuple[DeploymentRecord, ...]:
        """Return all deployments in the order of their names."""
        return self._deployments("", ())

    def deployments_of_version(self, model: str, version: int | None = None) -> tuple[str, ...]:
        """Return the names of the deployments that have a version of a model, or any of it."""
        condition, values = ("", (model,)) if version is None else (" AND version = ?", (model, version))
        rows = self._connection.rows(
            f"SELECT DISTINCT deployment FROM deployment_versions WHERE model = ?{condition} ORDER BY deployment",
            values,
        )
        return tuple(row["deployment"] for row in rows)

    def deployment_events(self, name: str, limit: int | None = None) -> tuple[DeploymentEvent, ...]:
        """Return what was done to a deployment, the newest first."""
        rows = self._connection.rows(
            "SELECT * FROM deployment_events WHERE deployment = ? ORDER BY number DESC LIMIT ?",
            (name, -1 if limit is None else limit),
        )
        return tuple(map(_event, rows))

    def set_deployment_process(
        self, name: str, *, host: str | None, pid: int | None, pid_started: float | None
    ) -> None:
        """Record which process serves a deployment; None for none."""
        with self.transaction():
            self._connection.execute(
                "UPDATE deployments SET host = ?, pid = ?, pid_started = ? WHERE name = ?",
                (host, pid, pid_started, name),
            )

    def set_deployment_state(
        self,
        name: str,
        state: State,
        *,
        endpoint: str | None = None,
        problem: str | None = None,
        pid: int | None = None,
    ) -> bool:
        """Record how a deployment stands.

        Args:
            endpoint: None leaves what is on record.
            pid: Only if this process is still the one on record.

        Returns:
            Whether it was recorded.
        """
        with self.transaction():
            return bool(
                self._connection.execute(
                    "UPDATE deployments SET state = ?, endpoint = coalesce(?, endpoint), problem = ? "
                    "WHERE name = ? AND (? IS NULL OR pid = ?)",
                    (state, endpoint, problem, name, pid, pid),
                )
            )

    def forget_deployment(self, name: str) -> bool:
        """Forget a deployment; what was done to it stays on record."""
        with self.transaction():
            return bool(self._connection.execute("DELETE FROM deployments WHERE name = ?", (name,)))

    def _next_event(self, name: str) -> int:
        row = self._connection.row(
            "SELECT coalesce(max(number), 0) + 1 AS number FROM deployment_events WHERE deployment = ?", (name,)
        )
        assert row is not None
        return int(row["number"])

    def _write(self, change: Change, before: DeploymentRecord | None, number: int, now: int) -> None:
        pointer = number if change.restores is None else change.restores
        if before is None:
            self._connection.execute(
                "INSERT INTO deployments (name, model, target, state, options, revision, change, created, changed) "
                "VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
                (
                    *(change.name, change.model, change.target, change.state or "starting"),
                    *(json.dumps(dict(change.options or {})), pointer, now, now),
                ),
            )
        else:
            options = None if change.options is None else json.dumps(dict(change.options))
            self._connection.execute(
                "UPDATE deployments SET model = ?, target = ?, state = coalesce(?, state), "
                "options = coalesce(?, options), revision = revision + 1, change = ?, changed = ? WHERE name = ?",
                (change.model, change.target, change.state, options, pointer, now, change.name),
            )
        self._connection.execute("DELETE FROM deployment_versions WHERE deployment = ?", (change.name,))
        self._connection.many(
            "INSERT INTO deployment_versions (deployment, model, version, role, weight) VALUES (?, ?, ?, ?, ?)",
            [(change.name, change.model, share.version, share.role, share.weight) for share in change.shares],
        )

    def _insert_event(self, change: Change, before: DeploymentRecord | None, number: int, now: int) -> None:
        self._connection.execute(
            "INSERT INTO deployment_events (deployment, number, happened, who, action, reason, model, version, "
            "traffic_before, traffic_after, follows, run_id, commit_id, dirty) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(change.name, number, now, change.who, change.action, change.reason, change.model, change.version),
                *(_written(() if before is None else before.shares), _written(change.shares)),
                *(None if before is None else before.change, change.run_id, change.commit),
                None if change.dirty is None else int(change.dirty),
            ),
        )

    def _deployments(self, condition: str, values: Sequence[str]) -> tuple[DeploymentRecord, ...]:
        shares: dict[str, list[Share]] = defaultdict(list)
        for row in self._connection.rows(
            "SELECT deployment, version, role, weight FROM deployment_versions ORDER BY deployment, version"
        ):
            shares[row["deployment"]].append(Share(row["version"], row["weight"], row["role"]))
        rows = self._connection.rows(f"SELECT * FROM deployments {condition} ORDER BY name", values)
        return tuple(_record(row, tuple(shares[row["name"]])) for row in rows)


def _record(row: Row, shares: tuple[Share, ...]) -> DeploymentRecord:
    return DeploymentRecord(
        *(row["name"], row["model"], row["target"], row["state"], shares, row["endpoint"], row["problem"]),
        *(json.loads(row["options"]), row["revision"], row["change"], row["host"], row["pid"], row["pid_started"]),
        *(row["created"], row["changed"]),
    )


def _event(row: Row) -> DeploymentEvent:
    return DeploymentEvent(
        *(row["deployment"], row["number"], row["happened"], row["who"], row["action"], row["reason"], row["model"]),
        *(row["version"], _read(row["traffic_before"]), _read(row["traffic_after"]), row["follows"], row["run_id"]),
        *(row["commit_id"], None if row["dirty"] is None else bool(row["dirty"])),
    )


def _written(shares: Sequence[Share]) -> str:
    return json.dumps([[share.version, share.weight, share.role] for share in shares])


def _read(text: str) -> tuple[Share, ...]:
    return tuple(Share(*item) for item in json.loads(text))
