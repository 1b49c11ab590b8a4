"""What clean-up asks of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from jupyter_mlops.store.connection import Connection

__all__ = ["Housekeeping"]

_RUNS = (
    "SELECT run_id, pipeline, status, started, note, "
    "EXISTS (SELECT 1 FROM model_versions WHERE model_versions.run_id = runs.run_id) AS model, "
    "EXISTS (SELECT 1 FROM outbox WHERE outbox.kind = 'run' AND outbox.subject = runs.run_id) AS waiting, "
    "EXISTS (SELECT 1 FROM tags WHERE tags.run_id = runs.run_id AND tags.name NOT LIKE 'ci.%') AS tagged FROM runs"
)


class Housekeeping:
    """What is still needed and what is not; a part of ``Database``."""

    _connection: Connection

    def digests(self, *, without_runs: Collection[str] = ()) -> frozenset[str]:
        """Return the digests of all recorded artifacts: the objects that must stay.

        Args:
            without_runs: Runs that are taken for forgotten.
        """
        gone = set(without_runs)
        if not gone:
            rows = self._connection.rows(
                "SELECT DISTINCT digest FROM artifacts WHERE artifact_key IN "
                "(SELECT artifact_key FROM events UNION SELECT artifact_key FROM model_versions)"
            )
            return frozenset(row["digest"] for row in rows)
        rows = self._connection.rows(
            "SELECT run_id, digest FROM events JOIN artifacts ON artifacts.artifact_key = events.artifact_key UNION "
            "SELECT '' AS run_id, digest FROM model_versions "
            "JOIN artifacts ON artifacts.artifact_key = model_versions.artifact_key"
        )
        return frozenset(row["digest"] for row in rows if row["run_id"] not in gone)

    def unwanted(self, keep: int, before: int | None) -> Iterator[tuple[str, str | None]]:
        """Go through the runs that are beyond what is to be kept, oldest first.

        Args:
            keep: How many runs of each pipeline stay, the newest; the newest that succeeded always stays.
            before: Runs that started later stay, too, in milliseconds.

        Yields:
            Id, and why the run stays nevertheless, or None.
        """
        seen: Counter[str] = Counter()
        succeeded: set[str] = set()
        found: list[tuple[str, str | None]] = []
        for row in self._connection.rows(f"{_RUNS} ORDER BY started DESC, rowid DESC"):
            pipeline = row["pipeline"]
            newest = row["status"] == "succeeded" and pipeline not in succeeded
            if row["status"] == "succeeded":
                succeeded.add(pipeline)
            seen[pipeline] += 1
            if seen[pipeline] <= keep or (before is not None and row["started"] >= before):
                continue
            reasons = {
                "it is in progress": row["status"] == "running",
                "a model was registered from it": row["model"],
                "it has tags": row["tagged"],
                "it is still to be delivered (`jupyter mlops sync`)": row["waiting"],
                "it has a note": row["note"] is not None,
                "it is the pipeline's newest that succeeded": newest,
            }
            found.append((row["run_id"], next((reason for reason, holds in reasons.items() if holds), None)))
        return reversed(found)

    def may_be_forgotten(self, run_id: str) -> bool:
        """Tell whether nothing was attached to a run meanwhile."""
        row = self._connection.row(f"{_RUNS} WHERE run_id = ?", (run_id,))
        if row is None or row["status"] == "running":
            return False
        return not (row["model"] or row["tagged"] or row["note"] or row["waiting"])

    def why_kept(self, run_id: str) -> str | None:
        """Return why a run can't be forgotten, not even on request; None if it can."""
        row = self._connection.row(f"{_RUNS} WHERE run_id = ?", (run_id,))
        if row is not None and row["status"] == "running":
            return "it is in progress"
        return "a model was registered from it" if row is not None and row["model"] else None

    def compact(self) -> None:
        """Give the space of deleted rows back to the system."""
        self._connection.compact()
