"""Which bundles this store made: the only ones that are loaded without a signature."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.store.recording import Recording

__all__ = ["BundleRecord", "Bundles"]


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """A bundle on record.

    Args:
        digest: Over all its files.
        before: Variables of the model's run that are applied before it.
        created: Milliseconds since the epoch, UTC.
    """

    digest: str
    model: str
    version: int
    before: tuple[str, ...]
    created: int


class Bundles(Recording):
    """The bundles that were made here; a part of ``Database``."""

    def record_bundle(self, digest: str, model: str, version: int, before: Sequence[str] = ()) -> None:
        """Record that a bundle was made of a version of a model."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO bundles (digest, model, version, before_it, created) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (digest) DO UPDATE SET created = excluded.created",
                (digest, model, version, json.dumps(list(before)), time.time_ns() // 1_000_000),
            )

    def bundle(self, digest: str) -> BundleRecord | None:
        """Return the record of a bundle, if it was made here."""
        found = self._bundles("digest = ?", (digest,))
        return found[0] if found else None

    def bundles_of(self, model: str, version: int) -> tuple[BundleRecord, ...]:
        """Return the bundles of a version, the newest first."""
        return self._bundles("model = ? AND version = ?", (model, version))

    def _bundles(self, condition: str, values: tuple[str | int, ...]) -> tuple[BundleRecord, ...]:
        rows = self._connection.rows(
            f"SELECT digest, model, version, before_it, created FROM bundles WHERE {condition} "
            "ORDER BY created DESC, digest",
            values,
        )
        return tuple(
            BundleRecord(
                row["digest"], row["model"], row["version"], tuple(json.loads(row["before_it"])), row["created"]
            )
            for row in rows
        )
