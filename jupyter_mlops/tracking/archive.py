"""Archives of runs: one zip file with records, folders and objects.

manifest.json        what it is, and the digest of everything else in it
records/RUN.json     the rows of a run, by table
folders/RUN/…        the files of its folder: executed notebooks, logs, report
objects/DIGEST       what the runs took and made
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from blake3 import blake3

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store import schema
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore, hash_bytes
from jupyter_mlops.tracking.archive_reading import FORMAT, MANIFEST, VERSION, Imported, import_archive, is_safe

__all__ = ["Exported", "Imported", "export_runs", "import_runs"]

SCHEMA = 1
_CHUNK = 4 << 20

import_runs = import_archive


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Args:
        objects: How many contents are in the archive.
        bytes: Size of the archive.
        notes: What could not be put in.
    """

    path: Path
    runs: tuple[str, ...]
    objects: int
    bytes: int
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs export --format json`` prints."""
        return {
            "schema": SCHEMA,
            "path": str(self.path),
            "runs": list(self.runs),
            "objects": self.objects,
            "bytes": self.bytes,
            "notes": list(self.notes),
        }


def export_runs(database: Database, home: Home, run_ids: Sequence[str], path: Path) -> Exported:
    """Write runs into an archive.

    Args:
        path: The file; it is replaced whole or not at all.

    Raises:
        UsageError: A run is in progress, or the file can't be written.
        InfrastructureError: The disk is full or failed.
    """
    for run_id in run_ids:
        if database.status(run_id) == "running":
            raise UsageError(f"The run {run_id} is in progress.", hint="Export it once it has ended.")
    target = path.absolute()
    if target.is_dir() or not target.parent.is_dir():
        problem = "is a folder" if target.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"The archive {path} {problem}.", hint="Name another file.")
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                writer = _Writer(archive, ObjectStore(home.objects))
                for run_id in run_ids:
                    writer.add_run(database, home, run_id)
                writer.finish(run_ids)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except PermissionError as error:
        raise UsageError(f"The archive {path} can't be written: {error.strerror}.") from error
    except OSError as error:
        raise InfrastructureError(f"The archive {path} can't be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    gone = [f"what had the digest {digest[:12]} is gone or damaged in this store" for digest in writer.missing]
    return Exported(path, tuple(run_ids), len(writer.objects), target.stat().st_size, (*writer.notes, *gone))


class _Writer:
    """Writes one archive."""

    def __init__(self, archive: zipfile.ZipFile, objects: ObjectStore) -> None:
        self._archive = archive
        self._store = objects
        self._files: dict[str, str] = {}
        self.objects: set[str] = set()
        self.missing: list[str] = []
        self.notes: list[str] = []

    def add_run(self, database: Database, home: Home, run_id: str) -> None:
        rows = database.take_out(run_id)
        self._add(f"records/{run_id}.json", json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace"))
        folder = home.run(run_id)
        for path in sorted(_files_below(folder)):
            name = path.relative_to(folder).as_posix()
            if is_safe(name):
                self._copy(f"folders/{run_id}/{name}", path)
            else:
                self.notes.append(f"{path} is left out: its name would lead elsewhere on another system")
        for row in rows["artifacts"]:
            digest = str(row["digest"])
            if digest not in self.objects and digest not in self.missing:
                self._add_object(digest)

    def finish(self, run_ids: Sequence[str]) -> None:
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "schema": schema.VERSION,
            "runs": list(run_ids),
            "files": self._files,
            "objects": sorted(self.objects),
            "missing": sorted(self.missing),
        }
        self._archive.writestr(MANIFEST, json.dumps(manifest, indent=1))

    def _add_object(self, digest: str) -> None:
        # Damage must be known before the entry is in the archive.
        if not self._store.verify(digest):
            self.missing.append(digest)
            return
        # Most contents are compressed already or do not compress.
        info = zipfile.ZipInfo(f"objects/{digest}")
        info.compress_type = zipfile.ZIP_STORED
        with self._store.open(digest) as source, self._archive.open(info, "w", force_zip64=True) as target:
            _pour(source, target)
        self.objects.add(digest)

    def _copy(self, name: str, path: Path) -> None:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        with path.open("rb") as source, self._archive.open(info, "w", force_zip64=True) as target:
            self._files[name] = _pour(source, target)

    def _add(self, name: str, content: bytes) -> None:
        self._archive.writestr(name, content)
        self._files[name] = hash_bytes(content)


def _pour(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy; return the digest of what was copied."""
    hasher = blake3()
    while chunk := source.read(_CHUNK):
        hasher.update(chunk)
        target.write(chunk)
    return hasher.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    """The ordinary files; links lead who knows where."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_symlink():
                continue
            if path.is_dir():
                yield from _files_below(path)
            elif path.is_file():
                yield path
