"""Runs that begin by the clock: recurring runs of a cluster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.client import Cluster
from jupyter_mlops.kubeflow.cron import Cron
from jupyter_mlops.kubeflow.once import exactly_once
from jupyter_mlops.kubeflow.records import ClusterRun
from jupyter_mlops.kubeflow.submitting import Order, run_body, upload
from jupyter_mlops.notebook.names import nearest

__all__ = ["Schedule", "create_schedule", "find_schedule", "list_schedules"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring run.

    Args:
        name: What it is called; unique.
        cron: Kubeflow's six fields, or ``every N s``.
        next: The times that come next, in UTC.
    """

    schedule_id: str
    name: str
    runtime: str
    enabled: bool
    cron: str
    parameters: Mapping[str, Any]
    page: str
    next: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``schedule --format json`` prints."""
        names = ("schedule_id", "name", "runtime", "enabled", "cron", "page")
        return {
            **{name: getattr(self, name) for name in names},
            "parameters": dict(self.parameters),
            "next": list(self.next),
        }


def create_schedule(cluster: Cluster, order: Order, cron: Cron, *, catch_up: bool = False) -> Schedule:
    """Let the cluster start runs by the clock.

    Args:
        catch_up: Whether times that passed while it was paused are made up for.

    Raises:
        UncertainError: It can't be told whether it was created.
        Unreachable: It was not created.
        Refused: It was not created.
    """
    uploaded = upload(cluster, order)
    runtime = cluster.runtime
    name = f"{order.name}-{secrets.token_hex(3)}"
    found = ClusterRun(
        runtime.name, runtime.host, runtime.namespace, name, order.name, uploaded.pipeline_id, uploaded.version,
        uploaded.version_id, uploaded.experiment, uploaded.experiment_id, runtime.pipeline_root,
    )  # fmt: skip
    body = run_body(found, order.arguments, order.description, runtime.service_account) | {
        "trigger": {"cron_schedule": {"cron": cron.six_fields}},
        "mode": "ENABLE",
        "max_concurrency": "1",
        "no_catchup": not catch_up,
    }
    if runtime.namespace:
        body["namespace"] = runtime.namespace
    schedule_id = exactly_once(
        lambda: str(cluster.create_schedule(body).get("recurring_run_id") or ""),
        lambda: [str(item["recurring_run_id"]) for item in cluster.schedules(name)],
        cluster.delete_schedule,
        cluster.pace,
        "the schedule",
    )
    times = _next(cron)
    page = cluster.schedule_page(schedule_id)
    return Schedule(schedule_id, name, runtime.name, True, cron.six_fields, order.arguments, page, times)


def list_schedules(cluster: Cluster) -> tuple[Schedule, ...]:
    """Return the recurring runs of a cluster's namespace."""
    return tuple(_schedule(cluster, item) for item in cluster.schedules())


def find_schedule(cluster: Cluster, text: str) -> Schedule:
    """Return the recurring run that somebody means.

    Args:
        text: Its name, its id, or the beginning of one.

    Raises:
        UsageError: None, or more than one, is meant.
    """
    known = list_schedules(cluster)
    exact = [item for item in known if text in (item.name, item.schedule_id)]
    found = exact or [item for item in known if item.name.startswith(text) or item.schedule_id.startswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(item.name for item in found[:5])
        raise UsageError(f"More than one schedule is called {text!r}: {some}.", hint="Give all of the name.")
    near = nearest(text, [item.name for item in known])
    names = ", ".join(item.name for item in known[:10]) or "none"
    raise UsageError(
        f"There is no schedule {text!r} at the runtime {cluster.runtime.name!r}.",
        hint=f"Did you mean {near!r}?" if near else f"There are: {names}.",
    )


def _schedule(cluster: Cluster, item: Mapping[str, Any]) -> Schedule:
    trigger = item.get("trigger") or {}
    cron = str((trigger.get("cron_schedule") or {}).get("cron") or "")
    every = (trigger.get("periodic_schedule") or {}).get("interval_second")
    enabled = item.get("status") == "ENABLED" or (not item.get("status") and item.get("mode") == "ENABLE")
    schedule_id = str(item.get("recurring_run_id") or "")
    return Schedule(
        schedule_id,
        str(item.get("display_name") or schedule_id),
        cluster.runtime.name,
        enabled,
        cron or (f"every {every} s" if every else ""),
        (item.get("runtime_config") or {}).get("parameters") or {},
        cluster.schedule_page(schedule_id),
        _next_of(cron) if enabled else (),
    )


def _next_of(six_fields: str) -> tuple[str, ...]:
    from jupyter_mlops.kubeflow.cron import parse_cron

    seconds, _, rest = six_fields.partition(" ")
    try:
        return _next(parse_cron(rest)) if seconds == "0" else ()
    except UsageError:
        return ()  # somebody else's, in words that are not known here


def _next(cron: Cron) -> tuple[str, ...]:
    times = cron.after(datetime.now(timezone.utc))
    return tuple(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment, _ in zip(times, range(_SHOWN), strict=False))
