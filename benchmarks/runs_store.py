"""Stores with a long history, written in bulk: what recording run by run would leave, in a fraction of the time."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["MODELS", "Drawn", "drawn", "fill", "run_id"]

MODELS = ("rf", "logistic", "boosting", "svm")
_STEPS = 5
_BATCH = 2000
_APART = 60_000
"""Milliseconds between two runs."""
_BEGIN = 1_700_000_000_000


@dataclass(frozen=True)
class Drawn:
    """What a run is like."""

    started: int
    seconds: float
    status: str
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def drawn(count: int) -> Iterator[Drawn]:
    """Draw runs, always the same."""
    chance = random.Random(7)
    for number in range(count):
        accuracy = chance.betavariate(8, 2)
        yield Drawn(
            _BEGIN + number * _APART,
            chance.expovariate(0.1),
            "failed" if chance.random() < 0.05 else "succeeded",
            {"model": chance.choice(MODELS), "rate": 10 ** chance.uniform(-4, 0), "trees": 10 * chance.randint(1, 50)},
            {"accuracy": accuracy, "loss": chance.expovariate(2), "auc": min(1.0, accuracy + 0.02), "seed": number},
        )


def run_id(number: int) -> str:
    """Return the id of a run, as long as real ones are, in the order of time."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime((_BEGIN + number * _APART) / 1000))
    return f"{stamp}-bench-run-{number % 65536:04x}"


def fill(path: Path, count: int) -> None:
    """Make a database with so many runs of five steps, with ten artifacts each, and what reads and makes them."""
    Database(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO contexts VALUES ('pipeline', 'churn', 0, NULL)")
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for number, run in enumerate(drawn(count)):
        for table, row in _rows(number, run):
            rows.setdefault(table, []).append(row)
        if number % _BATCH == _BATCH - 1 or number == count - 1:
            _insert(connection, rows)
            rows.clear()
    connection.execute("COMMIT")
    connection.close()


_COLUMNS = {
    "runs": "run_id, pipeline, status, started, finished, seconds, notebook, kernel, backend, started_by, user_name, "
    "commit_id, host, pid",
    "associations": "run_id, kind, name",
    "step_runs": "run_id, slug, name, position, status, started, finished, seconds, cache_key, attempts, kernel",
    "artifacts": "artifact_key, digest, kind, names, bytes, type, serializer, preview",
    "events": "run_id, slug, direction, artifact, artifact_key",
    "params": "run_id, name, position, value, number, word",
    "metrics": "run_id, name, ordinal, slug, iteration, recorded, value",
    "latest_metrics": "run_id, name, slug, position, value",
}


def _insert(connection: sqlite3.Connection, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    for table, columns in _COLUMNS.items():
        marks = ", ".join("?" * (columns.count(",") + 1))
        sql = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
        connection.executemany(sql, rows.get(table, []))


def _rows(number: int, run: Drawn) -> Iterator[tuple[str, tuple[Any, ...]]]:
    name, ended = run_id(number), run.started + round(run.seconds * 1000)
    yield (
        "runs",
        (
            *(name, "churn", run.status, run.started, ended, run.seconds, "churn.ipynb", "python3", "local", "hand"),
            *(f"user{number % 7}", f"{number // 20:040x}", "host", 1),
        ),
    )
    yield "associations", (name, "pipeline", "churn")
    for position, (key, value) in enumerate(run.parameters.items()):
        is_text = isinstance(value, str)
        searchable = (None, value) if is_text else (float(value), None)
        yield "params", (name, key, position, json.dumps(value), *searchable)
    for key, value in run.metrics.items():
        yield "metrics", (name, key, 0, "s4", 0, ended, value)
        yield "latest_metrics", (name, key, "s4", 4, value)
    taken = f"data{number // 50}"  # a file that fifty runs read
    for step in range(_STEPS):
        slug = f"s{step}"
        times = (run.started, ended, run.seconds / _STEPS)
        yield "step_runs", (name, slug, f"Step {step}", step, "succeeded", *times, f"{number:x}-{step}", 1, "warm")
        yield "artifacts", _artifact(taken)
        yield "events", (name, slug, "in", f"in.{step}", f"k{taken}")
        for made in (f"{number}.{step}.a", f"{number}.{step}.b"):
            yield "artifacts", _artifact(made)
            yield "events", (name, slug, "out", f"{slug}.{made[-1]}", f"k{made}")
        taken = made


def _artifact(name: str) -> tuple[Any, ...]:
    return (f"k{name}", hash_bytes(name.encode()), "value", '["frame"]', 1000, "pandas.DataFrame", "frame", "100 rows")
