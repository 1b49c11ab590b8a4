"""Results on a file system that several machines share, whichever fsspec knows.

    objects/ab/cdef…       contents by digest, as in the store of each machine
    steps/ab/abcdef….json  what a step made, by its cache key; written after all of its objects

Nothing there is believed: records and contents are checked against digests before they are used.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.configuration import SharedCacheSettings
from jupyter_mlops.store.objects import ObjectStore, hash_bytes

__all__ = ["DamagedError", "SharedStore", "UnreachableError", "sealed"]

T = TypeVar("T")
Tick = Callable[[], None]

_STALLED = 30.0
"""Seconds without any progress after which a file system counts as unreachable."""
_LOOK = 0.05
_CHUNK = 4 << 20
_WITHOUT_RENAMES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"})
"""Where a file appears whole or not at all, and a rename would be a copy."""


class UnreachableError(Exception):
    """The file system can't be used; the message says why."""


class DamagedError(Exception):
    """Something there is not what it should be; the message says what."""


def sealed(record: Mapping[str, Any]) -> bytes:
    """Return a record's JSON with the digest that tells whether it is whole."""
    return json.dumps({**record, "check": _check(record)}, ensure_ascii=False, indent=1).encode("utf-8", "replace")


class SharedStore:
    """A shared cache; any thread may use it.

    Args:
        settings: Where it is.
        stop: Asked from time to time; True ends what is under way.
        stalled: Seconds without progress after which it counts as unreachable.
        damaged: What was found damaged there, which others that look at the same place are told.
    """

    def __init__(
        self,
        settings: SharedCacheSettings,
        stop: Callable[[], bool] = lambda: False,
        stalled: float = _STALLED,
        damaged: set[str] | None = None,
    ) -> None:
        self.settings = settings
        self._stop = stop
        self._stalled = stalled
        self._mutex = threading.Lock()
        self._file_system: Any = None
        self._root = ""
        self._replace: set[str] = set() if damaged is None else damaged

    def record(self, key: str) -> dict[str, Any] | None:
        """Return what is recorded under a cache key, or None.

        Raises:
            UnreachableError: The file system can't be used.
            DamagedError: The record is not whole; it is replaced when the step is published.
        """
        content = self._read(_record_path(key))
        if content is None:
            return None
        try:
            record = json.loads(content)
            if record.pop("check") == _check(record) and record["key"] == key:
                return dict(record)
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        self._replace.add(key)
        raise DamagedError(f"the record of step {key[:12]} in the shared cache is damaged")

    def distrust(self, *names: str) -> None:
        """Have records, by key, and objects, by digest, replaced when they are published, whatever is there."""
        self._replace.update(names)

    def has(self, digest: str) -> bool:
        """Tell whether an object is there; its content is not looked at."""
        return self._patiently(lambda fs, tick: bool(fs.exists(self._join(_object_path(digest)))))

    def content(self, digest: str) -> bytes:
        """Return a small object's content. Errors as for ``fetch``."""
        content = self._read(_object_path(digest))
        if content is None or hash_bytes(content) != digest:
            raise self._damaged(digest, missing=content is None)
        return content

    def fetch(self, digest: str, objects: ObjectStore) -> None:
        """Copy an object into the store of this machine.

        Raises:
            UnreachableError: The file system can't be used.
            DamagedError: The object is not there or not whole; it is replaced when it is published.
            InfrastructureError: The disk is full or failed.
        """

        def copy(fs: Any, tick: Tick) -> bool:
            with fs.open(self._join(_object_path(digest)), "rb") as source:
                return objects.put_chunks(_chunks(source, tick), digest)

        try:
            whole = self._patiently(copy)
        except FileNotFoundError:
            raise self._damaged(digest, missing=True) from None
        if not whole:
            raise self._damaged(digest, missing=False)

    def put_object(self, digest: str, source: Path | bytes) -> None:
        """Copy an object there, unless it is there already.

        Raises:
            UnreachableError: The file system can't be used.
        """
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        self._put(_object_path(digest), source, size, replace=digest in self._replace)
        self._replace.discard(digest)

    def put_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Record what a step made; all of its objects are there."""
        content = sealed(record)
        self._put(_record_path(key), content, None, replace=key in self._replace)
        self._replace.discard(key)

    def _put(self, place: str, source: Path | bytes, size: int | None, *, replace: bool) -> None:
        def put(fs: Any, tick: Tick) -> None:
            path = self._join(place)
            if not replace and _is_there(fs, path, size):
                return
            fs.makedirs(posixpath.dirname(path), exist_ok=True)
            target = path if _puts_whole(fs) else f"{path}.{secrets.token_hex(6)}.tmp"
            try:
                _write(fs, target, source, tick)
                reach("shared.written")
                if target != path:
                    fs.mv(target, path)
                reach("shared.moved")
            except BaseException:
                if target != path:
                    with contextlib.suppress(Exception):
                        fs.rm_file(target)
                raise

        self._patiently(put)

    def _read(self, path: str) -> bytes | None:
        try:
            return self._patiently(lambda fs, tick: bytes(fs.cat_file(self._join(path))))
        except FileNotFoundError:
            return None

    def _damaged(self, digest: str, *, missing: bool) -> DamagedError:
        self._replace.add(digest)
        return DamagedError(f"the object {digest[:12]} in the shared cache is {'missing' if missing else 'damaged'}")

    def _patiently(self, work: Callable[[Any, Tick], T]) -> T:
        """Do something with the file system, in a thread that can be given up."""
        job = _Job(lambda tick: work(self._open(), tick))
        threading.Thread(target=job.run, name="mlops-shared", daemon=True).start()
        while not job.done.wait(_LOOK):
            if self._stop():
                job.given_up = True
                raise UnreachableError("the run was stopped")
            if time.monotonic() - job.progress > self._stalled:
                job.given_up = True
                raise UnreachableError(f"no answer for {self._stalled:.0f} seconds")
        if isinstance(job.error, (FileNotFoundError, UnreachableError, MlopsError)):
            raise job.error
        if job.error is not None:
            raise UnreachableError(_text(job.error)) from job.error
        result: T = job.result
        return result

    def _open(self) -> Any:
        with self._mutex:
            if self._file_system is None:
                try:
                    from fsspec.core import url_to_fs
                except ImportError:
                    raise UnreachableError("fsspec is missing: pip install 'jupyter-mlops[shared]'") from None
                self._file_system, self._root = url_to_fs(self.settings.url, **self.settings.options)
            return self._file_system

    def _join(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"


class _Job:
    """Some work in a thread of its own."""

    def __init__(self, work: Callable[[Tick], Any]) -> None:
        self._work = work
        self.done = threading.Event()
        self.progress = time.monotonic()
        self.given_up = False
        self.result: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.result = self._work(self._tick)
        except Exception as error:
            self.error = error
        finally:
            self.done.set()

    def _tick(self) -> None:
        if self.given_up:
            raise UnreachableError("given up")
        self.progress = time.monotonic()


def _object_path(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest[2:]}"


def _record_path(key: str) -> str:
    return f"steps/{key[:2]}/{key}.json"


def _check(record: Mapping[str, Any]) -> str:
    return hash_bytes(json.dumps(record, sort_keys=True).encode())


def _chunks(source: Any, tick: Tick) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        tick()
        yield chunk


def _puts_whole(fs: Any) -> bool:
    names = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    return not _WITHOUT_RENAMES.isdisjoint(names)


def _is_there(fs: Any, path: str, size: int | None) -> bool:
    try:
        return size is None or fs.size(path) == size if fs.exists(path) else False
    except FileNotFoundError:
        return False


def _write(fs: Any, path: str, source: Path | bytes, tick: Tick) -> None:
    with fs.open(path, "wb") as target:
        if isinstance(source, bytes):
            target.write(source)
            return
        with source.open("rb") as content:
            for chunk in _chunks(content, tick):
                target.write(chunk)


def _text(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
