"""Lineage and comparison in stores with long histories."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from budget import Row
from measuring import Effort, workplace

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.tracking.compare import compare
from jupyter_mlops.tracking.compare_read import read_runs
from jupyter_mlops.tracking.lineage import trace

_BAR = 100.0
_SIZES = (1_000, 10_000, 100_000)
_STEPS = ("load", "prepare", "train", "score", "report")
_HUB = hash_bytes(b"the file that all runs read")
_TRIES = 15


def measure(effort: Effort) -> list[Row]:
    """Ask each question at each size; the figure is the slowest question's shortest time."""
    sizes = _SIZES if effort.runs >= 10_000 else (effort.runs,)
    rows = []
    for size in sizes:
        with workplace() as (folder, _):
            path = folder / "mlops.db"
            ids = fill(path, size)
            with Database(path) as database:
                found = {name: _milliseconds(task) for name, task in questions(database, ids).items()}
        for kind in ("lineage", "compare"):
            times = {name: value for name, value in found.items() if name.startswith(kind)}
            note = ", ".join(f"{name.removeprefix(f'{kind} ')} {value:.1f}" for name, value in times.items())
            what = f"{kind}, slowest question, {size:,} runs with {2 * len(_STEPS)} artifacts each"
            rows.append(Row(what, max(times.values()), _BAR, "ms", note=note))
    return rows


def questions(database: Database, ids: list[str]) -> dict[str, Callable[[], object]]:
    """What is asked, by name."""
    first, middle, last = ids[0], ids[len(ids) // 2], ids[-1]
    asked = {
        "lineage of the first run": first,
        "lineage of a run": middle,
        "lineage of the last run": last,
        "lineage of the file that all read": _HUB[:20],
        "lineage of what all reused": f"{first}:frame",
        "lineage of a model": f"{middle}:model",
        "lineage of a file's path": "report.txt",
    }
    tasks: dict[str, Callable[[], object]] = {
        name: lambda text=text: trace(database, text) for name, text in asked.items()
    }
    tasks["compare two runs"] = lambda: compare(read_runs(database, [first, last]))
    tasks["compare ten runs"] = lambda: compare(read_runs(database, ids[:5] + ids[-5:]))
    return tasks


def _milliseconds(task: Callable[[], object]) -> float:
    times = []
    for _ in range(_TRIES):
        start = time.perf_counter()
        task()
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


def fill(path: Path, runs: int) -> list[str]:
    """Write a history straight into the tables; return the runs' ids.

    All runs read one file, and all but the first reuse what the first made of it. Nine of ten reuse what the first of
    ten prepared. Each run trains anew, and writes a file that the next run reads.
    """
    with Database(path):
        pass
    ids = [
        f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(1.7e9 + 60 * number))}-calm-otter-{number % 65536:04x}"
        for number in range(runs)
    ]
    texts = {"notebook": json.dumps(_notebook()), "pipeline": json.dumps(_pipeline())}
    digests = {name: hash_bytes(text.encode()) for name, text in texts.items()}
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            "INSERT INTO texts VALUES (?, ?)", [(digests[name], text) for name, text in texts.items()]
        )
        connection.executemany(
            "INSERT INTO runs (run_id, pipeline, status, started, finished, seconds, backend, started_by) "
            "VALUES (?, 'churn', 'succeeded', ?, ?, 1.0, 'local', 'hand')",
            ((run_id, _time(number), _time(number) + 1000) for number, run_id in enumerate(ids)),
        )
        connection.executemany(
            "INSERT INTO documents VALUES (?, '', ?, ?)",
            ((run_id, name, digest) for run_id in ids for name, digest in digests.items()),
        )
        connection.executemany(
            "INSERT INTO params VALUES (?, 'trees', 0, ?, ?, NULL, '-p')",
            ((run_id, str(number), number) for number, run_id in enumerate(ids)),
        )
        connection.executemany(
            "INSERT INTO latest_metrics VALUES (?, 'accuracy', 'score', 3, ?)",
            ((run_id, number / runs) for number, run_id in enumerate(ids)),
        )
        connection.executemany(
            "INSERT INTO step_runs (run_id, slug, name, position, status, started, finished, seconds, cached, "
            "cache_key, reused_from) VALUES (?, ?, ?, ?, ?, ?, ?, 0.2, ?, ?, ?)",
            (row for number in range(runs) for row in _step_rows(ids, number)),
        )
        connection.executemany(
            "INSERT OR IGNORE INTO artifacts (artifact_key, digest, kind, names, bytes, type, serializer) "
            "VALUES (?, ?, ?, ?, 1000, ?, ?)",
            (item[4:] for number in range(runs) for item in _events(ids, number)),
        )
        connection.executemany(
            "INSERT INTO events (run_id, slug, direction, artifact, artifact_key) VALUES (?, ?, ?, ?, ?)",
            (item[:5] for number in range(runs) for item in _events(ids, number)),
        )
    return ids


