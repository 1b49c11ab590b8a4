"""What is still to be delivered to other trackers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from sqlite3 import Row
from typing import Literal

from jupyter_mlops.store.recording import Recording
from jupyter_mlops.store.records import Addressee, Delivery

__all__ = ["Outbox"]

_COLUMNS = "outbox.tracker, target, outbox.kind, subject, options, revision, queued, attempts, due, error"


class Outbox(Recording):
    """The outbox; a part of ``Database``.

    A run is put there in the transaction that records its beginning, so that no kill can come in between; it is ready
    once it has ended. What has arrived is removed, so that the outbox is empty most of the time.
    """

    def queue_delivery(self, to: Addressee, kind: Literal["run", "model"], subject: str) -> None:
        """Put something into the outbox; what waits there already is to be delivered as it is then."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO outbox (tracker, target, kind, subject, options, queued) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (tracker, target, kind, subject) DO UPDATE SET revision = revision + 1, due = 0",
                (to.tracker, to.target, kind, subject, json.dumps(dict(to.options)), time.time_ns() // 1_000_000),
            )

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return what is ready to be delivered: runs that have ended, oldest first, then models."""
        rows = self._connection.rows(
            f"SELECT {_COLUMNS} FROM outbox LEFT JOIN runs ON outbox.kind = 'run' AND runs.run_id = subject "
            "WHERE outbox.kind != 'run' OR runs.status IS NULL OR runs.status NOT IN ('queued', 'running') "
            "ORDER BY outbox.kind DESC, queued, outbox.rowid"
        )
        return tuple(_delivery(row) for row in rows)

    def has_delivered(self, delivery: Delivery) -> None:
        """Take something out that has arrived, or is gone; it stays if it has changed meanwhile."""
        with self.transaction():
            self._connection.execute(
                "DELETE FROM outbox WHERE tracker = ? AND target = ? AND kind = ? AND subject = ? AND revision = ?",
                (*_key(delivery), delivery.revision),
            )

    def forget_deliveries(self) -> tuple[Delivery, ...]:
        """Empty the outbox; return what was in it."""
        with self.transaction():
            found = self.deliveries()
            for delivery in found:
                self.has_delivered(delivery)
        return found

    def postpone_delivery(self, delivery: Delivery, error: str, due: int) -> None:
        """Note why something could not be delivered.

        Args:
            due: When to try again, in milliseconds.
        """
        with self.transaction():
            self._connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, error = ?, due = ? "
                "WHERE tracker = ? AND target = ? AND kind = ? AND subject = ?",
                (error, due, *_key(delivery)),
            )

    def postpone_all(self, to: Addressee, error: str) -> None:
        """Note that a tracker is away; nothing was tried, so that nothing counts as tried."""
        with self.transaction():
            self._connection.execute(
                "UPDATE outbox SET error = ?, due = 0 WHERE tracker = ? AND target = ?", (error, to.tracker, to.target)
            )


def _key(delivery: Delivery) -> Sequence[str]:
    return delivery.to.tracker, delivery.to.target, delivery.kind, delivery.subject


def _delivery(row: Row) -> Delivery:
    to = Addressee(row["tracker"], row["target"], json.loads(row["options"]))
    rest = {name: row[name] for name in ("kind", "subject", "revision", "queued", "attempts", "due", "error")}
    return Delivery(to, **rest)
