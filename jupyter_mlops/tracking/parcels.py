"""What is delivered to a tracker: a run or a model with all that is known of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, RunRecord, StepRecord
from jupyter_mlops.tracking.report import OUTPUT_NOTEBOOK, write_report

__all__ = ["Enclosure", "ModelParcel", "RunParcel", "StepParcel", "VersionParcel", "model_parcel", "run_parcel"]

MOST_BYTES = 100_000_000
"""Files that are larger are named in the record alone."""

_SUFFIXES = {"image/png": ".png", "image/svg+xml": ".svg", "image/jpeg": ".jpg", "application/pdf": ".pdf"}
_FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file to deliver.

    Args:
        source: Where it is.
        folder: Where it goes to, blank for the top.
        name: What it is called there.
    """

    source: Path
    folder: str
    name: str


@dataclass(frozen=True, slots=True)
class StepParcel:
    """A step that ran or was reused.

    Args:
        position: Its place among the steps.
        own: The folder of what its code has logged with a tracker's own functions, if there is one.
        direct: Whether its code talked to the tracker itself.
    """

    record: StepRecord
    metrics: tuple[MetricRecord, ...]
    inputs: tuple[ArtifactRecord, ...]
    outputs: tuple[ArtifactRecord, ...]
    files: tuple[Enclosure, ...]
    own: Path | None = None
    direct: bool = False


@dataclass(frozen=True, slots=True)
class RunParcel:
    """A run.

    Args:
        record: All that is known of it as JSON values.
        patient: Whether artifacts that can't be stored are a reason to try again later.
        report: Writes the run's report to a file, for trackers that take files.
    """

    run: RunRecord
    experiments: tuple[str, ...]
    steps: tuple[StepParcel, ...]
    metrics: tuple[MetricRecord, ...]
    files: tuple[Enclosure, ...]
    options: Mapping[str, Any]
    record: Mapping[str, Any]
    patient: bool = False
    report: Callable[[Path], object] | None = None


@dataclass(frozen=True, slots=True)
class VersionParcel:
    """A version of a registered model.

    Args:
        object: The file that holds it.
        member: Which of the artifact's values it is; None for the one that can predict.
    """

    version: int
    run_id: str
    step: str
    artifact: ArtifactRecord
    description: str | None
    object: Path
    member: str | None = None


@dataclass(frozen=True, slots=True)
class ModelParcel:
    """A registered model.

    Args:
        aliases: From an alias to the number of a version.
    """

    name: str
    description: str | None
    versions: tuple[VersionParcel, ...]
    aliases: Mapping[str, int]
    options: Mapping[str, Any]


def run_parcel(
    database: Database, home: Home, run_id: str, options: Mapping[str, Any], *, patient: bool = False
) -> RunParcel:
    """Collect what is known of a run.

    Raises:
        UsageError: There is no such run.
    """
    run = database.run(run_id)
    directory = home.run(run_id)
    steps = tuple(_step(database, home, record) for record in database.steps_of(run_id) if record.status != "skipped")
    notebook = directory / OUTPUT_NOTEBOOK
    files = [Enclosure(notebook, "", OUTPUT_NOTEBOOK)] if notebook.is_file() else []
    return RunParcel(
        run,
        database.experiments_of(run_id),
        steps,
        database.metrics_of(run_id),
        tuple(files),
        options,
        _plain({"run": asdict(run), "steps": [_described(step) for step in steps]}),
        patient,
        partial(write_report, database, home, run_id),
    )


def model_parcel(database: Database, home: Home, name: str, options: Mapping[str, Any]) -> ModelParcel | None:
    """Collect what is known of a registered model; None if it is gone."""
    model = next((item for item in database.models() if item.name == name), None)
    if model is None:
        return None
    objects = ObjectStore(home.objects)
    versions = []
    for item in reversed(database.model_versions(name)):
        made = {record.id: record for record in database.artifacts_of(item.run_id, item.step)}
        artifact = made.get(item.artifact)
        if artifact is not None:
            versions.append(
                VersionParcel(
                    *(item.version, item.run_id, item.step, artifact, item.description),
                    *(objects.path(artifact.digest), item.member),
                )
            )
    return ModelParcel(name, model.description, tuple(versions), dict(model.aliases), options)


def _step(database: Database, home: Home, record: StepRecord) -> StepParcel:
    outputs = database.artifacts_of(record.run_id, record.slug)
    own, direct = _own(database, home, record)
    return StepParcel(
        record,
        database.metrics_of(record.run_id, step=record.slug),
        database.artifacts_of(record.run_id, record.slug, "in"),
        outputs,
        (*_notebook(home, record), *_enclosed(ObjectStore(home.objects), outputs)),
        own,
        direct,
    )


def _own(database: Database, home: Home, record: StepRecord) -> tuple[Path | None, bool]:
    """Find what the step's code has logged itself; of a reused step, when it ran."""
    from jupyter_mlops.engine.mlflow_steps import direct_marker, local_store

    seen: set[str] = set()
    while record.reused_from is not None and record.run_id not in seen:
        seen.add(record.run_id)
        earlier = [step for step in database.steps_of(record.reused_from) if step.cache_key == record.cache_key]
        if not earlier:
            return None, False
        record = earlier[0]
    directory = home.run(record.run_id)
    folder = local_store(directory, record.slug, max(1, record.attempts))
    return (folder if folder.is_dir() else None), direct_marker(directory).exists()


def _notebook(home: Home, record: StepRecord) -> Iterator[Enclosure]:
    if record.notebook is not None:
        path = home.run(record.run_id) / record.notebook
        if path.is_file():
            yield Enclosure(path, "", "step.ipynb")


def _enclosed(objects: ObjectStore, outputs: tuple[ArtifactRecord, ...]) -> Iterator[Enclosure]:
    """Figures, and files that the step wrote or logged."""
    taken: set[tuple[str, str]] = set()
    for item in outputs:
        if item.kind not in (_FIGURE, "file") or item.serializer == "folder" or item.bytes > MOST_BYTES:
            continue
        path = objects.path(item.digest)
        if not path.is_file():
            continue
        folder = "figures" if item.kind == _FIGURE else "files"
        name = _file_name(item)
        if (folder, name) in taken:
            name = f"{item.digest[:8]}-{name}"
        taken.add((folder, name))
        yield Enclosure(path, folder, name)


def _file_name(item: ArtifactRecord) -> str:
    """A plain name: of a path its last part, of a picture with the suffix of its kind."""
    name = "".join(sign if sign.isalnum() or sign in "-_. " else "-" for sign in Path(item.name).name) or "file"
    suffix = _SUFFIXES.get(item.type or "", "")
    return name if not suffix or name.endswith(suffix) else f"{name}{suffix}"


def _described(step: StepParcel) -> dict[str, Any]:
    fields = ("id", "kind", "names", "digest", "bytes", "type", "preview", "schema")
    return {
        **asdict(step.record),
        "inputs": [{name: getattr(item, name) for name in fields} for item in step.inputs],
        "outputs": [{name: getattr(item, name) for name in fields} for item in step.outputs],
    }


def _plain(value: Any) -> Any:
    """JSON values, whatever is in there."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else json.dumps(value, default=str)
