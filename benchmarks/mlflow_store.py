"""The same runs in MLflow's own SQLite store.

MLflow writes one run itself; the others are copies of its rows with other values, since recording them one by one would
take longer than everything else here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runs_store import Drawn, drawn

__all__ = ["MlflowRuns"]

_BATCH = 2000


class MlflowRuns:
    """A store of MLflow with so many runs.

    Args:
        path: The database to make.
    """

    def __init__(self, path: Path, count: int) -> None:
        import mlflow
        from mlflow.tracking import MlflowClient

        self.version = mlflow.__version__
        self._client = MlflowClient(f"sqlite:///{path}")
        self._experiment = self._client.create_experiment("bench", artifact_location=str(path.parent / "artifacts"))
        first = next(drawn(1))
        run = self._client.create_run(self._experiment, start_time=first.started)
        for name, value in first.parameters.items():
            self._client.log_param(run.info.run_id, name, value)
        for name, value in first.metrics.items():
            self._client.log_metric(run.info.run_id, name, value)
        self._client.set_terminated(run.info.run_id)
        _copy(path, run.info.run_id, count)

    def search(self, filter_string: str, order_by: list[str], limit: int) -> list[str]:
        """Return the parameter ``trees`` of the runs on the first page."""
        found = self._client.search_runs([self._experiment], filter_string, order_by=order_by, max_results=limit)
        return [run.data.params["trees"] for run in found]


def _copy(path: Path, template: str, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    tables = ("runs", "params", "metrics", "latest_metrics", "tags")
    rows = {
        table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (template,))]
        for table in tables
    }
    waiting: dict[str, list[dict[str, Any]]] = {table: [] for table in tables}
    for number, run in enumerate(drawn(count)):
        if number == 0:
            continue
        for table, row in _rows(rows, run, f"{number:032x}"):
            waiting[table].append(row)
        if number % _BATCH == _BATCH - 1 or number == count - 1:
            _insert(connection, waiting)
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()


def _rows(rows: dict[str, list[dict[str, Any]]], run: Drawn, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for table, found in rows.items():
        for row in found:
            values = {**row, "run_uuid": name}
            if table == "runs":
                values |= {"start_time": run.started, "status": "FAILED" if run.status == "failed" else "FINISHED"}
                values |= {"end_time": run.started + round(run.seconds * 1000), "name": name}
            elif table == "params":
                values["value"] = str(run.parameters[row["key"]])
            elif table != "tags":
                values["value"] = run.metrics[row["key"]]
            yield table, values


def _insert(connection: sqlite3.Connection, waiting: dict[str, list[dict[str, Any]]]) -> None:
    for table, rows in waiting.items():
        if rows:
            marks = ", ".join(f":{name}" for name in rows[0])
            connection.executemany(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({marks})", rows)
            rows.clear()
