"""A run's rows, to be carried to another store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.store.connection import Connection

__all__ = ["LEFT_BEHIND", "TABLES", "Rows", "Transfer"]

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

TABLES: Mapping[str, str] = {
    "contexts": "SELECT t.* FROM contexts AS t JOIN associations AS a ON a.kind = t.kind AND a.name = t.name "
    "WHERE a.run_id = ? ORDER BY t.kind, t.name",
    "runs": "SELECT * FROM runs WHERE run_id = ?",
    "associations": "SELECT * FROM associations WHERE run_id = ? ORDER BY kind, name",
    "step_runs": "SELECT * FROM step_runs WHERE run_id = ? ORDER BY position, slug",
    "artifacts": "SELECT DISTINCT t.* FROM artifacts AS t JOIN events AS e ON e.artifact_key = t.artifact_key "
    "WHERE e.run_id = ? ORDER BY t.artifact_key",
    "events": "SELECT * FROM events WHERE run_id = ? ORDER BY slug, direction, artifact",
    "params": "SELECT * FROM params WHERE run_id = ? ORDER BY position, name",
    "metrics": "SELECT * FROM metrics WHERE run_id = ? ORDER BY name, ordinal",
    "latest_metrics": "SELECT * FROM latest_metrics WHERE run_id = ? ORDER BY name",
    "tags": "SELECT * FROM tags WHERE run_id = ? ORDER BY name",
    "texts": "SELECT DISTINCT t.* FROM texts AS t JOIN documents AS d ON d.digest = t.digest "
    "WHERE d.run_id = ? ORDER BY t.digest",
    "documents": "SELECT * FROM documents WHERE run_id = ? ORDER BY slug, name",
}
"""The tables with a run's rows, in the order in which rows can be put in."""

SHARED = frozenset({"contexts", "artifacts", "texts"})
"""Tables whose rows several runs can have in common."""

LEFT_BEHIND = frozenset(
    {
        *("models", "model_versions", "model_aliases", "bundles"),
        *("deployments", "deployment_versions", "deployment_events", "outbox"),
    }
)
"""Tables that are about this store alone."""

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "TEXT": str,
    "BIGINT": int,
    "INTEGER": int,
    "DOUBLE PRECISION": (int, float),
}


class Transfer:
    """Taking a run out and putting one in; a part of ``Database``."""

    _connection: Connection

    def take_out(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """Return all rows of a run by table; they stay."""
        return {
            table: [dict(zip(row.keys(), tuple(row), strict=True)) for row in self._connection.rows(sql, (run_id,))]
            for table, sql in TABLES.items()
        }

    def columns(self, table: str) -> dict[str, type | tuple[type, ...]]:
        """Return a table's columns, with the types that what is not NULL there may have."""
        rows = self._connection.rows(f"PRAGMA table_info({table})")
        return {row["name"]: _TYPES[row["type"]] for row in rows}

    def put_in(self, rows: Rows) -> None:
        """Put in a run's rows; what several runs share may be there already.

        Columns must be among ``columns``; what the rows say is not looked at.
        """
        with self._connection.transaction():
            for table in TABLES:
                for row in rows.get(table, ()):
                    names, marks = ", ".join(row), ", ".join("?" * len(row))
                    conflict = " ON CONFLICT DO NOTHING" if table in SHARED else ""
                    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}){conflict}"
                    self._connection.execute(sql, tuple(row.values()))
