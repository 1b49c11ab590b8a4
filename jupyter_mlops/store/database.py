"""The record of runs: what the engine writes and everybody reads."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.bundles import Bundles
from jupyter_mlops.store.connection import Connection, Duplicate
from jupyter_mlops.store.deployments import Deployments
from jupyter_mlops.store.following import Following
from jupyter_mlops.store.housekeeping import Housekeeping
from jupyter_mlops.store.ids import new_run_id
from jupyter_mlops.store.models import Models
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.outbox import Outbox
from jupyter_mlops.store.reading import Reading
from jupyter_mlops.store.records import (
    FINAL,
    ArtifactRecord,
    Direction,
    FailureRecord,
    MetricRecord,
    NewRun,
    RunRecord,
    Status,
    StepOutcome,
)
from jupyter_mlops.store.runsql import WORD
from jupyter_mlops.store.tracing import Tracing
from jupyter_mlops.store.transfer import Transfer

__all__ = ["Database"]

_RUN_LEVEL = 1_000_000
"""Position of metrics of the run as a whole: after all steps."""

_LOGGED = 10_000
"""Position of the first parameter that the first step logged: after all that the notebook declares."""


class Database(Reading, Bundles, Deployments, Following, Housekeeping, Models, Outbox, Tracing, Transfer):
    """The database of a store; safe to use from any thread, and from many processes at once.

    Args:
        path: The file. It is made where there is none.
        read_only: None finds out by the file's permissions.

    Raises:
        InfrastructureError: The file is damaged, locked for too long, or the disk failed.
        UsageError: The file was written by a newer version, or may only be read and is not there.
    """

    def __init__(self, path: Path, *, read_only: bool | None = None) -> None:
        self._connection = Connection(path, read_only=read_only)

    @property
    def path(self) -> Path:
        """The file."""
        return self._connection.path

    @property
    def read_only(self) -> bool:
        """Whether nothing can be recorded here."""
        return self._connection.read_only

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def create_run(self, new: NewRun) -> RunRecord:
        """Record that a run begins: status ``running``, its steps ``queued``."""
        now = _now()
        for _ in range(100):
            run_id = new_run_id()
            try:
                with self.transaction():
                    self._insert_run(run_id, new, now)
                    reach("run.recording")
                reach("run.recorded")
                break
            except Duplicate:
                if self._connection.row("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)) is None:
                    raise UsageError(f"The steps of {new.pipeline!r} can't be recorded: two have one slug.") from None
        return self.run(run_id)

    def finish_run(self, run_id: str, status: Status, *, seconds: float | None = None) -> None:
        """Record that a run ended; steps that have not ended by now are ``cancelled``.

        Args:
            status: One of ``FINAL``.
            seconds: Wall time by a monotonic clock; None takes the time since the start.
        """
        _check_final(status)
        now = _now()
        with self.transaction():
            self._connection.execute(
                "UPDATE step_runs SET status = 'cancelled', finished = ? "
                "WHERE run_id = ? AND status IN ('queued', 'running')",
                (now, run_id),
            )
            changed = self._connection.execute(
                "UPDATE runs SET status = ?, finished = ?, "
                "seconds = coalesce(?, CASE WHEN started > ? THEN 0 ELSE (? - started) / 1000.0 END) WHERE run_id = ?",
                (status, now, seconds, now, now, run_id),
            )
            _check_found(changed, f"There is no run {run_id!r}.")
            reach("run.finishing")
        reach("run.finished")

    def start_step(self, run_id: str, slug: str, *, kernel: str | None = None) -> None:
        """Record that a step begins, or begins again."""
        with self.transaction():
            changed = self._connection.execute(
                "UPDATE step_runs SET status = 'running', started = ?, finished = NULL, seconds = NULL, error = NULL, "
                "attempts = attempts + 1, kernel = coalesce(?, kernel) WHERE run_id = ? AND slug = ?",
                (_now(), kernel, run_id, slug),
            )
            _check_found(changed, f"There is no step {slug!r} in the run {run_id!r}.")
            reach("step.starting")
        reach("step.started")

    def finish_step(self, run_id: str, slug: str, outcome: StepOutcome) -> None:
        """Record how a step ended, what it took and made and its metrics, in one transaction.

        A step that never started (reused, skipped) is recorded in the same way.
        """
        _check_final(outcome.status)
        now = _now()
        error = json.dumps(asdict(outcome.error)) if isinstance(outcome.error, FailureRecord) else None
        with self.transaction():
            changed = self._connection.execute(
                "UPDATE step_runs SET status = ?, started = coalesce(started, ?), finished = ?, "
                "seconds = coalesce(?, CASE WHEN started < ? THEN (? - started) / 1000.0 ELSE 0 END), "
                "cached = ?, reason = ?, cache_key = ?, reused_from = ?, kernel = coalesce(?, kernel), "
                "cpu_seconds = ?, peak_memory = ?, notebook = ?, error = ? WHERE run_id = ? AND slug = ?",
                (
                    *(outcome.status, now, now, outcome.seconds, now, now, int(outcome.cached), outcome.reason),
                    *(outcome.cache_key, outcome.reused_from, outcome.kernel, outcome.cpu_seconds),
                    *(outcome.peak_memory, outcome.notebook, error, run_id, slug),
                ),
            )
            _check_found(changed, f"There is no step {slug!r} in the run {run_id!r}.")
            self.record_artifacts(run_id, slug, outputs=outcome.outputs, inputs=outcome.inputs)
            self.record_metrics(run_id, [replace(metric, step=slug) for metric in outcome.metrics])
            for name, text in outcome.documents.items():
                self.record_document(run_id, name, text, step=slug)
            self.record_parameters(run_id, slug, outcome.parameters)
            for name, value in outcome.tags.items():
                self.set_tag(run_id, name, value)
            reach("step.finishing")
        reach("step.finished")

    def record_artifacts(
        self, run_id: str, step: str, *, outputs: Sequence[ArtifactRecord] = (), inputs: Sequence[ArtifactRecord] = ()
    ) -> None:
        """Record what a step made and took; what it made or took before under the same id is replaced."""
        with self.transaction():
            self._record_events(run_id, step, "in", inputs)
            self._record_events(run_id, step, "out", outputs)

    def record_metrics(self, run_id: str, metrics: Sequence[MetricRecord]) -> None:
        """Append to the history of a run's metrics."""
        if not metrics:
            return
        now = _now()
        with self.transaction():
            positions = self._positions(run_id)
            seen = Counter(self._metric_counts(run_id))
            history = []
            latest: dict[str, tuple[str, str, str, int, float | None]] = {}
            for metric in metrics:
                value = float(metric.value)
                stored = None if math.isnan(value) else value
                when = now if metric.time is None else metric.time
                history.append((run_id, metric.name, seen[metric.name], metric.step, metric.iteration, when, stored))
                seen[metric.name] += 1
                position = positions.get(metric.step, _RUN_LEVEL)
                if metric.name not in latest or position >= latest[metric.name][3]:
                    latest[metric.name] = (run_id, metric.name, metric.step, position, stored)
            self._connection.many("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?)", history)
            self._connection.many(
                "INSERT INTO latest_metrics (run_id, name, slug, position, value) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (run_id, name) DO UPDATE SET slug = excluded.slug, position = excluded.position, "
                "value = excluded.value WHERE excluded.position >= latest_metrics.position",
                latest.values(),
            )

    def record_parameters(self, run_id: str, step: str, values: Mapping[str, Any]) -> None:
        """Record what a step logged besides the notebook's parameters; of two steps, the later on the page counts."""
        if not values:
            return
        with self.transaction():
            row = self._connection.row(
                "SELECT name, position FROM step_runs WHERE run_id = ? AND slug = ?", (run_id, step)
            )
            name, place = (row["name"], row["position"]) if row else (step, 0)
            self._connection.many(
                "INSERT INTO params (run_id, name, position, value, number, word, source) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (run_id, name) DO UPDATE SET position = excluded.position, value = excluded.value, "
                "number = excluded.number, word = excluded.word, source = excluded.source "
                f"WHERE params.position >= {_LOGGED} AND excluded.position / {_LOGGED} >= params.position / {_LOGGED}",
                [
                    (
                        run_id,
                        key,
                        _LOGGED * (place + 1) + number,
                        json.dumps(value),
                        *_searchable(value),
                        f"step {name}",
                    )
                    for number, (key, value) in enumerate(values.items())
                ],
            )

    def record_document(self, run_id: str, name: str, text: str, *, step: str = "") -> None:
        """Keep a text with a run or a step of it; an earlier one of this name is replaced."""
        digest = hash_bytes(text.encode("utf-8", "replace"))
        with self.transaction():
            self._connection.execute(
                "INSERT INTO texts (digest, content) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", (digest, text)
            )
            self._connection.execute(
                "INSERT INTO documents (run_id, slug, name, digest) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (run_id, slug, name) DO UPDATE SET digest = excluded.digest",
                (run_id, step, name, digest),
            )

    def set_tag(self, run_id: str, name: str, value: str | None) -> None:
        """Give a run a tag, or with None take it away."""
        with self.transaction():
            if value is None:
                self._connection.execute("DELETE FROM tags WHERE run_id = ? AND name = ?", (run_id, name))
                return
            self._connection.execute(
                "INSERT INTO tags (run_id, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value",
                (run_id, name, value),
            )

    def set_note(self, run_id: str, note: str | None) -> None:
        """Replace the note of a run."""
        with self.transaction():
            changed = self._connection.execute("UPDATE runs SET note = ? WHERE run_id = ?", (note, run_id))
            _check_found(changed, f"There is no run {run_id!r}.")

    def delete_run(self, run_id: str) -> None:
        """Forget a run and what nothing else refers to; objects and folders stay.

        Raises:
            UsageError: There is no such run, or a model was registered from it.
        """
        with self.transaction():
            keys = self._connection.rows("SELECT DISTINCT artifact_key FROM events WHERE run_id = ?", (run_id,))
            texts = self._connection.rows("SELECT DISTINCT digest FROM documents WHERE run_id = ?", (run_id,))
            try:
                changed = self._connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
            except Duplicate:
                raise UsageError(f"The run {run_id!r} stays: a model was registered from it.") from None
            _check_found(changed, f"There is no run {run_id!r}.")
            self._connection.many(
                "DELETE FROM artifacts WHERE artifact_key = ? "
                "AND NOT EXISTS (SELECT 1 FROM events WHERE events.artifact_key = artifacts.artifact_key)",
                [tuple(row) for row in keys],
            )
            self._connection.many(
                "DELETE FROM texts WHERE digest = ? "
                "AND NOT EXISTS (SELECT 1 FROM documents WHERE documents.digest = texts.digest)",
                [tuple(row) for row in texts],
            )

    def _insert_run(self, run_id: str, new: NewRun, now: int) -> None:
        self._connection.execute(
            "INSERT INTO runs (run_id, pipeline, status, started, notebook, kernel, backend, started_by, user_name, "
            "commit_id, configuration, parent, host, pid) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(run_id, new.pipeline, now, new.notebook, new.kernel, new.backend, new.trigger, new.user, new.commit),
                *(new.configuration, new.parent, platform.node(), os.getpid()),
            ),
        )
        self._connection.many(
            "INSERT INTO step_runs (run_id, slug, name, position, status) VALUES (?, ?, ?, ?, 'queued')",
            [(run_id, slug, name, position) for position, (slug, name) in enumerate(new.steps)],
        )
        self._connection.many(
            "INSERT INTO params (run_id, name, position, value, number, word, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (run_id, name, position, json.dumps(value), *_searchable(value), new.parameter_sources.get(name))
                for position, (name, value) in enumerate(new.parameters.items())
            ],
        )
        groups = [("pipeline", new.pipeline), *(("experiment", name) for name in dict.fromkeys(new.experiments))]
        self._connection.many(
            "INSERT INTO contexts (kind, name, created) VALUES (?, ?, ?) ON CONFLICT (kind, name) DO NOTHING",
            [(kind, name, now) for kind, name in groups],
        )
        self._connection.many("INSERT INTO associations VALUES (?, ?, ?)", [(run_id, *group) for group in groups])
        for name, value in new.tags.items():
            self.set_tag(run_id, name, value)
        for name, text in new.documents.items():
            self.record_document(run_id, name, text)
        for addressee in new.addressees:
            self.queue_delivery(addressee, "run", run_id)

    def _record_events(self, run_id: str, step: str, direction: Direction, artifacts: Sequence[ArtifactRecord]) -> None:
        if not artifacts:
            return
        keys = [_artifact_key(item) for item in artifacts]
        self._connection.many(
            "INSERT INTO artifacts "
            "(artifact_key, digest, kind, names, bytes, type, serializer, preview, schema, members) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (artifact_key) DO UPDATE SET preview = excluded.preview "
            "WHERE artifacts.preview IS NULL AND excluded.preview IS NOT NULL",
            [(key, *_artifact_values(item)) for key, item in zip(keys, artifacts, strict=True)],
        )
        self._connection.many(
            "INSERT INTO events (run_id, slug, direction, artifact, artifact_key) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run_id, slug, direction, artifact) DO UPDATE SET artifact_key = excluded.artifact_key",
            [(run_id, step, direction, item.id, key) for key, item in zip(keys, artifacts, strict=True)],
        )

    def _positions(self, run_id: str) -> dict[str, int]:
        rows = self._connection.rows("SELECT slug, position FROM step_runs WHERE run_id = ?", (run_id,))
        return {row["slug"]: row["position"] for row in rows}

    def _metric_counts(self, run_id: str) -> dict[str, int]:
        rows = self._connection.rows(
            "SELECT name, count(*) AS count FROM metrics WHERE run_id = ? GROUP BY name", (run_id,)
        )
        return {row["name"]: row["count"] for row in rows}


