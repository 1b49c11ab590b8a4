"""What a job's process tells: events of the engine, and of runs on clusters, as lines of JSON."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.engine import events
from jupyter_mlops.engine.result import StepFailure, StepResult
from jupyter_mlops.server.jobs.folder import JobFolder, now

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.following import LogText, Note, StepChanged

__all__ = ["Teller", "failure_json"]

_PAUSE = 0.1
"""Seconds for which what is printed is gathered."""
_MOST = 4 << 20
"""Characters of what is printed that are told; the steps' own logs have all."""


class Teller:
    """Writes events; a ``Reporter`` of the engine.

    Args:
        folder: Of the job.
        numbers: Places of the cells on the page, by id.
    """

    def __init__(self, folder: JobFolder, numbers: Mapping[str, int] | None = None) -> None:
        self.numbers: Mapping[str, int] = numbers or {}
        self._folder = folder
        self._lock = threading.Lock()
        self._texts: list[tuple[str | None, str, str]] = []
        self._told = 0
        self._timer: threading.Timer | None = None

    def tell(self, kind: str, **values: Any) -> None:
        """Write an event, and before it what was printed until now."""
        with self._lock:
            self._flush()
            self._folder.append({"e": kind, "time": now(), **values})

    def print(self, slug: str | None, stream: str, text: str) -> None:
        """Tell what a step printed, soon."""
        with self._lock:
            room = _MOST - self._told
            if room <= 0 or not text:
                return
            self._told += len(text)
            more = "\n(What follows is in the logs of the steps.)\n" if len(text) >= room else ""
            text = text[:room] + more
            if self._texts and self._texts[-1][:2] == (slug, stream):
                text = self._texts.pop()[2] + text
            self._texts.append((slug, stream, text))
            if self._timer is None:
                self._timer = threading.Timer(_PAUSE, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            self._flush()

    def handle(self, event: events.Event) -> None:
        """Tell what the engine does."""
        if isinstance(event, events.StepOutput):
            self.print(event.slug, event.stream, event.text)
        elif isinstance(event, events.RunStarted):
            self.tell("run", run_id=event.run_id, pipeline=event.pipeline, steps=[list(item) for item in event.steps])
        elif isinstance(event, events.StepStarted):
            self.tell("step", slug=event.slug, cells=event.cells, attempt=event.attempt)
        elif isinstance(event, events.CellStarted):
            self.tell("cell", slug=event.slug, cell=event.cell, index=event.index, count=event.count)
        elif isinstance(event, events.CellFinished):
            self.tell("cell_end", slug=event.slug, cell=event.cell, seconds=round(event.seconds, 3))
        elif isinstance(event, events.StepRetrying):
            reason = f"{event.failure.message} It is tried again ({event.attempt + 1} of {event.attempts})."
            self.tell("retry", slug=event.slug, reason=reason, attempt=event.attempt)
        elif isinstance(event, events.StepFinished):
            self._step_end(event.result)

    def watch(self, event: StepChanged | LogText | Note) -> None:
        """Tell what happens on a cluster."""
        from jupyter_mlops.kubeflow.following import LogText, Note

        if isinstance(event, Note):
            self.tell("note", text=event.text)
        elif isinstance(event, LogText):
            self.print(None, "stdout", "".join(f"{event.name} | {line}\n" for line in event.text.splitlines()))
        elif event.status == "running":
            self.tell("step", slug=event.slug, cells=None, attempt=1)
        else:
            self.tell(
                "step_end",
                slug=event.slug,
                name=event.name,
                status=event.status,
                cached=event.status == "reused",
                seconds=event.seconds,
                reason=event.reason,
            )

    def _step_end(self, step: StepResult) -> None:
        self.tell(
            "step_end",
            slug=step.slug,
            name=step.name,
            status=step.status,
            cached=step.cached,
            seconds=round(step.seconds, 3),
            reason=step.reason,
            kernel=step.kernel,
            attempt=step.attempts,
            failure=None if step.error is None else failure_json(step.slug, step.name, step.error, self.numbers),
        )

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for slug, stream, text in self._texts:
            self._folder.append({"e": "out", "slug": slug, "stream": stream, "text": text})
        self._texts = []


def failure_json(slug: str, name: str, error: StepFailure, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return a failure in the form that the description has."""
    number = error.cell_index + 1 if error.cell_index is not None else numbers.get(error.cell or "")
    return {
        "step": slug,
        "name": name,
        "kind": error.kind,
        "type": error.ename,
        "message": error.message,
        "cell": error.cell,
        "number": number,
        "line": error.line,
        "traceback": error.traceback,
        "hint": error.hint,
    }
