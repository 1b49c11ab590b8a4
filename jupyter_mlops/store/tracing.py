"""Questions about where things come from and who used them; each is answered from an index, in bounded time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.store.connection import Connection
from jupyter_mlops.store.records import Direction

__all__ = ["FILE_PREFIX", "FlowRecord", "ModelRecord", "RunHead", "Tracing", "Use"]

FILE_PREFIX = "file:"
"""What the id of a file begins with that a step read and no step of its run made."""

_AFTER_FILES = "file;"
_MOST_KEYS = 50
_MOST_PATHS = 20
_LOOKED_AT = 1000
"""Events among which those that belong to one computation are looked for."""

_FLOW = (
    "events.run_id, events.slug, events.direction, events.artifact, artifacts.artifact_key, artifacts.digest, "
    "artifacts.kind, artifacts.names, artifacts.bytes, artifacts.type, artifacts.serializer"
)
_MODEL = (
    "model_versions.model, model_versions.version, model_versions.run_id, model_versions.slug, model_versions.artifact"
)


@dataclass(frozen=True, slots=True)
class RunHead:
    """What is told of a run in one line.

    Args:
        documents: Digests of the texts kept with it, by name.
    """

    run_id: str
    pipeline: str
    status: str
    started: int
    notebook: str | None
    commit: str | None
    documents: dict[str, str]


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """An artifact that a step took or made, without what describes its content.

    Args:
        id: The artifact's id in the pipeline, or ``file:PATH``.
        key: What equal artifacts have in common.
    """

    run_id: str
    step: str
    direction: Direction
    id: str
    key: str
    digest: str
    kind: str
    names: tuple[str, ...]
    bytes: int
    type: str | None
    serializer: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """A step run that took or made an artifact under this id."""

    run_id: str
    step: str
    id: str


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A version of a model, and the artifact that it is."""

    model: str
    version: int
    aliases: tuple[str, ...]
    run_id: str
    step: str
    artifact: str


