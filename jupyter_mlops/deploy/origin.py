"""What a version's code was: the run's commit, and whether that says all of it."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlops.engine.surroundings import GIT_DIFF
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.models import ModelVersion

__all__ = ["Origin", "origin_of", "refuse_dirty"]

_UNKNOWN = "# not known"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version came from.

    Args:
        commit: None if the notebook was in no repository.
        dirty: Whether something was not committed; None if nobody knows.
    """

    run_id: str
    commit: str | None
    dirty: bool | None


def origin_of(database: Database, version: ModelVersion) -> Origin:
    """Return what is on record of the code that made a version."""
    run = database.run(version.run_id)
    text = database.document(run.run_id, GIT_DIFF)
    if text is None or text.startswith(_UNKNOWN):
        return Origin(run.run_id, run.commit, None)
    return Origin(run.run_id, run.commit, bool(text.strip()))


def refuse_dirty(version: ModelVersion, origin: Origin, *, force: bool) -> tuple[str, ...]:
    """Let a version be promoted, or not.

    Returns:
        What there is to say of it nevertheless.

    Raises:
        UsageError: Its code was not committed as it was.
    """
    if not origin.dirty:
        unknown = origin.dirty is None and origin.commit is not None
        return (f"Nobody knows whether the code of {origin.run_id} was committed.",) if unknown else ()
    told = f"{version.model}/{version.version} came from a working copy with changes that were not committed"
    if not force:
        raise UsageError(
            f"{told}, so nobody can make it again from commit {str(origin.commit)[:10]}.",
            hint=f"Commit, run and register again; or --force. The changes: jupyter mlops runs show {origin.run_id} "
            f"--document {GIT_DIFF}",
        )
    return (f"{told}.",)
