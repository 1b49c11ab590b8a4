"""What a cluster says of a run, as the store knows runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jupyter_mlops.store.records import Status

__all__ = ["ENDED", "StepState", "error_of", "milliseconds", "run_status", "step_states"]

Json = Mapping[str, Any]

ENDED: Mapping[str, Status] = {
    "SUCCEEDED": "succeeded",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELED": "cancelled",
}
"""States that don't change any more."""

_GOING: Mapping[str, Status] = {
    "PENDING": "queued",
    "RUNNING": "running",
    "CANCELING": "running",
    "PAUSED": "queued",
}
_CACHED = frozenset({"SKIPPED", "CACHED", "OMITTED"})


@dataclass(frozen=True, slots=True)
class StepState:
    """How a step stands.

    Args:
        started: Milliseconds since the epoch, as ``finished``.
        pod: Name of the pod that runs its code, if there is one yet.
    """

    slug: str
    status: Status
    started: int | None = None
    finished: int | None = None
    error: str | None = None
    pod: str | None = None


def run_status(run: Json) -> Status:
    """Return how a run stands."""
    state = str(run.get("state") or "")
    return ENDED.get(state) or ("running" if state != "PENDING" else "queued")


def step_states(run: Json, names: Sequence[tuple[str, str]]) -> tuple[StepState, ...]:
    """Return how the steps of a run stand, in the order of ``names``.

    Args:
        names: Slug and name of each step; a task is called by one of the two.
    """
    details = run.get("run_details") or {}
    tasks = [task for task in details.get("task_details") or () if isinstance(task, dict)]
    by_id = {str(task[key]): task for key in ("pod_name", "task_id") for task in tasks if task.get(key)}
    final = ENDED.get(str(run.get("state") or ""))
    return tuple(_state(slug, _tasks_called((slug, name), tasks), by_id, final) for slug, name in names)


def _tasks_called(names: Iterable[str], tasks: Sequence[Json]) -> list[Json]:
    wanted = set(names)
    return [task for task in tasks if task.get("display_name") in wanted]


def _state(slug: str, tasks: Sequence[Json], by_id: Mapping[str, Json], final: Status | None) -> StepState:
    if not tasks:
        # Of a run that has ended, what never began will not begin.
        return StepState(slug, "queued" if final is None else "cancelled" if final == "cancelled" else "skipped")
    task = max(tasks, key=lambda found: milliseconds(found.get("create_time")) or 0)
    children = _below(task, by_id)
    state = str(task.get("state") or "")
    status: Status = ENDED.get(state) or _GOING.get(state) or "queued"
    if status == "succeeded" and children and all(child.get("state") in _CACHED for child in children):
        status = "reused"
    if final is not None and status in ("queued", "running"):
        status = "cancelled" if final == "cancelled" else "skipped" if status == "queued" else "failed"
    return StepState(
        slug,
        status,
        milliseconds(task.get("start_time")),
        milliseconds(task.get("end_time")) if status in ENDED.values() or status == "reused" else None,
        _first(error_of(item) for item in (*children, task)) if status == "failed" else None,
        _first(str(item.get("pod_name") or "") for item in (*children, task)),
    )


def _below(task: Json, by_id: Mapping[str, Json]) -> list[Json]:
    """The tasks that do a task's work, such as the pod that runs its container; not the one that prepares it."""
    links = [child for child in task.get("child_tasks") or () if isinstance(child, dict)]
    ids = [str(child.get(key)) for child in links for key in ("task_id", "pod_name") if child.get(key)]
    found = [by_id[item] for item in ids if item in by_id]
    own = [child for child in found if child.get("display_name") == "executor"]
    return own or [child for child in found if not str(child.get("display_name") or "").endswith("-driver")]


def error_of(found: Json) -> str | None:
    """Return the message of a run's or task's error, if it has one."""
    error = found.get("error")
    text = error.get("message") if isinstance(error, dict) else error
    return str(text).strip() or None if text else None


def _first(texts: Iterable[str | None]) -> str | None:
    return next((text for text in texts if text), None)


def milliseconds(text: Any) -> int | None:
    """Return a moment of the API in milliseconds since the epoch; None for none."""
    if not isinstance(text, str) or not text:
        return None
    digits = text.replace("Z", "+00:00")
    head, dot, rest = digits.partition(".")
    if dot:  # Python 3.10 takes three or six digits
        fraction = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        digits = f"{head}.{fraction[:6].ljust(6, '0')}{rest[len(fraction) :]}"
    try:
        moment = datetime.fromisoformat(digits)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    found = int(moment.timestamp() * 1000)
    return found if found > 0 else None  # the API's empty moment is the epoch
