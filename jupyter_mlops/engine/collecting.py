"""From the files that a step leaves to objects in the store and records of them."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.result import RunArtifact
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.objects import ObjectStore, hash_file
from jupyter_mlops.store.records import ArtifactRecord

__all__ = [
    "ABSENT_SERIALIZER",
    "Collected",
    "collect",
    "folder_states",
    "run_artifacts",
    "source_files",
    "written_files",
]

ABSENT_SERIALIZER = "absent"
"""What the runtime calls the serializer of something that a step did not make after all."""

_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Collected:
    """What a step made.

    Args:
        outputs: Records of artifacts whose objects are in the store.
        metrics: Finite numbers by name.
        notes: What else there is to say, such as a metric that is not finite.
    """

    outputs: tuple[ArtifactRecord, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def collect(output_dir: Path, objects: ObjectStore) -> Collected:
    """Move what a step saved into the object store.

    Args:
        output_dir: Where the step's save cell put objects and ``result.json``.
        objects: The object store, on the same file system.

    Raises:
        InfrastructureError: The result is missing or damaged, or the disk is full.
    """
    try:
        result = json.loads((output_dir / "result.json").read_text(encoding="utf-8"))
        outputs = tuple(_record(item, output_dir, objects) for item in result["artifacts"])
        metrics = {str(name): _number(value) for name, value in result.get("metrics", {}).items()}
        notes = tuple(str(note) for note in result.get("notes", ()))
    except (ArithmeticError, OSError, ValueError, KeyError, TypeError) as error:
        raise InfrastructureError(f"What the step saved can't be read: {type(error).__name__}: {error}.") from error
    return Collected(outputs, metrics, notes)


def source_files(step: Step, cwd: Path) -> list[ArtifactRecord]:
    """Record the project's files that a step reads, by content."""
    records = []
    for name in step.files_read:
        path = cwd / name
        if path.is_file():
            size = path.stat().st_size
            records.append(ArtifactRecord(f"file:{name}", "file", (name,), hash_file(path), size, type="file"))
    return records


FolderStates = Mapping[str, Mapping[str, tuple[int, int]]]


def folder_states(step: Step, cwd: Path) -> FolderStates:
    """Note size and time of each file in the folders that a step writes into."""
    return {name: _state(cwd / name) for name in step.files_written if (cwd / name).is_dir()}


def written_files(
    step: Step,
    made: tuple[ArtifactRecord, ...],
    cwd: Path,
    scratch: Path,
    objects: ObjectStore,
    before: FolderStates,
) -> tuple[ArtifactRecord, ...]:
    """Store the files that a step wrote and no later step takes, so that they can be put back.

    Args:
        made: What the step saved by itself.
        scratch: Folder for unfinished work.
        before: Of folders, what was in them when the step began: that is not its work.

    Raises:
        OSError: A file can't be read.
        InfrastructureError: The disk is full or failed.
    """
    saved = {item.names[0] for item in made if item.kind == "file"}
    records = []
    for name in step.files_written:
        if name in saved:
            continue
        path, serializer, size = cwd / name, ABSENT_SERIALIZER, 0
        if path.is_dir():
            archive, serializer = scratch / "folder.tar", "folder"
            _pack(path, before.get(name, {}), archive)
            size = archive.stat().st_size
            digest = objects.put_file(archive)
        elif path.is_file():
            serializer, size = "file", path.stat().st_size
            digest = objects.put_file(path, keep=True)
        else:
            digest = objects.put_bytes(b"")
        records.append(
            ArtifactRecord(
                f"{step.slug}.file:{name}", "file", (name,), digest, size, type="file", serializer=serializer
            )
        )
    return tuple(records)


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            stat = path.stat()
            found[path.relative_to(folder).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found


def _pack(folder: Path, before: Mapping[str, tuple[int, int]], archive: Path) -> None:
    """Write what is new in a folder as a tar archive; equal contents give equal archives."""
    with tarfile.open(archive, "w:", format=tarfile.PAX_FORMAT) as target:
        for name, state in _state(folder).items():
            if before.get(name) == state:
                continue
            member = tarfile.TarInfo(name)
            with (folder / name).open("rb") as source:
                member.size = os.fstat(source.fileno()).st_size
                target.addfile(member, source)


def run_artifacts(step: Step, outputs: tuple[ArtifactRecord, ...]) -> list[RunArtifact]:
    """List the variables, files and figures that a step made; not hidden state, nor names that it left unbound."""
    shown = []
    for record in outputs:
        if record.kind == "file" and record.serializer != ABSENT_SERIALIZER:
            shown.append(RunArtifact(record.names[0], step.name, record.digest, "file", record.bytes))
        elif record.kind == "figure":
            shown.append(RunArtifact(record.names[0], step.name, record.digest, record.type, record.bytes))
        elif record.kind == "value":
            shown += [
                RunArtifact(name, step.name, record.digest, record.members[name].get("type"), record.bytes)
                for name in record.names
                if name in record.members
            ]
    return shown


def _number(value: Any) -> float:
    """Keep counts as they are; an integer that no float holds exactly is not one anybody compares to the last digit."""
    return value if isinstance(value, int) and abs(value) <= _EXACT else float(value)


def _record(item: Mapping[str, Any], output_dir: Path, objects: ObjectStore) -> ArtifactRecord:
    path = output_dir / Path(item["path"]).name
    size = path.stat().st_size
    digest = objects.put_file(path, item.get("digest"))
    return ArtifactRecord(
        id=item["id"],
        kind=item["kind"],
        names=tuple(item["names"]),
        digest=digest,
        bytes=size,
        type=item.get("type"),
        serializer=item.get("serializer"),
        preview=item.get("preview"),
        schema=item.get("schema"),
        members=item.get("members") or {},
    )
