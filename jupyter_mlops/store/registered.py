"""Registered models with their versions, as they stand in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlops.store.connection import Connection
from jupyter_mlops.store.reading import Reading
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["Registered", "RegisteredModel", "RegisteredVersion"]


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version of a model: an artifact that a step of a run made."""

    version: int
    run_id: str
    step: str
    artifact: ArtifactRecord
    created: int
    description: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model.

    Args:
        versions: Oldest first.
        aliases: From an alias to the number of a version.
    """

    name: str
    created: int
    description: str | None
    versions: tuple[RegisteredVersion, ...]
    aliases: Mapping[str, int]


class Registered(Reading):
    """Questions about models; a part of ``Database``."""

    _connection: Connection

    def registered_model(self, name: str) -> RegisteredModel | None:
        """Return a model with all its versions and aliases; None if there is none of this name."""
        row = self._connection.row("SELECT name, created, description FROM models WHERE name = ?", (name,))
        if row is None:
            return None
        versions = []
        for item in self._connection.rows(
            "SELECT version, run_id, slug, artifact, created, description FROM model_versions "
            "WHERE model = ? ORDER BY version",
            (name,),
        ):
            made = {record.id: record for record in self.artifacts_of(item["run_id"], item["slug"])}
            if item["artifact"] in made:
                versions.append(
                    RegisteredVersion(
                        *(item["version"], item["run_id"], item["slug"], made[item["artifact"]]),
                        *(item["created"], item["description"]),
                    )
                )
        aliases = self._connection.rows("SELECT alias, version FROM model_aliases WHERE model = ?", (name,))
        return RegisteredModel(
            row["name"],
            row["created"],
            row["description"],
            tuple(versions),
            {item["alias"]: item["version"] for item in aliases},
        )
