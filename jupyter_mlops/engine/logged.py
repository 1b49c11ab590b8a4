"""What a step's code has logged: read from its journal when it has ended, and found again when it is reused."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.runtime.agreed import LOGGED_FOLDER, MOST_LOGGED
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord

__all__ = ["LOGGED", "Logged", "is_logged", "latest", "logged_of", "read_logged", "split_history"]

LOGGED = "logged"
"""Name of the document that has the parameters and tags which a step logged, and the middle of its artifacts' ids."""

_MOST_PARAMETERS = 5_000


@dataclass(frozen=True, slots=True)
class Logged:
    """What was logged.

    Args:
        metrics: In the order in which they came.
        params: Values that are no parameters of the notebook.
        artifacts: Files and values whose objects are in the store.
        notes: What there is to say, such as that there was too much of it.
    """

    metrics: tuple[MetricRecord, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[ArtifactRecord, ...] = ()
    notes: tuple[str, ...] = ()

    def document(self) -> str | None:
        """Return what is kept as a text of parameters and tags; None if there are none."""
        if not self.params and not self.tags:
            return None
        return json.dumps({"params": dict(self.params), "tags": dict(self.tags)})

    def to_json(self) -> dict[str, Any]:
        """Return the form in which it is shared; artifacts are among the outputs."""
        return {
            "metrics": [[item.name, item.value, item.iteration, item.time] for item in self.metrics],
            "params": dict(self.params),
            "tags": dict(self.tags),
        }


def is_logged(record: ArtifactRecord) -> bool:
    """Tell whether an artifact was logged: it is no variable, file or state that another step could take."""
    return record.id.partition(".")[2].startswith(f"{LOGGED}:")


def latest(metrics: Iterable[MetricRecord]) -> dict[str, float]:
    """Return the last value of each metric."""
    return {item.name: item.value for item in metrics}


def logged_of(content: Mapping[str, Any], outputs: Iterable[ArtifactRecord] = ()) -> Logged:
    """Make it from its JSON form.

    Args:
        outputs: Where its artifacts are among.

    Raises:
        ValueError, TypeError: It is not in that form.
    """
    metrics = tuple(
        MetricRecord(str(name), float(value), iteration=int(place), time=None if time is None else int(time))
        for name, value, place, time in content.get("metrics", ())
    )
    params = {str(name): value for name, value in dict(content.get("params", {})).items()}
    tags = {str(name): str(value) for name, value in dict(content.get("tags", {})).items()}
    return Logged(metrics, params, tags, tuple(item for item in outputs if is_logged(item)))


def split_history(history: Iterable[MetricRecord], tagged: Mapping[str, float]) -> tuple[MetricRecord, ...]:
    """Return what was logged of a step's recorded history: all but the last value of those of ``metrics`` cells."""
    kept: list[MetricRecord] = []
    seen: set[str] = set()
    for item in reversed(list(history)):
        if item.name in tagged and item.name not in seen:
            seen.add(item.name)
            continue
        kept.append(replace(item, step=""))
    return tuple(reversed(kept))


def read_logged(output_dir: Path, slug: str, objects: ObjectStore) -> Logged:
    """Read the journal of a step that has ended, in whatever way, and store what was kept.

    Args:
        output_dir: Where the step put what it made.
        objects: Where files and values go, on the same file system.

    Raises:
        InfrastructureError: The disk is full or failed.
    """
    folder = output_dir / LOGGED_FOLDER
    try:
        journals = sorted(folder.glob("*.jsonl"))
    except OSError:
        return Logged()
    if not journals:
        return Logged()
    metrics: list[MetricRecord] = []
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    kept: dict[str, Mapping[str, Any]] = {}
    notes: dict[str, None] = {}
    for entry in heapq.merge(*(_entries(path) for path in journals), key=lambda item: int(item["time"])):
        kind, name = entry["kind"], str(entry.get("name"))
        if kind == "more" or (kind == "metric" and len(metrics) >= MOST_LOGGED):
            notes[f"it logged more than {MOST_LOGGED:,} values; those beyond were not kept"] = None
        elif kind == "metric":
            metrics.append(MetricRecord(name, float(entry["value"]), iteration=entry["step"], time=entry["time"]))
        elif kind == "param" and len(params) >= _MOST_PARAMETERS and name not in params:
            notes[f"it logged more than {_MOST_PARAMETERS:,} parameters; those beyond were not kept"] = None
        elif kind == "param":
            params[name] = entry["value"]
        elif kind == "tag":
            tags[name] = entry["value"]
        elif kind == "artifact":
            kept[name] = entry
    artifacts = [_artifact(entry, folder, slug, objects) for entry in kept.values()]
    return Logged(tuple(metrics), params, tags, tuple(item for item in artifacts if item is not None), tuple(notes))


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of one process; the last may be cut off. Those without a time have that of the one before."""
    time = 0
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "kind" in entry:
                time = int(entry.setdefault("time", time))
                yield entry


def _artifact(entry: Mapping[str, Any], folder: Path, slug: str, objects: ObjectStore) -> ArtifactRecord | None:
    name = str(entry["name"])
    path = folder / Path(str(entry["path"])).name
    try:
        size = path.stat().st_size
    except OSError:
        return None  # its process was killed before the file was whole
    about = entry.get("about")
    try:
        digest = objects.put_file(path, entry.get("digest"))
    except OSError as error:
        raise InfrastructureError(f"What the step logged as {name} can't be kept: {error}.") from error
    return ArtifactRecord(
        id=f"{slug}.{LOGGED}:{name}",
        kind=str(entry["artifact"]),
        names=(name,),
        digest=digest,
        bytes=size,
        type=entry.get("type"),
        serializer=entry.get("serializer"),
        preview=entry.get("preview"),
        schema=about.get("schema") if isinstance(about, dict) else None,
        members={name: about} if isinstance(about, dict) else {},
    )