class Tracing:
    """What made this, what used this; a part of ``Database``."""

    _connection: Connection

    def run_head(self, run_id: str) -> RunHead | None:
        """Return what is told of a run in one line, or None if there is no such run."""
        rows = self._connection.rows(
            "SELECT runs.run_id, pipeline, status, started, notebook, commit_id, documents.name, documents.digest "
            "FROM runs LEFT JOIN documents ON documents.run_id = runs.run_id AND documents.slug = '' "
            "WHERE runs.run_id = ?",
            (run_id,),
        )
        if not rows:
            return None
        documents = {str(row[6]): str(row[7]) for row in rows if row[6] is not None}
        first = rows[0]
        return RunHead(first[0], first[1], first[2], first[3], first[4], first[5], documents)

    def text(self, digest: str) -> str | None:
        """Return a text that was kept with a run, by its digest."""
        row = self._connection.row("SELECT content FROM texts WHERE digest = ?", (digest,))
        return None if row is None else str(row["content"])

    def flows(self, run_id: str) -> tuple[FlowRecord, ...]:
        """Return what the steps of a run took and made, in the order of the page."""
        rows = self._connection.rows(
            f"SELECT {_FLOW} FROM events JOIN artifacts ON artifacts.artifact_key = events.artifact_key "
            "JOIN step_runs ON step_runs.run_id = events.run_id AND step_runs.slug = events.slug "
            "WHERE events.run_id = ? ORDER BY step_runs.position, events.direction, events.artifact",
            (run_id,),
        )
        return tuple(_flow(row) for row in rows)

    def keys_of(self, digest: str) -> tuple[tuple[str, str, int], ...]:
        """Return key, kind and size of the artifacts that have this content; of very many, some."""
        rows = self._connection.rows(
            "SELECT artifact_key, kind, bytes FROM artifacts WHERE digest = ? LIMIT ?", (digest, _MOST_KEYS)
        )
        return tuple((row["artifact_key"], row["kind"], row["bytes"]) for row in rows)

    def digests_like(self, prefix: str, limit: int = 6) -> tuple[str, ...]:
        """Return the digests of recorded artifacts that begin with this text."""
        rows = self._connection.rows(
            "SELECT DISTINCT digest FROM artifacts WHERE digest >= ? AND digest < ? ORDER BY digest LIMIT ?",
            (prefix, prefix + "\U0010ffff", limit),
        )
        return tuple(row["digest"] for row in rows)

    def last_read(self, path: str) -> tuple[str, str] | None:
        """Return the run that last read a file under this path, and the digest that it had; None if none did."""
        row = self._connection.row(
            "SELECT events.run_id, artifacts.digest FROM events "
            "JOIN artifacts ON artifacts.artifact_key = events.artifact_key "
            "WHERE direction = 'in' AND artifact >= 'file:' AND artifact < 'file;' AND artifact = ? "
            "ORDER BY events.run_id DESC LIMIT 1",
            (FILE_PREFIX + path,),
        )
        return None if row is None else (row["run_id"], row["digest"])

    def files_made(self, path: str, limit: int = 20) -> tuple[tuple[str, str], ...]:
        """Return digest and key of files that were made under this path, those whose content is newest first."""
        rows = self._connection.rows(
            "SELECT digest, artifact_key FROM artifacts WHERE kind = 'file' AND names = ? ORDER BY rowid DESC LIMIT ?",
            (json.dumps([path]), limit),
        )
        return tuple((row["digest"], row["artifact_key"]) for row in rows)

    def file_ids(self, key: str) -> tuple[str, ...]:
        """Return the ids under which runs read this artifact as a file that they had not made."""
        found: list[str] = []
        last = FILE_PREFIX
        while len(found) < _MOST_PATHS:
            row = self._connection.row(
                "SELECT artifact FROM events WHERE artifact_key = ? AND direction = 'in' AND artifact > ? "
                "AND artifact < ? ORDER BY artifact LIMIT 1",
                (key, last, _AFTER_FILES),
            )
            if row is None:
                break
            last = row["artifact"]
            found.append(last)
        return tuple(found)

    def ids_of(self, key: str, direction: Direction) -> tuple[str, ...]:
        """Return the ids under which this artifact was taken or made; of very many, some."""
        found: list[str] = []
        last = ""
        while len(found) < _MOST_PATHS:
            row = self._connection.row(
                "SELECT artifact FROM events WHERE artifact_key = ? AND direction = ? AND artifact > ? "
                "ORDER BY artifact LIMIT 1",
                (key, direction, last),
            )
            if row is None:
                break
            last = row["artifact"]
            found.append(last)
        return tuple(found)

    def uses(
        self,
        key: str,
        artifact: str,
        direction: Direction,
        limit: int,
        *,
        before: str | None = None,
        after: str | None = None,
        oldest_first: bool = False,
    ) -> tuple[Use, ...]:
        """Return the step runs that took or made an artifact under this id, newest first.

        Args:
            before: Only those of runs with smaller ids: earlier ones.
            after: Only those of runs with greater ids: later ones.
        """
        bounds = [(f" AND run_id {sign} ?", run_id) for sign, run_id in (("<", before), (">", after)) if run_id]
        order = "" if oldest_first else " DESC"
        rows = self._connection.rows(
            "SELECT run_id, slug FROM events WHERE artifact_key = ? AND direction = ? AND artifact = ?"
            f"{''.join(sql for sql, _ in bounds)} ORDER BY run_id{order}, slug{order} LIMIT ?",
            (key, direction, artifact, *(run_id for _, run_id in bounds), limit),
        )
        return tuple(Use(row["run_id"], row["slug"], artifact) for row in rows)

    def count_uses(self, key: str, artifact: str, direction: Direction, most: int) -> int:
        """Count what ``uses`` could return, up to ``most``."""
        row = self._connection.row(
            "SELECT count(*) AS count FROM "
            "(SELECT 1 FROM events WHERE artifact_key = ? AND direction = ? AND artifact = ? LIMIT ?)",
            (key, direction, artifact, most),
        )
        return int(row["count"]) if row else 0

    def uses_elsewhere(self, key: str, artifact: str, step: str, cache_key: str, limit: int) -> tuple[Use, ...]:
        """Return the step runs that took an artifact where the step that gives it has this cache key, newest first.

        Args:
            step: The step that makes it. Runs in which it computed the same content from something else don't count.
        """
        rows = self._connection.rows(
            "SELECT taken.run_id, taken.slug FROM (SELECT run_id, slug FROM events WHERE artifact_key = ? "
            "AND direction = 'in' AND artifact = ? ORDER BY run_id DESC LIMIT ?) AS taken "
            "JOIN step_runs ON step_runs.run_id = taken.run_id AND step_runs.slug = ? "
            "WHERE step_runs.cache_key = ? ORDER BY taken.run_id DESC, taken.slug LIMIT ?",
            (key, artifact, _LOOKED_AT, step, cache_key, limit),
        )
        return tuple(Use(row["run_id"], row["slug"], artifact) for row in rows)

    def computed_in(self, cache_key: str, finished: int) -> str | None:
        """Return the run that computed what a step with this key had when it ended, or None if none is on record."""
        row = self._connection.row(
            "SELECT run_id FROM step_runs WHERE cache_key = ? AND status = 'succeeded' AND finished <= ? "
            "ORDER BY finished DESC, run_id DESC LIMIT 1",
            (cache_key, finished),
        )
        return None if row is None else str(row["run_id"])

    def computed_again(self, cache_key: str, finished: int) -> int | None:
        """Return when the same was next computed after this moment, or None."""
        row = self._connection.row(
            "SELECT finished FROM step_runs WHERE cache_key = ? AND status = 'succeeded' AND finished > ? "
            "ORDER BY finished LIMIT 1",
            (cache_key, finished),
        )
        return None if row is None else int(row["finished"])

    def reusing(self, cache_key: str, since: int, until: int | None, limit: int, most: int) -> tuple[list[str], int]:
        """Return the runs that reused results with this key, newest first.

        Args:
            since: When the results were computed.
            until: When they were computed again, or None.

        Returns:
            Ids, at most ``limit``; and how many there are, counted up to ``most``.
        """
        where = "cache_key = ? AND status = 'reused' AND finished >= ?"
        values: list[Any] = [cache_key, since]
        if until is not None:
            where += " AND finished < ?"
            values.append(until)
        rows = self._connection.rows(
            f"SELECT run_id FROM step_runs WHERE {where} ORDER BY finished DESC, run_id DESC LIMIT ?", (*values, limit)
        )
        if len(rows) < limit:
            return [row["run_id"] for row in rows], len(rows)
        count = self._connection.row(
            f"SELECT count(*) AS count FROM (SELECT 1 FROM step_runs WHERE {where} LIMIT ?)", (*values, most)
        )
        return [row["run_id"] for row in rows], int(count["count"]) if count else len(rows)

    def has_models(self) -> bool:
        """Tell whether any model was ever registered."""
        return self._connection.row("SELECT 1 FROM model_versions LIMIT 1") is not None

    def models_of(self, *, run_id: str | None = None, key: str | None = None, limit: int = 20) -> list[ModelRecord]:
        """Return the versions of models that were registered from a run, or that are an artifact."""
        column, value = ("run_id", run_id) if run_id is not None else ("artifact_key", key)
        rows = self._connection.rows(
            f"SELECT {_MODEL} FROM model_versions WHERE {column} = ? ORDER BY model, version DESC LIMIT ?",
            (value, limit),
        )
        return [ModelRecord(row[0], row[1], self._aliases(row[0], row[1]), row[2], row[3], row[4]) for row in rows]

    def _aliases(self, model: str, version: int) -> tuple[str, ...]:
        rows = self._connection.rows(
            "SELECT alias FROM model_aliases WHERE model = ? AND version = ? ORDER BY alias", (model, version)
        )
        return tuple(row["alias"] for row in rows)


def _flow(row: Any) -> FlowRecord:
    values = list(row)
    values[7] = tuple(json.loads(values[7]))
    return FlowRecord(*values)
