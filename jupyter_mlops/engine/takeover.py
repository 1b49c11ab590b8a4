"""Results of an earlier run put to use: objects looked at, files put back, the executed notebook brought up to date."""

from __future__ import annotations

import contextlib
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.collecting import ABSENT_SERIALIZER
from jupyter_mlops.engine.figures import is_figure
from jupyter_mlops.engine.filehashes import FileHashes, UnknownContentError
from jupyter_mlops.engine.logged import LOGGED, Logged, is_logged, logged_of, split_history
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.steps.cells import INJECTED_TAG, has_tag
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore, hash_bytes
from jupyter_mlops.store.records import ArtifactRecord, StepRecord

__all__ = [
    "NOTEBOOK_DIGEST",
    "Found",
    "Sources",
    "UnusableError",
    "check_absent",
    "find_results",
    "restore_files",
    "with_outputs_of",
]


NOTEBOOK_DIGEST = "executed"
"""Name of the text kept with a step that has the digest of its executed notebook."""


class UnusableError(Exception):
    """Why recorded results can't be used, half a sentence."""


@dataclass(frozen=True)
class Found:
    """Results of an earlier run that are whole.

    Args:
        run_id: The run that computed them.
        seconds: How long it took then.
        metrics: Of cells tagged ``metrics``.
        notebook: The step's notebook as it was executed.
        shared: Whether they come from the shared cache.
        logged: What the step's code logged.
    """

    run_id: str
    seconds: float
    outputs: tuple[ArtifactRecord, ...]
    metrics: Mapping[str, float]
    notebook: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False
    logged: Logged = field(default_factory=Logged)

    @property
    def origin(self) -> str:
        """Where they come from, for people."""
        return f"run {self.run_id}" + (" in the shared cache" if self.shared else "")


@dataclass(frozen=True)
class Sources:
    """Where results are looked for.

    Args:
        repair: Whether a damaged object is removed, so that it can be written anew.
    """

    database: Database
    home: Home
    objects: ObjectStore
    cwd: Path
    repair: bool = True


def find_results(record: StepRecord, pipeline: Pipeline, step: Step, sources: Sources) -> Found:
    """Gather what an earlier run of a step left.

    Raises:
        UnusableError: Something is missing or damaged.
    """
    database = sources.database
    recorded = database.artifacts_of(record.run_id, record.slug)
    outputs = tuple(item for item in recorded if not is_figure(item))  # those are in the notebook
    missing = {item.id for item in pipeline.artifacts_of(step.slug)} - {item.id for item in outputs}
    if missing:
        raise UnusableError(f"its result {min(missing)} was not recorded")
    check_absent(outputs, sources.cwd)
    for item in outputs:
        _check(item, sources)
    text = database.document(record.run_id, "metrics", record.slug)
    metrics: dict[str, float] = {} if text is None else json.loads(text)
    notebook = _executed(sources, record)
    origin = record.reused_from or record.run_id
    return Found(
        origin,
        record.seconds or 0.0,
        tuple(item for item in outputs if not is_logged(item)),
        metrics,
        notebook,
        logged=_logged(database, record, metrics, outputs),
    )


def _logged(
    database: Database, record: StepRecord, metrics: Mapping[str, float], outputs: Iterable[ArtifactRecord]
) -> Logged:
    history = split_history(database.metrics_of(record.run_id, step=record.slug), metrics)
    text = database.document(record.run_id, LOGGED, record.slug)
    return replace(logged_of({} if text is None else json.loads(text), outputs), metrics=history)


def restore_files(found: Found, cwd: Path, objects: ObjectStore, hashes: FileHashes) -> None:
    """Put the files that a step wrote back in place, where they are missing or different.

    Raises:
        UnusableError: A file can't be put back.
    """
    for item in found.outputs:
        if item.kind != "file" or item.serializer == ABSENT_SERIALIZER or is_logged(item):
            continue
        target = cwd / item.names[0]
        try:
            if item.serializer == "folder":
                _restore_folder(objects.path(item.digest), target)
            elif hashes.content(target) != item.digest:
                objects.copy_to(item.digest, target)
        except (OSError, tarfile.TarError, UnknownContentError) as error:
            raise UnusableError(f"{item.names[0]} can't be put back: {error}") from error


def _restore_folder(archive: Path, target: Path) -> None:
    """Put back what is missing. Other files in the folder may be somebody else's: none is ever overwritten."""
    from jupyter_mlops.runtime.errors import LoadError
    from jupyter_mlops.runtime.files import restore_folder

    missing = not target.is_dir()
    with tarfile.open(archive, "r:") as members:
        for member in members:
            place = target / member.name
            if not place.exists():
                missing = True
            elif member.isfile():
                content = members.extractfile(member)
                if content is not None and (not place.is_file() or place.read_bytes() != content.read()):
                    raise UnusableError(f"{target.name}/{member.name} is different")
    if missing:
        try:
            restore_folder(archive, target)
        except LoadError as error:
            raise UnusableError(str(error)) from error


def with_outputs_of(executed: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step notebook as it is now, with the outputs that equal code gave earlier.

    Args:
        executed: The notebook of the earlier run; comments, layout and ids may be different.
        fresh: The notebook of this run.
    """
    earlier = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
    injected = [cell for cell in earlier if has_tag(cell, INJECTED_TAG)]
    plain: Iterator[Any] = iter([cell for cell in earlier if not has_tag(cell, INJECTED_TAG)])
    cells: list[dict[str, Any]] = []
    for cell in fresh["cells"]:
        cells.append(cell)
        if cell["cell_type"] != "code":
            continue
        old = next(plain, None)
        if old is None:
            continue
        cell["outputs"], cell["execution_count"] = old.get("outputs", []), old.get("execution_count")
        for key in ("papermill", "execution"):
            if key in old.get("metadata", {}):
                cell["metadata"][key] = old["metadata"][key]
        if injected and has_tag(cell, "parameters"):
            cells += injected
            injected = []
    kept = {
        key: value for key, value in executed["metadata"].items() if key in ("papermill", "language_info", "widgets")
    }
    return {**fresh, "cells": [*injected, *cells], "metadata": {**fresh["metadata"], **kept}}


def check_absent(outputs: Iterable[ArtifactRecord], cwd: Path) -> None:
    """Make sure that files which a step did not write are not there.

    Raises:
        UnusableError: One is.
    """
    for item in outputs:
        if item.kind == "file" and item.serializer == ABSENT_SERIALIZER and (cwd / item.names[0]).exists():
            raise UnusableError(f"{item.names[0]} is there, which was not when it ran")


def _check(item: ArtifactRecord, sources: Sources) -> None:
    name, objects = item.name, sources.objects
    if sources.repair:
        objects.touch(item.digest)
    if not objects.has(item.digest):
        raise UnusableError(f"its result {name} is gone from the store")
    if not objects.verify(item.digest):
        if sources.repair:
            with contextlib.suppress(OSError):
                objects.delete(item.digest)
        raise UnusableError(f"its result {name} is damaged in the store")


def _executed(sources: Sources, record: StepRecord) -> Mapping[str, Any]:
    if record.notebook is None:
        raise UnusableError("its executed notebook was not kept")
    digest = sources.database.document(record.run_id, NOTEBOOK_DIGEST, record.slug)
    try:
        content = (sources.home.run(record.run_id) / record.notebook).read_bytes()
        if digest is not None and hash_bytes(content) != digest:
            raise UnusableError("its executed notebook was changed")
        notebook = json.loads(content)
        if isinstance(notebook["cells"], list) and isinstance(notebook["metadata"], dict):
            return dict(notebook)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UnusableError("its executed notebook is gone")
