"""Results taken from, and given to, a cache that several machines share. Whatever fails there is only a note."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.logged import is_logged, logged_of
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.engine.takeover import Found
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.configuration import SharedCacheSettings
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore, hash_bytes
from jupyter_mlops.store.records import ArtifactRecord
from jupyter_mlops.store.shared import DamagedError, SharedStore, UnreachableError

__all__ = ["Publication", "Sharing"]

SCHEMA = 1
_LONGEST_TAIL = 600.0
"""Seconds to wait for uploads after a run; what is left goes with the next run."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What a step has computed, to be shared.

    Args:
        metrics: Of cells tagged ``metrics``.
        notebook: Its executed notebook.
        logged: What its code logged, as ``Logged.to_json`` has it.
    """

    key: str
    pipeline: str
    slug: str
    run_id: str
    seconds: float
    outputs: tuple[ArtifactRecord, ...]
    metrics: Mapping[str, float]
    notebook: Path
    logged: Mapping[str, Any] = field(default_factory=dict)


class Sharing:
    """The shared cache of one run.

    Args:
        settings: Where it is.
        home: The store of this machine; what is to be uploaded waits in its ``outbox``.
        stop: Whether the run is being stopped.
    """

    def __init__(self, settings: SharedCacheSettings, home: Home, stop: Callable[[], bool] = lambda: False) -> None:
        self._settings = settings
        self._home = home
        self._objects = ObjectStore(home.objects)
        damaged: set[str] = set()
        self._store = SharedStore(settings, stop, damaged=damaged)
        self._uploads = SharedStore(settings, damaged=damaged)
        self._reachable = True
        self._notes: dict[str, None] = {}
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    # taking

    def find(self, key: str, pipeline: Pipeline, step: Step, *, fetch: bool) -> Found | None:
        """Look results up by their key.

        Args:
            fetch: Bring them into the store of this machine; else only make sure that they are there.

        Returns:
            None if there are none that are whole.

        Raises:
            InfrastructureError: The disk of this machine is full or failed.
        """
        if not self._reachable:
            return None
        record: Mapping[str, Any] | None = None
        try:
            record = self._store.record(key)
            if record is None:
                return None
            found, notebook = _parsed(record, pipeline, step)
            for item in (*found.outputs, *found.logged.artifacts):
                self._obtain(item.digest, fetch)
            if not fetch:
                return found
            content = json.loads(self._store.content(notebook))
            if not isinstance(content.get("cells"), list) or not isinstance(content.get("metadata"), dict):
                raise DamagedError("an executed notebook in the shared cache is none")
        except UnreachableError as error:
            self._give_up(error)
            return None
        except (DamagedError, ValueError, AttributeError) as error:
            self._note(f"ignored: {error}")
            self._distrust(key, record or {})
            return None
        return replace(found, notebook=content)

    def _obtain(self, digest: str, fetch: bool) -> None:
        if self._objects.verify(digest):
            self._objects.touch(digest)
        elif fetch:
            self._store.fetch(digest, self._objects)
        elif not self._store.has(digest):
            raise DamagedError(f"the object {digest[:12]} in the shared cache is missing")

    def _distrust(self, key: str, record: Mapping[str, Any]) -> None:
        """Replace all that belongs to a record: what was not looked at may be damaged as well."""
        self._store.distrust(key)
        with contextlib.suppress(KeyError, TypeError):
            self._store.distrust(record["notebook"], *(item["digest"] for item in record["outputs"]))

    def _give_up(self, error: UnreachableError) -> None:
        self._reachable = False
        self._note(f"shared cache not reachable: {error}")

    def _note(self, text: str) -> None:
        self._notes[text] = None

    # giving

    def publish(self, publication: Publication) -> None:
        """Upload results in the background; a killed process leaves that to the next run."""
        if self._settings.read_only:
            return
        order = {**asdict(publication), "notebook": str(publication.notebook)}
        path = self._outbox / f"{publication.key}.json"
        with contextlib.suppress(OSError, MlopsError):
            path.parent.mkdir(exist_ok=True)
            write_whole(path, json.dumps(order, default=str))
            reach("shared.queued")
            if self._thread is None:
                self._start()
            self._waiting.put(path)

    def close(self) -> tuple[str, ...]:
        """Wait for the uploads; return what there is to say."""
        if self._settings.read_only:
            return tuple(self._notes)
        if self._thread is None and any(self._outbox.glob("*.json")):
            self._start()
        if self._thread is not None:
            self._waiting.put(None)
            with contextlib.suppress(KeyboardInterrupt):
                self._thread.join(_LONGEST_TAIL)
        left = len(list(self._outbox.glob("*.json")))
        if left:
            self._note(f"results of {left} step{'s' if left > 1 else ''} wait to be shared with the next run")
        return tuple(self._notes)

    @property
    def _outbox(self) -> Path:
        return self._home.root / "outbox"

    def _start(self) -> None:
        for path in sorted(self._outbox.glob("*.json")):
            self._waiting.put(path)
        # A daemon: what it has not uploaded stays in the outbox.
        self._thread = threading.Thread(target=self._deliver_all, name="mlops-upload", daemon=True)
        self._thread.start()

    def _deliver_all(self) -> None:
        while (path := self._waiting.get()) is not None:
            try:
                self._deliver(path)
            except UnreachableError as error:
                self._note(f"shared cache not reachable: {error}")
                return
            except FileNotFoundError:
                path.unlink(missing_ok=True)  # delivered twice, or cleaned up meanwhile
            except (OSError, ValueError, KeyError, TypeError) as error:
                path.unlink(missing_ok=True)
                self._note(f"not shared: {type(error).__name__}: {error}")

    def _deliver(self, path: Path) -> None:
        order = json.loads(path.read_text(encoding="utf-8"))
        notebook = Path(order["notebook"]).read_bytes()
        for item in order["outputs"]:
            self._uploads.put_object(item["digest"], self._objects.path(item["digest"]))
        digest = hash_bytes(notebook)
        self._uploads.put_object(digest, notebook)
        record = {**order, "schema": SCHEMA, "notebook": digest, "shared": round(time.time())}
        self._uploads.put_record(order["key"], record)
        reach("shared.recorded")
        path.unlink(missing_ok=True)


def _parsed(record: Mapping[str, Any], pipeline: Pipeline, step: Step) -> tuple[Found, str]:
    """Read a record.

    Raises:
        DamagedError: It is not one of this step.
    """
    try:
        if record["schema"] != SCHEMA:
            raise DamagedError("a record in the shared cache was written by another version")
        outputs = tuple(_artifact(item) for item in record["outputs"])
        metrics = {str(name): value for name, value in record["metrics"].items() if isinstance(value, (int, float))}
        logged = logged_of(record.get("logged", {}), outputs)
        own = tuple(item for item in outputs if not is_logged(item))
        found = Found(str(record["run_id"]), float(record["seconds"]), own, metrics, shared=True, logged=logged)
        notebook = str(record["notebook"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"a record in the shared cache can't be read ({type(error).__name__}: {error})") from None
    expected = {item.id: item.names for item in pipeline.artifacts_of(step.slug)}
    files = {f"{step.slug}.file:{name}": (name,) for name in step.files_written}
    known = {**files, **expected}
    if not expected.keys() <= {item.id for item in own} or any(known.get(i.id) != i.names for i in own):
        raise DamagedError("a record in the shared cache has other results than the step")
    return found, notebook


def _artifact(item: Mapping[str, Any]) -> ArtifactRecord:
    fields = {name: item[name] for name in ArtifactRecord.__slots__ if name in item}
    record = ArtifactRecord(**{**fields, "names": tuple(item["names"]), "run_id": "", "step": ""})
    ObjectStore(Path()).path(record.digest)  # ValueError for what is not a digest
    return record
