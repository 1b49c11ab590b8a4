"""What was built last for each pipeline: kept beside the store, so that compiling can pin what was pushed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.images.model import Build, BuiltImage

__all__ = ["last_build", "record_build"]

_FOLDER = "images"


def record_build(home: Path, build: Build) -> Path:
    """Write down what was built; whole or not at all.

    Args:
        home: Folder of the store.

    Raises:
        InfrastructureError: The disk is full, or the folder can't be written.
    """
    path = _place(home, build.pipeline)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(f"What was built can't be recorded: {error}.") from error
    write_whole(path, json.dumps(build.to_json(), indent=1, sort_keys=True) + "\n")
    return path


def last_build(home: Path, pipeline: str) -> Build | None:
    """Return what was built last for a pipeline; None if nothing was."""
    try:
        content = json.loads(_place(home, pipeline).read_text(encoding="utf-8"))
        return _build(content) if content["pipeline"] == pipeline else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _build(content: Mapping[str, Any]) -> Build:
    images = tuple(
        BuiltImage(item["reference"], item["digest"], item["pushed"], tuple(item["steps"]), item["content"])
        for item in content["images"]
    )
    built = {slug for image in images for slug in image.steps}
    given = {slug: image for slug, image in content["steps"].items() if slug not in built}
    return Build(content["pipeline"], images, given, content["engine"], content["seconds"], (), content["base"])


def _place(home: Path, pipeline: str) -> Path:
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in pipeline)
    return home / _FOLDER / f"{name[:100]}.json"
