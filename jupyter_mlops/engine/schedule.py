"""Which step may run next: pure bookkeeping, without threads or kernels."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlops.engine.result import Status
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["Schedule"]


class Schedule:
    """The state of each step of a run.

    Args:
        pipeline: The pipeline; its steps are in a valid order.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._priority: Mapping[str, float] = {}
        self._names = {step.slug: step.name for step in pipeline.steps}
        self._upstream = {step.slug: pipeline.upstream(step.slug) for step in pipeline.steps}
        self._status: dict[str, Status] = dict.fromkeys(self._names, "queued")
        self._blocker: dict[str, str] = {}

    @property
    def done(self) -> bool:
        """Whether every step has ended."""
        return not any(status in ("queued", "running") for status in self._status.values())

    def status(self, slug: str) -> Status:
        """Return the status of a step."""
        return self._status[slug]

    def prefer(self, priority: Mapping[str, float]) -> None:
        """Let the steps with the highest numbers go first; equal ones keep the order of the page."""
        self._priority = priority

    def ready(self) -> list[str]:
        """Slugs of the steps whose upstream steps have all succeeded, those to begin first in front."""
        ready = [slug for slug, status in self._status.items() if status == "queued" and self._may_start(slug)]
        return sorted(ready, key=lambda slug: -self._priority.get(slug, 0.0))

    def start(self, slug: str) -> None:
        """Note that a step begins."""
        self._status[slug] = "running"

    def requeue(self, slug: str) -> None:
        """Note that a step has to begin again."""
        self._status[slug] = "queued"

    def finish(self, slug: str, status: Status, *, blocks: str | None = None) -> list[tuple[str, str]]:
        """Note how a step ended.

        Args:
            blocks: Why its dependants can't run although it succeeded.

        Returns:
            Slug and reason of each step that is skipped because of this.
        """
        self._status[slug] = status
        if blocks is None and status == "failed":
            blocks = f"{self._names[slug]} failed"
        if blocks is not None:
            self._blocker[slug] = blocks
        skipped = []
        for candidate, upstream in self._upstream.items():
            if self._status[candidate] != "queued":
                continue
            reason = next((self._blocker[name] for name in upstream if name in self._blocker), None)
            if reason is not None:
                self._status[candidate] = "skipped"
                self._blocker[candidate] = reason
                skipped.append((candidate, reason))
        return skipped

    def cancel(self, status: Status = "cancelled") -> list[str]:
        """Give what does not run, and has not ended, this status; return the slugs."""
        waiting = [slug for slug, current in self._status.items() if current == "queued"]
        self._status.update(dict.fromkeys(waiting, status))
        return waiting

    def _may_start(self, slug: str) -> bool:
        return all(self._status[name] in ("succeeded", "reused") for name in self._upstream[slug])
