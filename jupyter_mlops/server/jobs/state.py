"""How a job stands, made of what has happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlops.server.problems import problem_json

__all__ = ["FINAL", "JobState"]

FINAL = frozenset({"succeeded", "failed", "cancelled", "lost"})
"""The states that do not change any more."""

_TAIL = 8192
"""Characters of the log that a job carries along."""


class JobState:
    """A job; ``apply`` takes its events one by one.

    Args:
        job_id: Its id.
        order: What was asked.
    """

    def __init__(self, job_id: str, order: Mapping[str, Any]) -> None:
        self.id = job_id
        self.path = str(order["path"])
        self.state = "queued"
        self.pid: int | None = None
        self.process_started: float | None = None
        self.seq = 0
        self._steps: dict[str, dict[str, Any]] = {}
        self._running: list[str] = []
        self._log = ""
        self._known: dict[str, Any] = {
            "kind": order.get("kind", "run"),
            "runtime": order.get("runtime") or "local",
            "parameters": order.get("parameters") or {},
            "created": order.get("created", ""),
            "started": None,
            "finished": None,
            "seconds": None,
            "pipeline": None,
            "run_id": None,
            "warming": False,
            "failure": None,
            "problem": None,
            "notes": [],
            "page": None,
            "result": None,
            "verification": None,
        }

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> JobState:
        """Return a job that has ended, of what ``to_json`` said.

        Raises:
            KeyError: That was another form.
        """
        state = cls(str(plain["id"]), plain)
        state.state, state._log = str(plain["state"]), str(plain["log"])
        state._known = {name: plain[name] for name in state._known}
        state._steps = {step["slug"]: dict(step) for step in plain["steps"]}
        return state

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def run_id(self) -> str | None:
        """The run that it makes, as soon as there is one."""
        found = self._known["run_id"]
        return None if found is None else str(found)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take notice of an event; one that makes no sense is left out."""
        handle = _HANDLERS.get(str(event.get("e")))
        if handle is not None:
            try:
                handle(self, event)
            except (KeyError, TypeError, ValueError):
                return

    def ask_to_stop(self) -> None:
        """Note that somebody asked it to stop."""
        if not self.is_final:
            self.state = "stopping"

    def lose(self, *, stopped: bool, printed: str, at: str) -> None:
        """Note that its process is gone and has not said how it ended.

        Args:
            stopped: Whether somebody asked it to stop.
            printed: What it printed last.
        """
        self.state = "cancelled" if stopped else "lost"
        self._end(at)
        if not stopped:
            self._known["problem"] = problem_json(
                "infrastructure",
                "The process of the job is gone and has not said why.",
                "Start it again: what has finished is not done again. The machine may be short of memory.",
                details=printed or None,
            )

    def to_json(self) -> dict[str, Any]:
        """Return the form that the description has."""
        running = next((self._steps[slug] for slug in reversed(self._running) if slug in self._steps), None)
        current = None if running is None else {"step": running["slug"], "cell": running["cell"]}
        return {
            "id": self.id,
            "path": self.path,
            "state": self.state,
            **self._known,
            "steps": [dict(step) for step in self._steps.values()],
            "current": current,
            "log": self._log,
            "seq": self.seq,
        }

    # --- events -----------------------------------------------------------------------------------------------------

    def _began(self, event: Mapping[str, Any]) -> None:
        self.pid, self.process_started = int(event["pid"]), float(event["process_started"])
        self._known.update(started=event["time"], warming=True)
        if self.state == "queued":
            self.state = "running"

    def _run(self, event: Mapping[str, Any]) -> None:
        self._known["pipeline"] = event["pipeline"]
        if event["run_id"] is not None:
            self._known["run_id"] = event["run_id"]
        self._steps = {slug: _queued(slug, name) for slug, name in event["steps"]}
        self._running = []

    def _step(self, event: Mapping[str, Any]) -> None:
        step = self._steps[event["slug"]]
        step.update(status="running", started=event["time"], attempt=event["attempt"], cells=event["cells"])
        step.update(cell=None, index=None, reason=None)
        self._running = [slug for slug in self._running if slug != event["slug"]] + [event["slug"]]

    def _cell(self, event: Mapping[str, Any]) -> None:
        self._known["warming"] = False
        self._steps[event["slug"]].update(cell=event["cell"], index=event["index"], cells=event["count"])
        self._running = [slug for slug in self._running if slug != event["slug"]] + [event["slug"]]

    def _cell_end(self, event: Mapping[str, Any]) -> None:
        self._steps[event["slug"]]["cell"] = None

    def _out(self, event: Mapping[str, Any]) -> None:
        self._log = (self._log + str(event["text"]))[-_TAIL:]

    def _retry(self, event: Mapping[str, Any]) -> None:
        self._steps[event["slug"]].update(status="queued", reason=event["reason"], attempt=event["attempt"])

    def _step_end(self, event: Mapping[str, Any]) -> None:
        step = self._steps.setdefault(event["slug"], _queued(event["slug"], event["name"]))
        names = ("status", "cached", "seconds", "reason", "kernel", "attempt")
        step.update({name: event[name] for name in names if name in event}, cell=None, index=None)
        self._running = [slug for slug in self._running if slug != event["slug"]]
        if event.get("failure") is not None and self._known["failure"] is None:
            self._known["failure"] = event["failure"]

    def _submitted(self, event: Mapping[str, Any]) -> None:
        self._known.update(run_id=event["run_id"], page=event["page"], pipeline=event["pipeline"])
        self._known["notes"] = [*self._known["notes"], *event["notes"]]
        self._known["warming"] = False

    def _note(self, event: Mapping[str, Any]) -> None:
        if event["text"] not in self._known["notes"]:
            self._known["notes"] = [*self._known["notes"], event["text"]]

    def _result(self, event: Mapping[str, Any]) -> None:
        self._known["result"] = event["result"]
        self._known["run_id"] = event["result"]["run_id"]

    def _verification(self, event: Mapping[str, Any]) -> None:
        self._known["verification"] = event["verification"]

    def _problem(self, event: Mapping[str, Any]) -> None:
        self._known["problem"] = event["problem"]

    def _ended(self, event: Mapping[str, Any]) -> None:
        self.state = event["state"] if event["state"] in FINAL else "failed"
        self._end(event["time"])
        self._known["seconds"] = event["seconds"]

    def _end(self, at: str) -> None:
        self._known.update(finished=at, warming=False)
        self._running = []
        for step in self._steps.values():
            step["cell"] = None
            if step["status"] in ("queued", "running"):
                step["status"] = "cancelled"


def _queued(slug: str, name: str) -> dict[str, Any]:
    empty = dict.fromkeys(("seconds", "started", "reason", "kernel", "cell", "index", "cells"))
    return {"slug": slug, "name": name, "status": "queued", "cached": False, "attempt": 0, **empty}


_HANDLERS: dict[str, Callable[[JobState, Mapping[str, Any]], None]] = {
    "began": JobState._began,
    "run": JobState._run,
    "step": JobState._step,
    "cell": JobState._cell,
    "cell_end": JobState._cell_end,
    "out": JobState._out,
    "retry": JobState._retry,
    "step_end": JobState._step_end,
    "submitted": JobState._submitted,
    "note": JobState._note,
    "result": JobState._result,
    "verification": JobState._verification,
    "problem": JobState._problem,
    "ended": JobState._ended,
}
