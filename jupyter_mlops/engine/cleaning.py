"""Clean-up: removes what nothing refers to, and runs that are no longer wanted.

Objects go while nobody may record any (``locks/objects``), in short turns. What a run in progress has recorded, is
about to record, or keeps in folders of its own is never touched.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.abandoned import settle_abandoned
from jupyter_mlops.engine.bundle import is_current_bundle
from jupyter_mlops.engine.retention import Retention, runs_to_forget
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.filelocks import unused
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import alone
from jupyter_mlops.store.objects import ObjectStore

__all__ = ["Cleaned", "clean", "forget_run"]

SCHEMA = 1

GRACE = 600.0
"""Seconds for which what nothing refers to is spared, should somebody put it there without a run."""
_WITHOUT_LOCKS = 7 * 86400.0
_DAY = 86400.0
_STALE = 30 * _DAY
_TURN = 0.5
"""Seconds for which recording may be held up at a time."""
_KINDS = ("runs", "objects", "folders of runs", "temporary files", "runtime copies", "memory")


@dataclass
class Cleaned:
    """What was removed, or would be.

    Args:
        counts: Number of things and bytes by kind.
        runs: Ids of the runs that were forgotten.
        kept: Runs that the retention would have taken, and why they stay.
    """

    dry_run: bool
    counts: dict[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(_KINDS, (0, 0)))
    runs: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """What was freed in all."""
        return sum(size for _, size in self.counts.values())

    def add(self, kind: str, size: int, number: int = 1) -> None:
        """Count something."""
        count, total = self.counts[kind]
        self.counts[kind] = (count + number, total + size)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``gc --format json`` prints."""
        return {
            "schema": SCHEMA,
            "dry_run": self.dry_run,
            "bytes": self.bytes,
            "items": [{"kind": kind, "count": count, "bytes": size} for kind, (count, size) in self.counts.items()],
            "runs": list(self.runs),
            "kept": [{"run_id": run_id, "reason": reason} for run_id, reason in self.kept.items()],
        }


def clean(
    database: Database, home: Home, retention: Retention, *, dry_run: bool = False, grace: float = GRACE
) -> Cleaned:
    """Remove what nothing refers to.

    Args:
        retention: Which runs are to be forgotten first; by default none.
        dry_run: Only find out.
        grace: Seconds for which young things are spared.

    Raises:
        InfrastructureError: The store can't be used, or others hold it for too long.
    """
    done = Cleaned(dry_run)
    if not dry_run:
        settle_abandoned(database, home)
    _forget_runs(database, home, retention, done)
    _remove_objects(database, home, done, grace)
    _remove_folders(database, home, done, grace)
    _remove_temporary(database, home, done)
    _remove_bundles(home, done)
    _remove_memory(home, done)
    if done.runs and not dry_run:
        database.compact()
    return done


def forget_run(database: Database, home: Home, run_id: str) -> int:
    """Forget a run and remove its folder; return the folder's size in bytes.

    Raises:
        UsageError: There is no such run, or a model was registered from it.
        InfrastructureError: The store can't be used, or others hold it for too long.
    """
    size = _size(home.run(run_id))
    with alone(home):
        reach("gc.forgetting")
        database.delete_run(run_id)
        reach("gc.forgotten")
        shutil.rmtree(home.run(run_id), ignore_errors=True)
    return size


def _forget_runs(database: Database, home: Home, retention: Retention, done: Cleaned) -> None:
    forget, done.kept = runs_to_forget(database, retention)
    for run_id in forget:
        if done.dry_run:
            size = _size(home.run(run_id))
        elif database.may_be_forgotten(run_id):
            size = forget_run(database, home, run_id)
        else:
            continue  # a model was registered from it meanwhile
        done.runs.append(run_id)
        done.add("runs", size)


def _remove_objects(database: Database, home: Home, done: Cleaned, grace: float) -> None:
    objects = ObjectStore(home.objects)
    waiting = list(objects.digests())
    if done.dry_run:
        needed = database.digests(without_runs=done.runs)
        while waiting:
            _consider(objects, waiting.pop(), needed, time.time() - grace, done)
    while waiting:
        with alone(home) as locked:
            # What is recorded between two turns counts in the second.
            needed = database.digests()
            until = time.monotonic() + _TURN
            before = time.time() - (grace if locked else max(grace, _WITHOUT_LOCKS))
            while waiting and time.monotonic() < until:
                _consider(objects, waiting.pop(), needed, before, done)
    for path in objects.temporary_files():
        _remove_file(path, "temporary files", done, grace)


def _consider(objects: ObjectStore, digest: str, needed: frozenset[str], before: float, done: Cleaned) -> None:
    if digest in needed:
        return
    with contextlib.suppress(FileNotFoundError):
        found = objects.path(digest).stat()
        if found.st_mtime > before:
            return
        if not done.dry_run:
            reach("gc.deleting")
            objects.delete(digest)
            reach("gc.deleted")
        done.add("objects", found.st_size)


def _remove_folders(database: Database, home: Home, done: Cleaned, grace: float) -> None:
    """Remove run folders that no record is of: what a clean-up that was killed left."""
    forgotten = set(done.runs) if done.dry_run else set()
    for path in _entries(home.runs):
        if path.name not in forgotten and database.status(path.name) is None and _is_older(path, grace):
            _remove_tree(path, "folders of runs", done)


def _remove_temporary(database: Database, home: Home, done: Cleaned) -> None:
    """Remove scratch folders of runs that have ended."""
    for path in _entries(home.tmp):
        status = database.status(path.name)
        if status != "running" and (status is not None or _is_older(path, _DAY)):
            _remove_tree(path, "temporary files", done)
    for path in _entries(home.root / "outbox"):
        _remove_file(path, "temporary files", done, _STALE)  # of a cache that is no longer there
    for path in () if done.dry_run else unused(home):
        path.unlink(missing_ok=True)
    for folder in (home.cache, home.root):
        for path in _entries(folder):
            if path.name.startswith(".") and path.name.endswith(".tmp"):
                _remove_file(path, "temporary files", done, _DAY)


def _remove_bundles(home: Home, done: Cleaned) -> None:
    """Remove copies of the runtime of other versions that were not used lately."""
    if any(home.locks.glob("run-*")):
        return  # a run that another version began may need its own
    for path in _entries(home.runtime):
        if not is_current_bundle(path.name) and _is_older(path, _DAY):
            _remove_tree(path, "runtime copies", done)


def _remove_memory(home: Home, done: Cleaned) -> None:
    """Remove what was remembered of interpreters that were not asked for a month."""
    for path in _entries(home.cache):
        if path.name.startswith("interpreter-"):
            _remove_file(path, "memory", done, _STALE)


def _remove_tree(path: Path, kind: str, done: Cleaned) -> None:
    size = _size(path)
    if not done.dry_run:
        reach("gc.removing")
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    done.add(kind, size)


def _remove_file(path: Path, kind: str, done: Cleaned, seconds: float) -> None:
    if path.is_file() and _is_older(path, seconds):
        _remove_tree(path, kind, done)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:
        return False


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(_sizes([path]))


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                yield from _sizes(path.iterdir())
            else:
                yield path.lstat().st_size
