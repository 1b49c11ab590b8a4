"""Whether a runtime can be used, and if not, why."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.kubeflow.client import Cluster
from jupyter_mlops.kubeflow.storage import Storage
from jupyter_mlops.kubeflow.trouble import Refused, trouble

__all__ = ["Check", "Checked", "check_runtime"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: ``host``, ``api``, ``version``, ``credentials``, ``namespace``, ``storage``.
        state: ``skipped`` if an earlier one failed, or there is nothing to look at.
        text: What was found.
        hint: What to do about it.
    """

    name: str
    state: Literal["ok", "failed", "skipped"]
    text: str
    hint: str | None = None


@dataclass(frozen=True)
class Checked:
    """What was found of a runtime.

    Args:
        error: Of the first check that failed.
    """

    runtime: str
    host: str
    checks: tuple[Check, ...]
    error: MlopsError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runtime test --format json`` prints."""
        return {
            "schema": 1,
            "runtime": self.runtime,
            "host": self.host,
            "ok": self.error is None,
            "checks": [
                {"name": item.name, "state": item.state, "text": item.text, "hint": item.hint} for item in self.checks
            ],
        }


def check_runtime(cluster: Cluster, storage: Storage) -> Checked:
    """Look at a runtime, step by step; nothing is changed there."""
    runtime = cluster.runtime
    health: dict[str, Any] = {}

    def api() -> str:
        try:
            health.update(cluster.health())
        except Refused as error:
            if error.kind == "missing" and cluster.speaks_v1():
                raise _old(cluster) from None
            raise
        if not {"multi_user", "pipeline_store"} & set(health):
            raise trouble("nonsense", runtime, "its health has other fields than those of Kubeflow Pipelines 2")
        return "Kubeflow Pipelines, API v2beta1" + (", for several users" if health.get("multi_user") else "")

    def access() -> str:
        if health.get("multi_user") and not runtime.namespace:
            raise trouble("invalid", runtime, "it is for several users, and no namespace is given")
        found = len(cluster.list_experiments())
        who = f"by {runtime.auth.kind.replace('_', ' ')}" if runtime.auth.kind != "none" else "without credentials"
        place = f" in the namespace {runtime.namespace!r}" if runtime.namespace else ""
        return f"accepted {who}{place}; {found} experiment{'' if found == 1 else 's'}"

    def store() -> str | None:
        if not runtime.pipeline_root:
            return None
        storage.exists(runtime.pipeline_root)
        return f"{runtime.pipeline_root} can be reached from here"

    steps: list[tuple[str, Callable[[], str | None]]] = [
        ("host", lambda: _address(cluster)),
        ("api", api),
        ("access", access),
        ("storage", store),
    ]
    return _all(cluster, steps)


def _all(cluster: Cluster, steps: list[tuple[str, Callable[[], str | None]]]) -> Checked:
    checks: list[Check] = []
    failure: MlopsError | None = None
    for name, look in steps:
        if failure is not None:
            checks.append(Check(name, "skipped", "not looked at"))
            continue
        try:
            text = look()
        except MlopsError as error:
            failure = error
            checks.append(Check(name, "failed", error.message, error.hint))
            continue
        if text is None:
            checks.append(Check(name, "skipped", "no pipeline_root is given: what runs make is known from their logs"))
        else:
            checks.append(Check(name, "ok", text))
    return Checked(cluster.runtime.name, cluster.runtime.host, tuple(checks), failure)


def _address(cluster: Cluster) -> str:
    parts = urlsplit(cluster.runtime.host)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if cluster.transport.uses_proxy:
            return "reached through a proxy"
        raise trouble("dns", cluster.runtime) from None
    addresses = sorted({str(item[4][0]) for item in found})
    return f"{host} is {', '.join(addresses[:3])}, port {port}"


def _old(cluster: Cluster) -> Refused:
    error = trouble("nonsense", cluster.runtime, "it speaks v1beta1 alone, the API of Kubeflow Pipelines 1")
    error.hint = "Kubeflow Pipelines 2.0 or newer is needed."
    assert isinstance(error, Refused)
    return error