def _time(number: int) -> int:
    return 1_700_000_000_000 + 60_000 * number


def _maker(step: str, number: int) -> int:
    """The run that really computed a step."""
    return {"load": 0, "prepare": number - number % 10}.get(step, number)


def _step_rows(ids: list[str], number: int) -> Iterator[tuple[object, ...]]:
    for place, step in enumerate(_STEPS):
        maker = _maker(step, number)
        reused = maker != number
        when = _time(number) + 100 * place
        yield (
            *(ids[number], step, step, place, "reused" if reused else "succeeded", when, when + 50, int(reused)),
            *(hash_bytes(f"{step} {maker}".encode()), ids[number - 1] if reused else None),
        )


def _events(ids: list[str], number: int) -> Iterator[tuple[str, ...]]:
    """Columns of an event, then those of its artifact; the key is in both."""
    run_id = ids[number]
    yield (run_id, "load", "in", "file:patients.csv", *_artifact("file", "patients.csv", _HUB))
    if number:
        yield (
            run_id,
            "report",
            "in",
            "file:report.txt",
            *_artifact("file", "report.txt", _made("report", "report.txt", number - 1)),
        )
    for place, step in enumerate(_STEPS):
        for name in _names(step):
            kind = "file" if name.endswith(".txt") else "value"
            made = _artifact(kind, name, _made(step, name, number), serializer="file" if kind == "file" else "pickle")
            identity = f"{step}.file:{name}" if kind == "file" else f"{step}.{name}"
            yield (run_id, step, "out", identity, *made)
            if place + 1 < len(_STEPS) and kind == "value":
                yield (run_id, _STEPS[place + 1], "in", identity, *made)


def _names(step: str) -> tuple[str, str]:
    return {
        "load": ("frame", "labels"),
        "prepare": ("X", "y"),
        "train": ("model", "scaler"),
        "score": ("scores", "errors"),
        "report": ("table", "report.txt"),
    }[step]


def _made(step: str, name: str, number: int) -> str:
    return hash_bytes(f"{step} {name} {_maker(step, number)}".encode())


def _artifact(kind: str, name: str, digest: str, serializer: str = "") -> tuple[str, ...]:
    key = hash_bytes(f"{digest} {kind} {name} {serializer}".encode())[:32]
    return (key, digest, kind, json.dumps([name]), "file" if kind == "file" else "pandas.DataFrame", serializer)


def _notebook() -> dict[str, object]:
    cells = []
    for step in _STEPS:
        names = _names(step)
        source = "\n".join(
            [
                f"# {step}",
                *(f"x{line} = {line}" for line in range(30)),
                *(f"{name.replace('.', '_')} = '{name}'" for name in names),
            ]
        )
        cells.append({"cell_type": "code", "id": step, "metadata": {"tags": [f"step:{step}"]}, "source": source})
    return {"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}


def _pipeline() -> dict[str, object]:
    return {"schema": 1, "steps": [{"name": step, "slug": step, "cells": [step]} for step in _STEPS]}
