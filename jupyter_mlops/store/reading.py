"""Questions to the database."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from sqlite3 import Row
from typing import Any, cast

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.conditions import NEWEST_FIRST, Condition, Field, FieldKind, SortKey
from jupyter_mlops.store.connection import Connection
from jupyter_mlops.store.ids import TIME_LENGTH
from jupyter_mlops.store.listing import Listing
from jupyter_mlops.store.records import (
    ArtifactRecord,
    Direction,
    EventRecord,
    FailureRecord,
    MetricRecord,
    RunRecord,
    StepRecord,
)

__all__ = ["Reading"]

_PAGE = 500
"""Values in one IN list."""

_WORDS = f"substr(run_id, {TIME_LENGTH + 1})"
"""The words in a run's id; an index has them."""

_RUN = (
    "run_id, pipeline, status, started, finished, seconds, notebook, kernel, backend, started_by AS trigger, "
    'user_name AS "user", commit_id AS "commit", configuration, parent, host, pid, note'
)
_STEP = (
    "run_id, slug, name, position, status, started, finished, seconds, cached, reason, cache_key, reused_from, "
    "attempts, kernel, cpu_seconds, peak_memory, notebook, error"
)
_ARTIFACT = (
    "events.run_id, events.slug AS step, events.artifact AS id, artifacts.kind, artifacts.names, artifacts.digest, "
    "artifacts.bytes, artifacts.type, artifacts.serializer, artifacts.preview, artifacts.schema, artifacts.members"
)
_VALUES = {
    "params": ("run_id, name, value, source", "params", "position"),
    "metrics": ("run_id, name, value", "latest_metrics", "name"),
    "tags": ("run_id, name, value", "tags", "name"),
}


