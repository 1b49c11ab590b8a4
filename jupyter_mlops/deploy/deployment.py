"""A deployment: a model's version, or several with their parts, that answer requests somewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.deploy.guard import Guard
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.deploy.watching.watcher import WatchSettings
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable, slugify
from jupyter_mlops.store.deployments import DeploymentEvent, DeploymentRecord, Share, State

__all__ = ["LOCAL", "Deployment", "Options", "check_name", "default_name", "event_json"]

LOCAL = "local"
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,51}[a-z0-9])?")
_LONGEST = 53
"""A name is a part of names of Kubernetes objects, which have up to 63 characters."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the target and the watching were told.

    Args:
        port: Of a server on this machine; None takes a free one.
        target: What a folder of ``templates/deploy`` is told: image, namespace, replicas and the like.
    """

    guard: Guard = field(default_factory=Guard)
    watch: WatchSettings = field(default_factory=WatchSettings)
    port: int | None = None
    target: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """Read what ``to_json`` made; what is missing has its default.

        Raises:
            UsageError: A number makes no sense.
        """
        watch = data.get("watch", {})
        known = {name: watch[name] for name in WatchSettings.__slots__ if name in watch}
        return cls(
            Guard.from_json(data.get("guard", {})),
            WatchSettings(**known),
            data.get("port"),
            dict(data.get("target", {})),
        ).checked()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        watch = {name: getattr(self.watch, name) for name in WatchSettings.__slots__}
        return {"guard": self.guard.to_json(), "watch": watch, "port": self.port, "target": dict(self.target)}

    def checked(self) -> Options:
        """Return it if it makes sense.

        Raises:
            UsageError: A number makes none.
        """
        if self.port is not None and not 1 <= self.port <= 65535:
            raise UsageError(f"{self.port} is no port.", hint="Ports are 1 to 65535; below 1024 they are the system's.")
        if not 0 <= self.watch.sample <= 1:
            raise UsageError("The part of the requests that is written down must be between 0 and 100 %.")
        if self.watch.window < 500:
            raise UsageError(
                f"A window of {self.watch.window} rows is too small to tell drift from chance.",
                hint="It has at least 500 rows.",
            )
        self.guard.checked()
        return self


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as it is on record.

    Args:
        target: ``local``, or the name of a folder in ``templates/deploy``.
        endpoint: Where it answers, once it does.
        problem: Why it failed, in words.
        revision: Grows with each change.
        change: Number of the event that the traffic came from.
        pid: Of its server's process on this machine, and when that started.
        created, changed: Milliseconds since the epoch, UTC.
    """

    name: str
    model: str
    target: str
    state: State
    traffic: Traffic
    options: Options
    endpoint: str | None = None
    problem: str | None = None
    revision: int = 1
    change: int = 1
    host: str | None = None
    pid: int | None = None
    pid_started: float | None = None
    created: int = 0
    changed: int = 0

    @classmethod
    def from_record(cls, record: DeploymentRecord) -> Deployment:
        """Understand a row of the store."""
        return cls(
            *(record.name, record.model, record.target, record.state, Traffic(record.shares)),
            *(Options.from_json(record.options), record.endpoint, record.problem, record.revision, record.change),
            *(record.host, record.pid, record.pid_started, record.created, record.changed),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        plain = ("name", "model", "target", "state", "endpoint", "problem", "revision", "pid", "created", "changed")
        return {
            **{key: getattr(self, key) for key in plain},
            "versions": self.traffic.to_json(),
            "options": self.options.to_json(),
        }


def default_name(model: str) -> str:
    """Return the name of a deployment that is given none."""
    slug = re.sub(r"[^a-z0-9]+", "-", slugify(model).encode("ascii", "ignore").decode().lower()).strip("-")
    return (slug if slug[:1].isalpha() else f"model-{slug}")[:_LONGEST].strip("-")


def check_name(name: str) -> str:
    """Return a name for a deployment.

    Raises:
        UsageError: It can't be one.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{printable(name[:80])}" can\'t be the name of a deployment.',
            hint="A small letter, then small letters, digits and dashes, up to 53 in all, such as churn-eu.",
        )
    return name


def event_json(event: DeploymentEvent) -> dict[str, Any]:
    """Return a change as JSON."""
    plain = ("number", "happened", "who", "action", "reason", "model", "version", "run_id", "commit", "dirty")
    return {
        **{key: getattr(event, key) for key in plain},
        "before": _shares_json(event.before),
        "after": _shares_json(event.after),
    }


def _shares_json(shares: tuple[Share, ...]) -> list[dict[str, Any]]:
    return Traffic(shares).to_json()
