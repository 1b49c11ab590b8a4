"""Tells when a store is not what it was, whoever changed it."""

from __future__ import annotations

import threading
from pathlib import Path

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home

__all__ = ["StoreWatch"]

_Stamp = tuple[tuple[int, int], ...]


class StoreWatch:
    """Remembers what a store was like.

    Args:
        home: Its folders; they need not be there yet.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._models: str | None = None  # nobody has looked
        self._expected = False

    def expect(self) -> None:
        """Take it for changed at the next look, whatever its files say."""
        self._expected = True

    def changes(self) -> list[str]:
        """Return what has changed since the last time: ``runs``, ``models``."""
        with self._lock:
            stamp = self._look()
            if stamp == self._stamp and not self._expected:
                return []
            self._stamp, self._expected = stamp, False
            models = self._registered()
            changed = ["runs"] if models == self._models else ["runs", "models"]
            self._models = models
            return changed

    def _look(self) -> _Stamp:
        database = self._home.database
        return tuple(map(_stamp, (database, database.with_name(database.name + "-wal"))))

    def _registered(self) -> str:
        if not self._home.database.is_file():
            return ""
        try:
            with Database(self._home.database, read_only=True) as database:
                return repr([(item, database.model_versions(item.name)) for item in database.models()])
        except MlopsError:
            return ""


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
