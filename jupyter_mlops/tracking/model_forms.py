"""Registered models as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.store.models import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from jupyter_mlops.tracking.models import ModelDetails, Removal

__all__ = ["details_json", "model_json", "removal_json", "version_json"]

SCHEMA = 1


def model_json(model: RegisteredModel) -> dict[str, Any]:
    """A model as ``models --format json`` prints it."""
    return {
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "versions": model.versions,
        "latest": model.latest,
        "aliases": dict(model.aliases),
    }


def version_json(version: ModelVersion) -> dict[str, Any]:
    """A version as JSON."""
    return {
        "model": version.model,
        "version": version.version,
        "run_id": version.run_id,
        "step": version.step,
        "artifact": version.artifact,
        "name": version.member,
        "created": version.created,
        "description": version.description,
        "aliases": list(version.aliases),
    }


def details_json(details: ModelDetails) -> dict[str, Any]:
    """The form that ``models show --format json`` prints."""
    record = details.artifact
    return {
        "schema": 1,
        "model": model_json(details.model),
        "versions": [version_json(item) for item in details.versions],
        "shown": None if details.shown is None else version_json(details.shown),
        "artifact": None
        if record is None
        else {
            "digest": record.digest,
            "bytes": record.bytes,
            "type": record.type,
            "serializer": record.serializer,
            "preview": record.preview,
        },
        "metrics": dict(details.metrics),
        "signature": None if details.signature is None else details.signature.to_json(),
        "lineage": None if details.lineage is None else details.lineage.to_json(),
    }


def removal_json(removal: Removal) -> dict[str, Any]:
    """The form that ``models rm --format json`` prints."""
    return {
        "schema": SCHEMA,
        "model": removal.model,
        "versions": list(removal.versions),
        "aliases": list(removal.aliases),
        "whole": removal.whole,
    }