class Reading(Listing):
    """What the database knows; a part of ``Database``."""

    _connection: Connection

    def run_id(self, text: str) -> str:
        """Return the id of the run that somebody means.

        Args:
            text: A run's id or the beginning of one; the words in it (``brisk-otter``); or ``latest``.

        Raises:
            UsageError: No run, or more than one, is meant.
        """
        if text == "latest":
            # In the order of recording, which a clock that was set back does not change.
            row = self._connection.row("SELECT run_id FROM runs ORDER BY rowid DESC LIMIT 1")
            if row is None:
                raise UsageError("There are no runs yet.")
            return str(row["run_id"])
        found = self._matching(text.strip())
        if len(found) == 1 or text in found:
            return text if text in found else found[0]
        if found:
            some = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
            raise UsageError(f"More than one run is called {text!r}: {some}.", hint="Give more of the id.")
        raise UsageError(f"There is no run {text!r}.", hint="`jupyter mlops runs` lists them.")

    def runs_called(self, text: str) -> tuple[str, ...]:
        """Return the ids that begin with a text or with whose words it does, a few of many."""
        return tuple(self._matching(text.strip()))

    def names_a_run(self, text: str) -> bool:
        """Tell whether ``run_id`` would find a run, or several, for this text."""
        return text == "latest" or bool(self._matching(text.strip()))

    def run(self, text: str) -> RunRecord:
        """Return a run; ``text`` and errors as for ``run_id``."""
        run_id = self.run_id(text)
        row = self._connection.row(f"SELECT {_RUN} FROM runs WHERE run_id = ?", (run_id,))
        if row is None:
            raise UsageError(f"The run {run_id!r} was removed meanwhile.")
        return self._runs([row])[0]

    def latest_run_of(self, notebooks: Sequence[str]) -> str | None:
        """Return the id of the newest run of a notebook, by any of its paths; None if there is none."""
        marks = ", ".join("?" * len(notebooks))
        row = self._connection.row(
            f"SELECT run_id FROM runs WHERE notebook IN ({marks}) ORDER BY started DESC, run_id DESC LIMIT 1",
            list(notebooks),
        )
        return None if row is None else str(row["run_id"])

    def status(self, run_id: str) -> str | None:
        """Return how a run stands; None if there is no such run."""
        row = self._connection.row("SELECT status FROM runs WHERE run_id = ?", (run_id,))
        return None if row is None else str(row["status"])

    def runs(
        self,
        limit: int | None = 50,
        offset: int = 0,
        *,
        condition: Condition | None = None,
        sort: Sequence[SortKey] = NEWEST_FIRST,
        fields: Collection[Field] | None = None,
        most: int | None = None,
    ) -> tuple[RunRecord, ...]:
        """Return a page of runs.

        Args:
            limit: How many at most; None is all.
            offset: How many to leave out first.
            condition: Which runs; all by default.
            sort: In which order; newest first by default, and where it leaves the order open.
            fields: The metrics, parameters and tags that are wanted; None is all.
            most: How many metrics, parameters and tags of each run are enough; None is all.
        """
        ids = self.find_runs(condition, sort, limit, offset)
        found = {row["run_id"]: row for row in self._about(ids, _RUN, "runs", "run_id")}
        return self._runs([found[run_id] for run_id in ids if run_id in found], fields, most)

    def steps_of(self, run_id: str) -> tuple[StepRecord, ...]:
        """Return the steps of a run in the order of the page."""
        rows = self._connection.rows(f"SELECT {_STEP} FROM step_runs WHERE run_id = ? ORDER BY position", (run_id,))
        return tuple(_step(row) for row in rows)

    def artifacts_of(
        self, run_id: str, step: str | None = None, direction: Direction = "out"
    ) -> tuple[ArtifactRecord, ...]:
        """Return what a run, or one step of it, made (or took), in the order of the page."""
        where, values = ("", ()) if step is None else (" AND events.slug = ?", (step,))
        rows = self._connection.rows(
            f"SELECT {_ARTIFACT} FROM events JOIN artifacts ON artifacts.artifact_key = events.artifact_key "
            "JOIN step_runs ON step_runs.run_id = events.run_id AND step_runs.slug = events.slug "
            f"WHERE events.run_id = ? AND events.direction = ?{where} ORDER BY step_runs.position, events.artifact",
            (run_id, direction, *values),
        )
        return tuple(_artifact(row) for row in rows)

    def metrics_of(self, run_id: str, name: str | None = None, step: str | None = None) -> tuple[MetricRecord, ...]:
        """Return the history of a run's metrics, or of one of them, in the order they were recorded."""
        where, values = "", [run_id]
        for column, value in (("name", name), ("slug", step)):
            if value is not None:
                where += f" AND {column} = ?"
                values.append(value)
        rows = self._connection.rows(
            "SELECT name, value, slug, iteration, recorded FROM metrics "
            f"WHERE run_id = ?{where} ORDER BY name, ordinal",
            values,
        )
        return tuple(
            MetricRecord(row["name"], _number(row["value"]), row["slug"], row["iteration"], row["recorded"])
            for row in rows
        )

    def experiments_of(self, run_id: str) -> tuple[str, ...]:
        """Return the names of the groups a run is in."""
        rows = self._connection.rows(
            "SELECT name FROM associations WHERE run_id = ? AND kind = 'experiment' ORDER BY name", (run_id,)
        )
        return tuple(row["name"] for row in rows)

    def experiments_of_each(self, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the names of the groups that each of some runs is in."""
        found: dict[str, tuple[str, ...]] = {}
        for row in self._about(run_ids, "run_id, name", "associations", "name", "kind = 'experiment'"):
            found[row["run_id"]] = (*found.get(row["run_id"], ()), row["name"])
        return found

    def versions_of(self, run_id: str) -> tuple[tuple[str, int, str], ...]:
        """Return the models that were registered from a run: name, version and artifact."""
        rows = self._connection.rows(
            "SELECT model, version, artifact FROM model_versions WHERE run_id = ? ORDER BY model, version", (run_id,)
        )
        return tuple((row["model"], row["version"], row["artifact"]) for row in rows)

    def all_documents(self, run_id: str) -> tuple[tuple[str, str], ...]:
        """Return the step (empty for the run itself) and the name of each text kept with a run."""
        rows = self._connection.rows("SELECT slug, name FROM documents WHERE run_id = ? ORDER BY slug, name", (run_id,))
        return tuple((row["slug"], row["name"]) for row in rows)

    def document(self, run_id: str, name: str, step: str = "") -> str | None:
        """Return a text that was kept with a run or a step, or None."""
        row = self._connection.row(
            "SELECT content FROM documents JOIN texts ON texts.digest = documents.digest "
            "WHERE run_id = ? AND slug = ? AND name = ?",
            (run_id, step, name),
        )
        return None if row is None else str(row["content"])

    def documents(self, run_id: str, step: str = "") -> tuple[str, ...]:
        """Return the names of the texts kept with a run or a step."""
        rows = self._connection.rows(
            "SELECT name FROM documents WHERE run_id = ? AND slug = ? ORDER BY name", (run_id, step)
        )
        return tuple(row["name"] for row in rows)

    def reusable(self, cache_key: str) -> StepRecord | None:
        """Return the newest step run that ended well under this key; ``artifacts_of`` has what it made."""
        row = self._connection.row(
            f"SELECT {_STEP} FROM step_runs WHERE cache_key = ? AND status IN ('succeeded', 'reused') "
            "ORDER BY finished DESC, run_id DESC LIMIT 1",
            (cache_key,),
        )
        return None if row is None else _step(row)

    def latest_document(self, pipeline: str, slug: str, name: str) -> str | None:
        """Return the text that the newest run of a pipeline's step kept under this name, or None."""
        row = self._connection.row(
            "SELECT texts.content FROM step_runs "
            "JOIN runs ON runs.run_id = step_runs.run_id "
            "JOIN documents ON documents.run_id = step_runs.run_id AND documents.slug = step_runs.slug "
            "JOIN texts ON texts.digest = documents.digest "
            "WHERE runs.pipeline = ? AND step_runs.slug = ? AND documents.name = ? "
            "ORDER BY runs.started DESC, runs.run_id DESC LIMIT 1",
            (pipeline, slug, name),
        )
        return None if row is None else str(row["content"])

    def durations(self, pipeline: str, runs: int = 10) -> dict[str, float]:
        """Return for each step of a pipeline how long it took when it last ran and was not reused, in seconds."""
        rows = self._connection.rows(
            "SELECT slug, step_runs.seconds FROM step_runs JOIN "
            "(SELECT run_id, started FROM runs WHERE pipeline = ? ORDER BY started DESC, run_id DESC LIMIT ?) "
            "AS recent ON recent.run_id = step_runs.run_id "
            "WHERE status = 'succeeded' AND step_runs.seconds IS NOT NULL ORDER BY recent.started, recent.run_id",
            (pipeline, runs),
        )
        return {row["slug"]: float(row["seconds"]) for row in rows}

    def producers(self, digest: str, limit: int = 100) -> tuple[EventRecord, ...]:
        """Return the step runs that made this content, oldest first."""
        return self._events(digest, "out", limit)

    def consumers(self, digest: str, limit: int = 100) -> tuple[EventRecord, ...]:
        """Return the step runs that took this content, oldest first."""
        return self._events(digest, "in", limit)

    def digest(self, text: str) -> str:
        """Return the digest of the recorded artifact that begins with ``text``.

        Raises:
            UsageError: No artifact's, or more than one artifact's, digest does.
        """
        rows = self._connection.rows(
            "SELECT DISTINCT digest FROM artifacts WHERE digest >= ? AND digest < ? ORDER BY digest LIMIT 2",
            (text.lower(), _after(text.lower())),
        )
        if len(rows) == 1:
            return str(rows[0]["digest"])
        problem = "More than one artifact's digest begins" if rows else "No artifact's digest begins"
        raise UsageError(f"{problem} with {text!r}.")

    def _matching(self, text: str) -> list[str]:
        if not text:
            return []
        rows = self._connection.rows(
            "SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id DESC LIMIT 6",
            (text, _after(text)),
        )
        if not rows and text[0].isalpha():
            rows = self._connection.rows(
                f"SELECT run_id FROM runs WHERE {_WORDS} >= ? AND {_WORDS} < ? ORDER BY run_id DESC LIMIT 6",
                (text.lower(), _after(text.lower())),
            )
        return [row["run_id"] for row in rows]

    def _runs(
        self, rows: Sequence[Row], fields: Collection[Field] | None = None, most: int | None = None
    ) -> tuple[RunRecord, ...]:
        ids = [row["run_id"] for row in rows]
        parameters: dict[str, dict[str, Any]] = defaultdict(dict)
        sources: dict[str, dict[str, str]] = defaultdict(dict)
        for row in self._values(ids, "params", fields, most):
            parameters[row["run_id"]][row["name"]] = json.loads(row["value"])
            if row["source"] is not None:
                sources[row["run_id"]][row["name"]] = row["source"]
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for row in self._values(ids, "metrics", fields, most):
            metrics[row["run_id"]][row["name"]] = _number(row["value"])
        tags: dict[str, dict[str, str]] = defaultdict(dict)
        for row in self._values(ids, "tags", fields, most):
            tags[row["run_id"]][row["name"]] = row["value"]
        return tuple(
            RunRecord(
                **{key: row[key] for key in row.keys()},  # noqa: SIM118 - a Row iterates over its values
                parameters=parameters.get(row["run_id"], {}),
                parameter_sources=sources.get(row["run_id"], {}),
                metrics=metrics.get(row["run_id"], {}),
                tags=tags.get(row["run_id"], {}),
            )
            for row in rows
        )

    def _values(
        self, run_ids: Sequence[str], kind: FieldKind, fields: Collection[Field] | None, most: int | None
    ) -> Iterable[Row]:
        """Rows of the metrics, parameters or tags of some runs."""
        columns, table, order = _VALUES[kind]
        if fields is not None:
            names = [found.name for found in fields if found.kind == kind]
            where = f"name IN ({_marks(names)})"
            return self._about(run_ids, columns, table, order, where, names) if names else ()
        if most is None:
            return self._about(run_ids, columns, table, order)
        sql = f"SELECT {columns} FROM {table} WHERE run_id = ? ORDER BY {order} LIMIT ?"
        return (row for run_id in run_ids for row in self._connection.rows(sql, (run_id, most)))

    def _about(
        self,
        run_ids: Sequence[str],
        columns: str,
        table: str,
        order: str,
        where: str = "1 = 1",
        values: Sequence[Any] = (),
    ) -> Iterable[Row]:
        for start in range(0, len(run_ids), _PAGE):
            page = run_ids[start : start + _PAGE]
            sql = f"SELECT {columns} FROM {table} WHERE run_id IN ({_marks(page)}) AND {where} ORDER BY run_id, {order}"
            yield from self._connection.rows(sql, [*page, *values])

    def _events(self, digest: str, direction: Direction, limit: int) -> tuple[EventRecord, ...]:
        rows = self._connection.rows(
            f"SELECT {_ARTIFACT}, runs.pipeline, step_runs.status, coalesce(step_runs.started, runs.started) AS began "
            # The ids of runs sort by time, so that the index alone says which are shown.
            "FROM (SELECT run_id, slug, artifact, artifact_key FROM events WHERE artifact_key IN "
            "(SELECT artifact_key FROM artifacts WHERE digest = ?) AND direction = ? ORDER BY run_id LIMIT ?) "
            "AS events "
            "JOIN artifacts ON artifacts.artifact_key = events.artifact_key JOIN runs ON runs.run_id = events.run_id "
            "JOIN step_runs ON step_runs.run_id = events.run_id AND step_runs.slug = events.slug "
            "ORDER BY began, events.run_id",
            (digest, direction, limit),
        )
        return tuple(
            EventRecord(
                row["run_id"], row["pipeline"], row["step"], row["status"], direction, row["began"], _artifact(row)
            )
            for row in rows
        )


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _after(prefix: str) -> str:
    """The first text that sorts after everything with this prefix."""
    return prefix + "\U0010ffff"


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _step(row: Row) -> StepRecord:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over its values
    values["cached"] = bool(values["cached"])
    values["error"] = FailureRecord(**json.loads(values["error"])) if values["error"] else None
    return StepRecord(**values)


def _artifact(row: Row) -> ArtifactRecord:
    return ArtifactRecord(
        id=row["id"],
        kind=row["kind"],
        names=tuple(json.loads(row["names"])),
        digest=row["digest"],
        bytes=row["bytes"],
        type=row["type"],
        serializer=row["serializer"],
        preview=row["preview"],
        schema=cast("dict[str, Any] | None", json.loads(row["schema"]) if row["schema"] else None),
        members=json.loads(row["members"]) if row["members"] else {},
        run_id=row["run_id"],
        step=row["step"],
    )
