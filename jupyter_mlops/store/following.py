"""Recording runs that go on elsewhere: what happened when, as somebody else's clock says, and runs that begin again."""

from __future__ import annotations

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.connection import Connection

__all__ = ["Following"]


class Following:
    """A part of ``Database``."""

    _connection: Connection

    def set_step_times(self, run_id: str, slug: str, started: int | None, finished: int | None) -> None:
        """Record when a step ran, in milliseconds since the epoch; None leaves what is there."""
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE step_runs SET started = coalesce(?, started), finished = coalesce(?, finished), "
                "seconds = CASE WHEN ? IS NULL OR ? IS NULL THEN seconds ELSE (? - ?) / 1000.0 END "
                "WHERE run_id = ? AND slug = ?",
                (started, finished, started, finished, finished, started, run_id, slug),
            )

    def set_finished(self, run_id: str, finished: int) -> None:
        """Record when a run that has ended did so."""
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE runs SET finished = ?, seconds = CASE WHEN started > ? THEN 0 ELSE (? - started) / 1000.0 END "
                "WHERE run_id = ?",
                (finished, finished, finished, run_id),
            )

    def reopen_run(self, run_id: str) -> None:
        """Record that a run goes on: steps that did not end well are to run again.

        Raises:
            UsageError: There is no such run.
        """
        with self._connection.transaction():
            changed = self._connection.execute(
                "UPDATE runs SET status = 'running', finished = NULL, seconds = NULL WHERE run_id = ?", (run_id,)
            )
            if changed == 0:
                raise UsageError(f"There is no run {run_id!r}.")
            self._connection.execute(
                "UPDATE step_runs SET status = 'queued', started = NULL, finished = NULL, seconds = NULL, "
                "reason = NULL, error = NULL "
                "WHERE run_id = ? AND status NOT IN ('succeeded', 'reused')",
                (run_id,),
            )
