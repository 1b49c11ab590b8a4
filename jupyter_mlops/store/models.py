"""Registered models: names, numbered versions, aliases."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Row

from jupyter_mlops.store.recording import Recording

__all__ = ["ModelVersion", "Models", "RegisteredModel"]

_VERSION = "model, version, run_id, slug AS step, artifact, artifact_key, member, created, description"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A name under which versions are registered.

    Args:
        created: Milliseconds since the epoch, UTC.
        versions: How many there are.
        latest: Number of the newest; None if all were removed.
        aliases: Each with the version that it stands for.
    """

    name: str
    created: int
    description: str | None = None
    versions: int = 0
    latest: int | None = None
    aliases: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model: an artifact of a run.

    Args:
        version: Counts from 1 under each name; never given twice.
        step: Slug of the step that made it.
        artifact: The artifact's id in the pipeline (``train.forest``).
        member: The variable, where the artifact holds values; the path of a file.
        created: When it was registered, in milliseconds since the epoch, UTC.
    """

    model: str
    version: int
    run_id: str
    step: str
    artifact: str
    artifact_key: str
    member: str | None
    created: int
    description: str | None = None
    aliases: tuple[str, ...] = ()


class Models(Recording):
    """The registry of models; a part of ``Database``."""

    def register_model(
        self, name: str, *, run_id: str, step: str, artifact: str, member: str, description: str | None = None
    ) -> tuple[ModelVersion, bool]:
        """Record an artifact of a run as the next version of a model.

        Args:
            step: Slug of the step that made the artifact, and ``artifact`` its id.

        Returns:
            The version, and whether it is new: an equal artifact is registered once under a name.

        Raises:
            LookupError: The run has no such artifact (any more).
        """
        now = time.time_ns() // 1_000_000
        with self.transaction():
            event = self._connection.row(
                "SELECT artifact_key FROM events WHERE run_id = ? AND slug = ? AND artifact = ? AND direction = 'out'",
                (run_id, step, artifact),
            )
            if event is None:
                raise LookupError(artifact)
            self._connection.execute(
                "INSERT INTO models (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, now)
            )
            key = event["artifact_key"]
            known = self._connection.row(
                "SELECT version FROM model_versions WHERE model = ? AND artifact_key = ? AND member = ?",
                (name, key, member),
            )
            if known is not None:
                return self._version(name, known["version"]), False
            self._connection.execute("UPDATE models SET last_version = last_version + 1 WHERE name = ?", (name,))
            self._connection.execute(
                "INSERT INTO model_versions "
                "(model, version, run_id, slug, artifact, artifact_key, member, created, description) "
                "SELECT name, last_version, ?, ?, ?, ?, ?, ?, ? FROM models WHERE name = ?",
                (run_id, step, artifact, key, member, now, description, name),
            )
            row = self._connection.row("SELECT last_version FROM models WHERE name = ?", (name,))
            assert row is not None
            return self._version(name, row["last_version"]), True

    def models(self) -> tuple[RegisteredModel, ...]:
        """Return all models in the order of their names."""
        aliases: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for row in self._connection.rows("SELECT model, alias, version FROM model_aliases ORDER BY model, alias"):
            aliases[row["model"]].append((row["alias"], row["version"]))
        rows = self._connection.rows(
            "SELECT name, models.created, models.description, count(version) AS versions, max(version) AS latest "
            "FROM models LEFT JOIN model_versions ON model = name "
            "GROUP BY name, models.created, models.description ORDER BY name"
        )
        return tuple(
            RegisteredModel(
                *(row["name"], row["created"], row["description"], row["versions"], row["latest"]),
                aliases=tuple(aliases[row["name"]]),
            )
            for row in rows
        )

    def model_versions(self, name: str) -> tuple[ModelVersion, ...]:
        """Return the versions of a model, the newest first."""
        rows = self._connection.rows(
            f"SELECT {_VERSION} FROM model_versions WHERE model = ? ORDER BY version DESC", (name,)
        )
        return self._with_aliases(name, rows)

    def versions_of_run(self, run_id: str) -> tuple[ModelVersion, ...]:
        """Return the versions that were registered from a run."""
        rows = self._connection.rows(
            f"SELECT {_VERSION} FROM model_versions WHERE run_id = ? ORDER BY model, version", (run_id,)
        )
        return tuple(found for row in rows for found in self._with_aliases(row["model"], [row]))

    def aliased_versions(self) -> tuple[tuple[str, int, str, tuple[str, ...]], ...]:
        """Return model, version, run and aliases of each version of all models, the newest first."""
        aliases: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in self._connection.rows("SELECT model, alias, version FROM model_aliases ORDER BY model, alias"):
            aliases[row["model"], row["version"]].append(row["alias"])
        rows = self._connection.rows("SELECT model, version, run_id FROM model_versions ORDER BY created DESC")
        return tuple(
            (row["model"], row["version"], row["run_id"], tuple(aliases[row["model"], row["version"]])) for row in rows
        )

    def set_model_alias(self, name: str, alias: str, version: int | None) -> bool:
        """Let an alias stand for a version, or with None for none; return whether it did for another (or any) before.

        The version must be there.
        """
        with self.transaction():
            before = self._connection.row(
                "SELECT version FROM model_aliases WHERE model = ? AND alias = ?", (name, alias)
            )
            if version is None:
                self._connection.execute("DELETE FROM model_aliases WHERE model = ? AND alias = ?", (name, alias))
            else:
                self._connection.execute(
                    "INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?) "
                    "ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
                    (name, alias, version),
                )
        return before is not None and before["version"] != version

    def describe_model(self, name: str, version: int | None, text: str | None) -> None:
        """Replace the description of a model, or of one of its versions."""
        with self.transaction():
            if version is None:
                self._connection.execute("UPDATE models SET description = ? WHERE name = ?", (text, name))
            else:
                self._connection.execute(
                    "UPDATE model_versions SET description = ? WHERE model = ? AND version = ?", (text, name, version)
                )

    def delete_model(self, name: str, version: int | None = None) -> bool:
        """Forget a version with its aliases, or a model with all of it; return whether it was there."""
        with self.transaction():
            if version is None:
                return bool(self._connection.execute("DELETE FROM models WHERE name = ?", (name,)))
            return bool(
                self._connection.execute("DELETE FROM model_versions WHERE model = ? AND version = ?", (name, version))
            )

    def _version(self, name: str, version: int) -> ModelVersion:
        rows = self._connection.rows(
            f"SELECT {_VERSION} FROM model_versions WHERE model = ? AND version = ?", (name, version)
        )
        return self._with_aliases(name, rows)[0]

    def _with_aliases(self, name: str, rows: Sequence[Row]) -> tuple[ModelVersion, ...]:
        aliases: dict[int, list[str]] = defaultdict(list)
        for row in self._connection.rows(
            "SELECT alias, version FROM model_aliases WHERE model = ? ORDER BY alias", (name,)
        ):
            aliases[row["version"]].append(row["alias"])
        return tuple(
            ModelVersion(
                **{key: row[key] for key in row.keys()},  # noqa: SIM118 - a Row iterates over its values
                aliases=tuple(aliases[row["version"]]),
            )
            for row in rows
        )
