"""Which step may run next: pure bookkeeping, without threads or kernels."""

from __future__ import annotations

from jupyter_mlops.engine.result import Status
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["Schedule"]


class Schedule:
    """The state of each step of a run.

    Args:
        pipeline: The pipeline; its steps are in a valid order.
    """

    def __init__(self, pipeline: Pipeline) -> None:
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

    def ready(self) -> list[str]:
        """Slugs of the steps whose upstream steps have all succeeded, in the order of the page."""
        return [slug for slug, status in self._status.items() if status == "queued" and self._may_start(slug)]

    def start(self, slug: str) -> None:
        """Note that a step begins."""
        self._status[slug] = "running"

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

    def cancel(self) -> list[str]:
        """Cancel what has not begun; return the slugs."""
        waiting = [slug for slug, status in self._status.items() if status == "queued"]
        self._status.update(dict.fromkeys(waiting, "cancelled"))
        return waiting

    def _may_start(self, slug: str) -> bool:
        return all(self._status[name] in ("succeeded", "reused") for name in self._upstream[slug])
