"""Changes to runs on record: tags, notes, and forgetting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.engine.abandoned import settle_abandoned
from jupyter_mlops.engine.cleaning import forget_run
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home

__all__ = ["Removed", "Tagged", "chosen_runs", "note_runs", "remove_runs", "tag_runs", "untag_runs"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Removed:
    """Runs that were forgotten.

    Args:
        bytes: Size of their folders; what they made is freed by ``gc``.
    """

    runs: tuple[str, ...]
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs rm --format json`` prints."""
        return {"schema": SCHEMA, "runs": list(self.runs), "bytes": self.bytes}


@dataclass(frozen=True, slots=True)
class Tagged:
    """Tags and note of runs, as they are now."""

    runs: tuple[tuple[str, Mapping[str, str], str | None], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs tag``, ``untag`` and ``note`` print."""
        runs = [{"run_id": run_id, "tags": dict(tags), "note": note} for run_id, tags, note in self.runs]
        return {"schema": SCHEMA, "runs": runs}


def chosen_runs(database: Database, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the runs that are meant, each once.

    Raises:
        UsageError: One is not there, or more than one is meant.
    """
    return tuple(dict.fromkeys(database.run_id(text) for text in texts))


def remove_runs(database: Database, home: Home, run_ids: Sequence[str]) -> Removed:
    """Forget runs, with their folders, or none of them.

    Raises:
        UsageError: One is in progress, or a model was registered from it.
        InfrastructureError: Others hold the store for too long.
    """
    settle_abandoned(database, home)
    for run_id in run_ids:
        reason = database.why_kept(run_id)
        if reason is not None:
            raise UsageError(f"The run {run_id} can't be removed: {reason}.", hint="Nothing was removed.")
    return Removed(tuple(run_ids), sum(forget_run(database, home, run_id) for run_id in run_ids))


def tag_runs(database: Database, run_ids: Sequence[str], tags: Mapping[str, str]) -> Tagged:
    """Give each of some runs tags."""
    with database.transaction():
        for run_id in run_ids:
            for name, value in tags.items():
                database.set_tag(run_id, name, value)
    return _as_they_are(database, run_ids)


def untag_runs(database: Database, run_ids: Sequence[str], names: Sequence[str]) -> Tagged:
    """Take tags away from runs.

    Raises:
        UsageError: One of the runs has no such tag; then all keep theirs.
    """
    for run_id in run_ids:
        tags = database.run(run_id).tags
        for name in names:
            if name not in tags:
                near = nearest(name, tags)
                hint = f"Did you mean {near!r}?" if near else f"Its tags: {', '.join(tags) or 'none'}."
                raise UsageError(f"The run {run_id} has no tag {name!r}.", hint=hint)
    with database.transaction():
        for run_id in run_ids:
            for name in names:
                database.set_tag(run_id, name, None)
    return _as_they_are(database, run_ids)


def note_runs(database: Database, run_ids: Sequence[str], note: str) -> Tagged:
    """Replace the note of runs; an empty one takes it away."""
    with database.transaction():
        for run_id in run_ids:
            database.set_note(run_id, note if note.strip() else None)
    return _as_they_are(database, run_ids)


def _as_they_are(database: Database, run_ids: Sequence[str]) -> Tagged:
    runs = [database.run(run_id) for run_id in run_ids]
    return Tagged(tuple((run.run_id, run.tags, run.note) for run in runs))
