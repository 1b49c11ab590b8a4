"""One connection to the SQLite file: opening, locking, transactions and errors in plain words."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InfrastructureError, MlopsError, UsageError
from jupyter_mlops.store import schema
from jupyter_mlops.store.filesystems import is_network

__all__ = ["Connection", "Duplicate"]

_PATIENCE = 30.0
"""Seconds to wait for other processes' locks."""
_CACHE_KILOBYTES = 65536


class Duplicate(Exception):
    """A row with this key is there already, or one it refers to is not."""


class Connection:
    """A database file that any thread of this process may use; not to be carried across a fork.

    Args:
        path: The file; it is made, and brought to the current version, unless it may only be read.
        read_only: None finds out by the file's permissions.

    Raises:
        InfrastructureError: The file is damaged, locked for too long, or the disk failed.
        UsageError: The file is of a newer version, of another program, or not there and not to be made.
    """

    def __init__(self, path: Path, *, read_only: bool | None = None) -> None:
        self.path = path.resolve()
        self.read_only = _may_only_be_read(self.path) if read_only is None else read_only
        self._lock = threading.RLock()
        self._depth = 0
        with self._errors():
            self._connection = self._open_to_read() if self.read_only else self._open()
        try:
            with self._errors():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; nothing can be done with this object afterwards."""
        with self._lock:
            self._connection.close()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run a query and return all its rows."""
        with self._lock, self._errors():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """Run a query and return its first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement inside ``transaction`` and return how many rows it changed."""
        with self._errors():
            return self._connection.execute(sql, _storable(values)).rowcount

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement inside ``transaction`` once for each of ``values``."""
        with self._errors():
            self._connection.executemany(sql, map(_storable, values))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction inside another is part of it."""
        with self._lock:
            if self._depth == 0:
                self._begin()
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._commit()

    def compact(self) -> None:
        """Give free space back to the system; where others use the file at this moment, it stays as it is."""
        with self._lock, contextlib.suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA busy_timeout = 1000")
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with self._lock:
            self._connection.execute(f"PRAGMA busy_timeout = {round(_PATIENCE * 1000)}")

    def _begin(self) -> None:
        if self.read_only:
            raise UsageError(f"The store {self.path} may only be read.")
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        try:
            with self._errors():
                self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise UsageError(f"There is no store at {self.path}.", hint="The first run makes one.")
        # Without a log beside it nobody writes to the file, and SQLite needs neither locks nor files of its own.
        log = self.path.with_name(self.path.name + "-wal")
        how = "mode=ro" if log.is_file() and log.stat().st_size else "immutable=1"
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?{how}", uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection

    def _prepare(self) -> None:
        # Lists of many runs look rows up in the order of something else; memory is only taken as it is used.
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
        if not self.read_only:
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._choose_journal()
        version = self._version()
        if version > schema.VERSION:
            raise self._newer(version)
        if version == schema.VERSION:
            return
        if self.read_only:
            raise UsageError(f"The store {self.path} is of an older version and may only be read, so it stays closed.")
        with self.transaction():
            self._migrate()

    def _migrate(self) -> None:
        # Another process may have been here while this one waited for its turn.
        version = self._version()
        if version > schema.VERSION:
            raise self._newer(version)
        if version == 0 and self.row("SELECT 1 FROM sqlite_master"):
            raise UsageError(f"{self.path} is a database of another program.")
        for statements in schema.MIGRATIONS[version:]:
            for statement in statements:
                self.execute(statement)
        self.execute(f"PRAGMA user_version = {schema.VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _newer(self, version: int) -> UsageError:
        return UsageError(
            f"The store {self.path} was written by a newer version of jupyter_mlops "
            f"(schema {version}; this one knows {schema.VERSION}).",
            hint="Upgrade with pip install -U jupyter-mlops.",
        )

    def _choose_journal(self) -> None:
        """Write ahead where the disk is local: readers and a writer at once. It needs shared memory, which a network
        file system has not."""
        wanted, mode = "delete" if is_network(self.path) else "wal", ""
        # SQLite does not wait for other processes here, so this does; any journal works, so it never fails for it.
        for pause in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4):
            time.sleep(pause)
            try:
                mode = self._connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                continue
            if mode == wanted:
                break
        # A log survives a killed process without a sync at each commit, and a power cut without damage.
        self._connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise Duplicate(str(error)) from error
        except sqlite3.Error as error:
            raise _in_plain_words(self.path, error) from error


def _may_only_be_read(path: Path) -> bool:
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _storable(values: Sequence[Any]) -> Sequence[Any]:
    """Replace lone surrogates, which user's texts may have and no database takes."""
    if all(not isinstance(value, str) or value.isascii() for value in values):
        return values
    return [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in values]


def _in_plain_words(path: Path, error: sqlite3.Error) -> MlopsError:
    text = str(error).lower()
    if any(word in text for word in ("malformed", "not a database", "corrupt", "unsupported file format")):
        return InfrastructureError(
            f"The database {path} is damaged ({error}).",
            hint=f"Move it away and run again; the runs' folders stay: "
            f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.damaged')}",
        )
    if "locked" in text or "busy" in text:
        return InfrastructureError(
            f"Another process held the database {path} for more than {_PATIENCE:.0f} seconds.",
            hint="Try again once it has ended.",
        )
    if "full" in text:
        return InfrastructureError(f"The disk of {path} is full.", hint="Free some space and run again.")
    if "readonly" in text or "read-only" in text:
        return UsageError(f"The store {path} may only be read.")
    if "unable to open" in text:
        return InfrastructureError(f"The database {path} can't be opened ({error}).", hint="Does its folder exist?")
    return InfrastructureError(f"The database {path} failed: {error}.")
