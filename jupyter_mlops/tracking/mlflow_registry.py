"""Registered models in MLflow's registry: those of ``models register``, and those that the code of steps registers."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.tracking.mlflow_names import text
from jupyter_mlops.tracking.mlflow_writing import RunWriter, all_experiments, find_run, pages
from jupyter_mlops.tracking.parcels import ModelParcel, VersionParcel
from jupyter_mlops.tracking.trackers import RejectedError

__all__ = ["register", "registered_model", "version_with"]

_VERSION = "mlops.version"
_ALIAS = "mlops.alias."


def register(client: Any, parcel: ModelParcel) -> None:
    """Bring a model's versions and aliases to the server.

    A version has the number that the server gives it; the tag ``mlops.version`` has ours. Aliases that were set here
    and are gone here go there; those that were set there stay.

    Raises:
        RejectedError: The run of a version is not there.
    """
    registered_model(client, parcel.name, parcel.description)
    numbers = {item.version: _version(client, parcel, item) for item in parcel.versions}
    tags = client.get_registered_model(parcel.name).tags
    for alias, version in parcel.aliases.items():
        if version in numbers and tags.get(f"{_ALIAS}{alias}") != numbers[version]:
            client.set_registered_model_alias(parcel.name, alias, numbers[version])
            client.set_registered_model_tag(parcel.name, f"{_ALIAS}{alias}", numbers[version])
    for name in tags:
        alias = name.removeprefix(_ALIAS)
        if alias != name and alias not in parcel.aliases:
            client.delete_registered_model_alias(parcel.name, alias)
            client.delete_registered_model_tag(parcel.name, name)


def registered_model(client: Any, name: str, description: str | None) -> None:
    """Make a model where there is none of this name."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if description and client.get_registered_model(name).description != description:
            client.update_registered_model(name, description)


def version_with(
    client: Any,
    name: str,
    mark: Mapping[str, str],
    source: str,
    run_id: str,
    *,
    description: str | None,
    tags: Mapping[str, str],
    model_id: str | None = None,
) -> str:
    """Return the number of the version that carries a mark; it is made where there is none.

    Args:
        mark: One tag that tells it from all others.
        source: Where its files are.
    """
    ((label, value),) = mark.items()
    for item in pages(client.search_model_versions, f"name = '{name}'"):
        if item.tags.get(label) == value:
            return str(item.version)
    extra = {} if model_id is None else {"model_id": model_id}
    made = client.create_model_version(name, source, run_id, {**tags, **mark}, description=description, **extra)
    return str(made.version)


def _version(client: Any, parcel: ModelParcel, item: VersionParcel) -> str:
    mark = {_VERSION: f"{item.version} of {item.run_id}/{item.artifact.id}"}
    for found in pages(client.search_model_versions, f"name = '{parcel.name}'"):
        if found.tags.get(_VERSION) == mark[_VERSION]:
            return str(found.version)
    wanted = {"mlops.run_id": item.run_id, "mlops.kind": "step", "mlops.step": item.step}
    run = find_run(client, all_experiments(client), wanted)
    if run is None or run.info.lifecycle_stage == "deleted":
        raise RejectedError(f"the run of version {item.version}, {item.run_id}, is not there")
    writer = RunWriter(client, run, created=False)
    folder = f"models/{parcel.name}/{item.version}"
    if item.object.is_file():
        _write_model(writer, folder, item)
        if writer.problems:
            raise RejectedError(f"version {item.version} can't be stored: {writer.problems[0]}")
    tags = {"mlops.digest": item.artifact.digest, "mlops.artifact": item.artifact.id, "mlops.run_id": item.run_id}
    source = f"{writer.artifacts}/{folder}"
    return version_with(client, parcel.name, mark, source, writer.id, description=item.description, tags=tags)


def _write_model(writer: RunWriter, folder: str, item: VersionParcel) -> None:
    """Write the object as a model that ``mlflow.pyfunc.load_model`` loads where this package is installed."""
    about = {
        "names": list(item.artifact.names),
        "member": item.member,
        "serializer": item.artifact.serializer,
        "digest": item.artifact.digest,
        "type": text(item.artifact.type or ""),
    }
    description = {
        "flavors": {
            "python_function": {
                "loader_module": "jupyter_mlops.tracking.mlflow_pyfunc",
                "data": "data",
                "python_version": platform.python_version(),
            }
        },
        "run_id": writer.id,
    }
    with tempfile.TemporaryDirectory(prefix="mlops-") as place:
        data = Path(place) / "data"
        data.mkdir()
        (Path(place) / "MLmodel").write_text(json.dumps(description, indent=1), encoding="utf-8")  # YAML reads JSON
        (data / "artifact.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        (data / "object").symlink_to(item.object.resolve())
        writer.write_folder(Path(place), folder)