def _now() -> int:
    return time.time_ns() // 1_000_000


def _check_final(status: str) -> None:
    if status not in FINAL:
        raise ValueError(f"{status!r} is not how a run or step ends")


def _check_found(changed: int, message: str) -> None:
    if not changed:
        raise UsageError(message)


def _searchable(value: Any) -> tuple[float | None, str | None]:
    """A number to compare and a text to match; a bool is both (1, ``true``)."""
    if isinstance(value, bool):
        return float(value), json.dumps(value)
    if isinstance(value, (int, float)):
        number = float(value) if abs(value) < 1e308 or isinstance(value, float) else None
        return (None if number is not None and math.isnan(number) else number), None
    return None, (value if isinstance(value, str) else json.dumps(value))[:WORD]


def _artifact_key(item: ArtifactRecord) -> str:
    identity = json.dumps([item.digest, item.kind, item.names, item.type, item.serializer])
    return hash_bytes(identity.encode())[:32]


def _artifact_values(item: ArtifactRecord) -> tuple[Any, ...]:
    return (
        *(item.digest, item.kind, json.dumps(item.names), item.bytes, item.type, item.serializer, item.preview),
        None if item.schema is None else json.dumps(item.schema, default=str),
        _json_or_none(item.members),
    )


def _json_or_none(value: Mapping[str, Any]) -> str | None:
    return json.dumps(value, default=str) if value else None
