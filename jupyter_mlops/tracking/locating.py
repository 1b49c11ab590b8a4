"""Finds what a run made by the names that people give to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest, printable
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, StepRecord

__all__ = ["Made", "find_made", "find_step", "made_by"]

ABSENT = "absent"
_MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Made:
    """A variable or file that a step of a run made.

    Args:
        name: The variable, or the file's path.
        record: The artifact that it is in; variables that share memory are in one.
        step: The step that made it.
    """

    name: str
    record: ArtifactRecord
    step: StepRecord

    @property
    def type(self) -> str | None:
        """Qualified type, where known; ``file`` for a file."""
        if self.record.kind == "file":
            return "file"
        known = self.record.members.get(self.name, {}).get("type") or self.record.type
        return None if known is None else str(known)


def made_by(database: Database, run_id: str) -> tuple[Made, ...]:
    """Return the variables and files that a run made, in the order of the page: no hidden state, nothing unbound."""
    steps = {step.slug: step for step in database.steps_of(run_id)}
    return tuple(
        Made(name, record, steps[record.step])
        for record in database.artifacts_of(run_id)
        if record.serializer != ABSENT and record.kind in ("value", "file")
        for name in record.names
        if record.kind == "file" or not record.members or name in record.members
    )


def find_made(database: Database, run_id: str, name: str, step: str | None = None, *, last: bool = False) -> Made:
    """Return the variable or file of a run that is meant.

    Args:
        name: Of the variable, the path of the file, or the artifact's id (``train.forest``).
        step: Name or slug of the step that made it.
        last: Whether of several that bear the name, the last on the page is meant, as at the end of the notebook.

    Raises:
        UsageError: There is none, or there are several.
    """
    slug = None if step is None else find_step(database, run_id, step).slug
    everything = made_by(database, run_id)
    candidates = [item for item in everything if slug is None or item.step.slug == slug]
    found = [item for item in candidates if item.name == name]
    if not found:
        found = [item for item in candidates if item.record.id == name and len(item.record.names) == 1]
    # A file that a step wrote and logged, too, is there twice.
    found = list({item.step.slug: item for item in reversed(found)}.values())[::-1]
    if len(found) > 1 and not last:
        some = ", ".join(f"{item.step.name}/{item.name}" for item in found[:6])
        raise UsageError(
            f'More than one step of the run {run_id} made "{printable(name)}": {printable(some)}.',
            hint="Say which, as STEP/NAME.",
        )
    if found:
        return found[-1]
    raise _not_found(database, run_id, name, candidates, step)


def find_step(database: Database, run_id: str, step: str) -> StepRecord:
    """Return the step of a run that is meant, by its name or slug.

    Raises:
        UsageError: There is none.
    """
    steps = database.steps_of(run_id)
    for item in steps:
        if step in (item.name, item.slug):
            return item
    folded = [item for item in steps if item.name.casefold() == step.casefold()]
    if len(folded) == 1:
        return folded[0]
    names = [item.name for item in steps]
    begins = [name for name in names if name.casefold().startswith(step.casefold())]
    near = nearest(step, names) or (begins[0] if len(begins) == 1 and step else None)
    guess = f'; did you mean "{printable(near)}"?' if near else "."
    raise UsageError(f'The run {run_id} has no step "{printable(step)}"{guess}', hint=f"Its steps: {_listed(names)}.")


def _not_found(database: Database, run_id: str, name: str, candidates: list[Made], step: str | None) -> UsageError:
    names = list(dict.fromkeys(item.name for item in candidates))
    near = nearest(name, names)
    guess = f'; did you mean "{printable(near)}"?' if near else "."
    what = f"The run {run_id}" if step is None else f'The step "{printable(step)}" of the run {run_id}'
    steps = database.steps_of(run_id)
    if not names:
        unfinished = [item for item in steps if item.status not in ("succeeded", "reused")]
        hint = _unfinished(unfinished) or "Only what a later step takes is kept; tag the cell `out:NAME` to keep more."
        return UsageError(f'{what} has kept no variable or file "{printable(name)}": it has kept none.', hint=hint)
    hint = f"It has {_listed(names)}."
    if near is None:
        hint += f" {_unfinished([item for item in steps if item.status == 'failed'])}".rstrip()
        hint += " A variable is kept if a later step takes it, or if its cell is tagged `out:NAME`."
    return UsageError(f'{what} has no variable or file "{printable(name)}"{guess}', hint=hint)


def _unfinished(steps: list[StepRecord]) -> str:
    """Which steps could not leave anything."""
    return " ".join(_sentences(steps))


def _sentences(steps: list[StepRecord]) -> Iterator[str]:
    for item in steps[:3]:
        yield f'Step "{printable(item.name)}" {_STANDING.get(item.status, item.status)}.'


_STANDING = {
    "failed": "failed",
    "skipped": "was skipped",
    "cancelled": "was cancelled",
    "running": "is still running",
    "queued": "has not begun",
}


def _listed(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_MOST_NAMES])
    return shown + (f", … {len(names)} in all" if len(names) > _MOST_NAMES else "")
