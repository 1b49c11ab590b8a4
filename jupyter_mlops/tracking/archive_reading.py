"""Archives of runs, read. Nothing in them is believed: names, digests and rows are checked before anything is kept."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from blake3 import blake3

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.store import schema
from jupyter_mlops.store.connection import Duplicate
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import InUse
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import FINAL, Direction
from jupyter_mlops.store.transfer import TABLES

__all__ = ["FORMAT", "MANIFEST", "VERSION", "Imported", "import_archive", "is_safe"]

FORMAT = "jupyter-mlops runs"
VERSION = 1
MANIFEST = "manifest.json"
SCHEMA = 1

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 4 << 20
_LARGEST_TEXT = 1 << 30
_OWN = ("tags", "contexts")
"""Tables that may differ: they are changed after a run has ended."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError)

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was put on record.

    Args:
        runs: The runs that are new here.
        present: Those that were here already.
        objects: How many contents are new here.
    """

    runs: tuple[str, ...]
    present: tuple[str, ...]
    objects: int

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs import --format json`` prints."""
        return {
            "schema": SCHEMA,
            "runs": list(self.runs),
            "present": list(self.present),
            "objects": self.objects,
        }


class _Damaged(Exception):
    """Something in the archive is not what it should be; the message says what."""


def import_archive(database: Database, home: Home, path: Path) -> Imported:
    """Put the runs of an archive on record, all or none.

    Raises:
        UsageError: It is no archive of runs, is damaged or of a newer version, or a run is there with other content.
        InfrastructureError: The disk is full or failed.
    """
    if database.read_only:
        raise UsageError(f"The store {home.root} may only be read.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(archive, path).import_into(database, home)
    except FileNotFoundError:
        raise UsageError(f"There is no archive {path}.") from None
    except OSError as error:
        raise InfrastructureError(f"The archive {path} can't be read or kept: {error.strerror or error}.") from error
    except _Damaged as problem:
        message = f"The archive {path} is damaged: {problem}."
        raise UsageError(message, hint="Nothing was imported. Copy or export it again.") from None
    except _DAMAGE as error:
        raise UsageError(
            f"{path} is no archive of runs, or damaged: {printable(str(error))[:200]}.", hint="Nothing was imported."
        ) from None


class _Reader:
    """Reads one archive."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self._manifest = self._read_manifest()
        self._runs: list[str] = self._manifest["runs"]
        self._files: dict[str, str] = self._manifest["files"]

    def import_into(self, database: Database, home: Home) -> Imported:
        records = {run_id: self._record(database, run_id) for run_id in self._runs}
        new = [run_id for run_id in self._runs if not self._is_there(database, home, run_id, records[run_id])]
        self._check_room(home)
        scratch = home.tmp / f"import-{secrets.token_hex(6)}"
        in_use = InUse(home)
        in_use.hold("import")
        moved: list[Path] = []
        try:
            scratch.mkdir(parents=True)
            for run_id in new:
                self._extract(run_id, scratch / run_id)
            count = self._put_objects(ObjectStore(home.objects)) if new else 0
            with database.transaction():
                for run_id in new:
                    database.put_in(records[run_id])
                    _read_back(database, run_id)
                for run_id in new:  # last, since only this can't be rolled back by the database
                    (scratch / run_id).rename(home.run(run_id))
                    moved.append(home.run(run_id))
        except BaseException as error:
            for folder in moved:
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, Duplicate):
                raise _Damaged("its rows contradict each other") from None
            raise
        finally:
            in_use.close()
            shutil.rmtree(scratch, ignore_errors=True)
        return Imported(tuple(new), tuple(run_id for run_id in self._runs if run_id not in new), count)

    def _read_manifest(self) -> dict[str, Any]:
        if MANIFEST not in self._archive.namelist():
            raise UsageError(f"{self._path} is no archive of runs.", hint="jupyter mlops runs export writes one.")
        manifest = _json(self._content(MANIFEST), MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise UsageError(f"{self._path} is no archive of runs.", hint="jupyter mlops runs export writes one.")
        if not _is_at_most(manifest.get("version"), VERSION) or not _is_at_most(manifest.get("schema"), schema.VERSION):
            raise UsageError(
                f"The archive {self._path} was written by a newer version of jupyter_mlops.",
                hint="Upgrade with pip install -U jupyter-mlops.",
            )
        runs, files, objects = (manifest.get(name) for name in ("runs", "files", "objects"))
        if not (_are_texts(runs, _RUN_ID) and _are_texts(objects, _DIGEST) and isinstance(files, dict)):
            raise _Damaged("its list of contents makes no sense")
        if not _are_texts(list(files.values()), _DIGEST) or not all(map(is_safe, files)):
            raise _Damaged("a file in it has a name that leads elsewhere")
        return manifest

    def _content(self, name: str) -> bytes:
        if self._archive.getinfo(name).file_size > _LARGEST_TEXT:
            raise _Damaged(f"{printable(name)} is too large")
        return self._archive.read(name)

    def _record(self, database: Database, run_id: str) -> Rows:
        """The rows of a run, with nothing in them but what fits into the tables."""
        name = f"records/{run_id}.json"
        content = self._content(name)
        if blake3(content).hexdigest() != self._files.get(name):
            raise _Damaged(f"{name} is not what it was")
        rows = _json(content, name)
        if not isinstance(rows, dict) or not set(rows) <= set(TABLES):
            raise _Damaged(f"{name} has rows of unknown tables")
        for table, found in rows.items():
            columns = database.columns(table)
            if not isinstance(found, list) or not all(_is_row(row, columns) for row in found):
                raise _Damaged(f"{name} has rows that don't fit the table {table}")
            if any(row.get("run_id", run_id) != run_id for row in found):
                raise _Damaged(f"{name} has rows of another run")
        runs = rows.get("runs", [])
        if len(runs) != 1 or runs[0].get("run_id") != run_id or runs[0].get("status") not in FINAL:
            raise _Damaged(f"{name} does not say how the run ended")
        self._check_contents(rows, name)
        return rows

    def _check_contents(self, rows: Rows, name: str) -> None:
        known = {*self._manifest["objects"], *self._manifest.get("missing", [])}
        if any(row.get("digest") not in known for row in rows.get("artifacts", [])):
            raise _Damaged(f"{name} speaks of contents that are not in it")
        for row in rows.get("texts", []):
            if blake3(str(row.get("content")).encode("utf-8", "replace")).hexdigest() != row.get("digest"):
                raise _Damaged(f"a text in {name} is not what it was")
        for row in rows.get("step_runs", []):
            notebook = row.get("notebook")
            if notebook is not None and not (isinstance(notebook, str) and is_safe(notebook)):
                raise _Damaged(f"{name} names a file that leads elsewhere")

    def _is_there(self, database: Database, home: Home, run_id: str, rows: Rows) -> bool:
        """Tell whether a run is on record already, with the same content."""
        if database.status(run_id) is None:
            if home.run(run_id).exists():
                message = f"The run {run_id} is not on record, but its folder is there."
                raise UsageError(message, hint=f"Nothing was imported. Move {home.run(run_id)} away.")
            return False
        if _comparable(database.take_out(run_id)) != _comparable(rows):
            message = f"The run {run_id} is here already, with other content."
            raise UsageError(message, hint="Nothing was imported, and nothing is overwritten.")
        return True

    def _check_room(self, home: Home) -> None:
        needed = sum(info.file_size for info in self._archive.infolist())
        if needed > shutil.disk_usage(home.root).free:
            raise InfrastructureError(f"The disk of {home.root} has no room for the {needed:,} bytes of {self._path}.")

    def _extract(self, run_id: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        start = f"folders/{run_id}/"
        for name, digest in self._files.items():
            if not name.startswith(start):
                continue
            target = folder.joinpath(*PurePosixPath(name.removeprefix(start)).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            hasher = blake3()
            with target.open("xb") as file:
                for chunk in self._chunks(name):
                    hasher.update(chunk)
                    file.write(chunk)
            if hasher.hexdigest() != digest:
                raise _Damaged(f"{printable(name)} is not what it was")

    def _put_objects(self, objects: ObjectStore) -> int:
        count = 0
        for digest in self._manifest["objects"]:
            if objects.verify(digest):
                continue
            with contextlib.closing(self._chunks(f"objects/{digest}")) as chunks:
                if not objects.put_chunks(chunks, digest):
                    raise _Damaged(f"the content {digest[:12]} is not what it was")
            count += 1
        return count

    def _chunks(self, name: str) -> Generator[bytes, None, None]:
        with self._archive.open(name) as source:
            while chunk := source.read(_CHUNK):
                yield chunk


def _read_back(database: Database, run_id: str) -> None:
    """Make sure that everybody can read what was put in."""
    try:
        database.run(run_id)
        database.steps_of(run_id)
        directions: tuple[Direction, ...] = ("in", "out")
        for direction in directions:
            for item in database.artifacts_of(run_id, direction=direction):
                if not item.names or not all(isinstance(name, str) for name in item.names):
                    raise TypeError
        database.metrics_of(run_id)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _Damaged(f"the rows of {run_id} can't be read") from None


def _json(content: bytes, name: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _Damaged(f"{name} is no JSON") from None


def _is_at_most(value: Any, most: int) -> bool:
    return isinstance(value, int) and 1 <= value <= most


def _are_texts(values: Any, form: re.Pattern[str]) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) and form.fullmatch(value) for value in values)


def is_safe(name: Any) -> bool:
    """Whether a name can only lead to a place below the folder that it is joined to, on any system."""
    if not isinstance(name, str) or not name or any(letter in name for letter in "\\:\0"):
        return False
    return all(part not in ("", ".", "..") and part == part.rstrip(". ") for part in name.split("/"))


def _is_row(row: Any, columns: Mapping[str, type | tuple[type, ...]]) -> bool:
    if not isinstance(row, dict) or not row or not set(row) <= set(columns):
        return False
    return all(value is None or isinstance(value, columns[name]) for name, value in row.items())


def _comparable(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """What makes a run the same: not its tags and its note, nor columns that are empty."""
    found = {}
    for table, items in rows.items():
        if table not in _OWN and items:
            kept = [
                {name: value for name, value in row.items() if value is not None and name != "note"} for row in items
            ]
            found[table] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found
