"""What the lineage needs of the store, each run read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import StepRecord
from jupyter_mlops.store.tracing import FILE_PREFIX, FlowRecord, ModelRecord, RunHead

__all__ = ["FANOUT", "Reader", "RunFacts"]

FANOUT = 20
"""How many users or makers of one thing are told one by one."""

_COUNTED = 400_000
"""Rows that one answer counts; beyond, it says how many there are at least."""

_LEAST_COUNTED = 1_000
_HOPS = 50
_ABSENT = "absent"


@dataclass(frozen=True)
class RunFacts:
    """A run with its steps and what they took and made.

    Args:
        made: By the artifact's id.
        taken: By the step's slug.
    """

    head: RunHead
    steps: dict[str, StepRecord]
    made: dict[str, FlowRecord]
    taken: dict[str, tuple[FlowRecord, ...]]


class Reader:
    """Reads runs, and remembers them for one answer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._runs: dict[str, RunFacts | None] = {}
        self._heads: dict[str, RunHead | None] = {}
        self._computed: dict[tuple[str, str], str] = {}
        self._keys: dict[str, tuple[tuple[str, str, int], ...]] = {}
        self._files: dict[str, tuple[str, ...]] = {}
        self._has_models: bool | None = None
        self._left = _COUNTED

    def head(self, run_id: str) -> RunHead | None:
        """Return a run's head; None if it is not on record."""
        if run_id not in self._heads:
            self._heads[run_id] = self.database.run_head(run_id)
        return self._heads[run_id]

    def run(self, run_id: str) -> RunFacts | None:
        """Return a run; None if it is not on record."""
        if run_id not in self._runs:
            self._runs[run_id] = self._read(run_id)
        return self._runs[run_id]

    def step(self, run_id: str, slug: str) -> StepRecord | None:
        """Return a step of a run; None if it is not on record."""
        facts = self.run(run_id)
        return None if facts is None else facts.steps.get(slug)

    def origin(self, run_id: str, slug: str) -> str:
        """Return the run that really computed what a step has: the run itself, unless the step was reused.

        A run that is not on record (any more) is the answer where the way leads there.
        """
        key = (run_id, slug)
        if key not in self._computed:
            self._computed[key] = self._origin(run_id, slug)
        return self._computed[key]

    def producer(self, run_id: str, flow: FlowRecord) -> str | None:
        """Return the slug of the step of its run that made what a step took; None for a file that none made."""
        facts = self.run(run_id)
        if facts is None or flow.id.startswith(FILE_PREFIX):
            return None
        made = facts.made.get(flow.id)
        if made is not None:
            return made.step
        slug = flow.id.partition(".")[0]
        return slug if slug in facts.steps else None

    def keys_of(self, digest: str) -> tuple[tuple[str, str, int], ...]:
        """Return key, kind and size of the artifacts with this content."""
        if digest not in self._keys:
            self._keys[digest] = self.database.keys_of(digest)
        return self._keys[digest]

    def file_ids(self, key: str) -> tuple[str, ...]:
        """Return the ids under which runs read this artifact as a file that they had not made."""
        if key not in self._files:
            self._files[key] = self.database.file_ids(key)
        return self._files[key]

    def models_of(self, *, run_id: str | None = None, key: str | None = None) -> list[ModelRecord]:
        """Return the versions of models that were registered from a run, or that are an artifact."""
        if self._has_models is None:
            self._has_models = self.database.has_models()
        return self.database.models_of(run_id=run_id, key=key) if self._has_models else []

    def count(self, key: str, artifact: str, used: bool) -> tuple[int, bool]:
        """Count who took (or made) an artifact under an id.

        Returns:
            The number, and whether there may be more.
        """
        most = max(self._left, _LEAST_COUNTED)
        number = self.database.count_uses(key, artifact, "in" if used else "out", most)
        self._left -= number
        return number, number >= most

    def reusing(self, step: StepRecord) -> tuple[Sequence[str], int, bool]:
        """Find the runs that reused what a step computed.

        Returns:
            The newest, the newest first; how many there are; whether there may be more.
        """
        if step.cache_key is None or step.finished is None or step.status != "succeeded":
            return [], 0, False
        until = self.database.computed_again(step.cache_key, step.finished)
        most = max(self._left, _LEAST_COUNTED)
        found, number = self.database.reusing(step.cache_key, step.finished, until, FANOUT, most)
        self._left -= number
        return found, number, number >= most

    def _read(self, run_id: str) -> RunFacts | None:
        head = self.head(run_id)
        if head is None:
            return None
        made: dict[str, FlowRecord] = {}
        taken: dict[str, list[FlowRecord]] = {}
        for flow in self.database.flows(run_id):
            if flow.serializer == _ABSENT:
                continue
            if flow.direction == "out":
                made[flow.id] = flow
            else:
                taken.setdefault(flow.step, []).append(flow)
        steps = {step.slug: step for step in self.database.steps_of(run_id)}
        return RunFacts(head, steps, made, {slug: tuple(flows) for slug, flows in taken.items()})

    def _origin(self, run_id: str, slug: str) -> str:
        step = self.step(run_id, slug)
        if step is None or not step.cached:
            return run_id
        if step.cache_key is not None and step.finished is not None:
            found = self.database.computed_in(step.cache_key, step.finished)
            if found is not None:
                return found
        # Without a run that computed under this key, the way goes from hand to hand, to the last one known.
        current = step
        for _ in range(_HOPS):
            if not current.cached or not current.reused_from or current.reused_from == current.run_id:
                return current.run_id
            further = self.step(current.reused_from, slug)
            if further is None:
                return current.reused_from
            current = further
        return current.run_id
