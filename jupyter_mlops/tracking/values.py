"""Values of runs, read from the store with the code of the notebook that they need."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InfrastructureError, MlopsError, UsageError
from jupyter_mlops.kubeflow.fetching import fetch_artifacts
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.model import Pipeline, Snippet
from jupyter_mlops.runtime.serializers import read_artifact
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, RunRecord
from jupyter_mlops.tracking.locating import ABSENT, find_made, find_step
from jupyter_mlops.tracking.recorded import CodeNamespace, Recorded, Slicer, recorded
from jupyter_mlops.tracking.versions import Difference, changed_versions

__all__ = ["RunReader", "load_inputs", "load_value"]

_MOST_TOLD = 6


@dataclass
class RunReader:
    """Reads what a run made; equal artifacts are read once, so that variables that share memory still do.

    Args:
        slicer: Makes the pipeline of the run's notebook, for the code that values need.
    """

    database: Database
    home: Home
    run: RunRecord
    slicer: Slicer
    _read: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _recorded: list[Recorded | None] = field(default_factory=list)
    _namespace: CodeNamespace | None = None

    @property
    def recorded(self) -> Recorded | None:
        """The run's notebook and pipeline, if it kept them."""
        if not self._recorded:
            self._recorded.append(recorded(self.database, self.run, self.slicer))
        return self._recorded[0]

    @property
    def pipeline(self) -> Pipeline | None:
        """The run's pipeline, if it kept it."""
        return None if self.recorded is None else self.recorded.pipeline

    def path(self, record: ArtifactRecord) -> Path:
        """Return the object's file, whose content is what the record says; what is on a cluster is fetched.

        Raises:
            InfrastructureError: It is missing or damaged.
            UsageError: It is on a cluster and can't be read from here.
        """
        objects = ObjectStore(self.home.objects)
        path = objects.path(record.digest)
        if not path.exists():
            fetch_artifacts(self.database, self.home, [record])
        if objects.verify(record.digest):
            return path
        state = "damaged" if path.exists() else "missing"
        raise InfrastructureError(
            f"The content of {printable(record.name)} of the run {self.run.run_id} is {state} "
            f"(object {record.digest[:12]} in {objects.root}).",
            hint="Run the notebook again: what is missing is computed again.",
        )

    def values(self, record: ArtifactRecord) -> Mapping[str, Any]:
        """Return the variables in an artifact, with arrays that are read when they are touched and copied when changed.

        Raises:
            InfrastructureError: The object is missing or damaged.
            UsageError: It can't be read here, such as for lack of a library.
        """
        key = f"{record.digest} {record.serializer}"
        if key not in self._read:
            path = self.path(record)
            try:
                self._read[key] = read_artifact(
                    path, record.serializer or "pickle", record.names, self.namespace(record)
                )
            except MlopsError:
                raise
            except Exception as error:
                raise self.refusal(record, error) from error
        return self._read[key]

    def namespace(self, record: ArtifactRecord) -> CodeNamespace:
        """The globals that functions and classes of the notebook get: one for all values of the run."""
        if self._namespace is None:
            snippets = (
                [] if record.serializer != "pickle" or self.pipeline is None else _code(self.pipeline, record.step)
            )
            namespace = CodeNamespace(snippets, dict(self.run.parameters))
            if record.serializer != "pickle":
                return namespace
            self._namespace = namespace
        return self._namespace

    def refusal(self, record: ArtifactRecord, error: Exception) -> UsageError:
        """Say why something can't be read here: what is missing, or which versions differ."""
        what = f"{printable(record.name)} of the run {self.run.run_id} can't be loaded"
        text = " ".join(str(error).split())
        module = _missing_module(error)
        if module is not None:
            return UsageError(
                f"{what}: it needs the module {module!r}, which is not installed here.", hint=self._had(module)
            )
        differing = self.differences(record)
        hint = _told(differing)
        return UsageError(f"{what}: {type(error).__name__}: {text[:300]}", hint=hint)

    def missing_module_hint(self, error: BaseException) -> str | None:
        """Say what to install, if an error came of a module that is missing."""
        module = _missing_module(error)
        return None if module is None else self._had(module)

    def _had(self, module: str) -> str:
        from jupyter_mlops.tracking.versions import recorded_version

        known = recorded_version(self.environment, module)
        if known is None:
            return "Install it into this environment, or load it in the one that the run had."
        return f"The run had {known[0]} {known[1]}: pip install {known[0]}=={known[1]}"

    @property
    def environment(self) -> Mapping[str, Any]:
        """What the run noted of its environment; empty if nothing."""
        try:
            found = json.loads(self.database.document(self.run.run_id, "environment") or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def differences(self, record: ArtifactRecord) -> tuple[Difference, ...]:
        """Return which distributions of an artifact's types have another version here than the run had."""
        types = [record.type, *(member.get("type") for member in record.members.values())]
        modules = {str(name).partition(".")[0] for name in types if name and "." in str(name)}
        return changed_versions(self.environment, modules)


def load_value(reader: RunReader, name: str, step: str | None = None) -> Any:
    """Return a value of a run by its name; a file's path in the store's copy for a file.

    Raises:
        UsageError: There is none, or it can't be read here.
        InfrastructureError: Its content is missing or damaged.
    """
    made = find_made(reader.database, reader.run.run_id, name, step, last=True)
    if made.record.kind == "file":
        raise UsageError(
            f"{printable(name)} of the run {reader.run.run_id} is a file, not a value.",
            hint=f"Its content is {reader.path(made.record)}; `%mlops load STEP --files` puts files into place.",
        )
    values = reader.values(made.record)
    if made.name not in values:
        raise UsageError(f"{printable(name)} was not bound when its step ended.")
    return values[made.name]


def load_inputs(reader: RunReader, step: str) -> dict[str, Any]:
    """Return the values that a step of a run took from earlier steps, by name.

    Raises:
        UsageError: There is no such step, or something can't be read here, or was never made.
        InfrastructureError: A content is missing or damaged.
    """
    found = find_step(reader.database, reader.run.run_id, step)
    bound = bindings(reader, found.slug)
    return {
        name: reader.values(record)[name]
        for record, names in bound
        if record.kind == "value" and record.serializer != ABSENT
        for name in names
        if name in reader.values(record)
    }


def bindings(reader: RunReader, slug: str) -> list[tuple[ArtifactRecord, tuple[str, ...]]]:
    """Return what a step took, or would have taken: each artifact, with the variables that it binds.

    Raises:
        UsageError: An earlier step did not get so far as to make it.
    """
    run_id = reader.run.run_id
    taken = {record.id: record for record in reader.database.artifacts_of(run_id, slug, "in")}
    pipeline = reader.pipeline
    step = None if pipeline is None else next((item for item in pipeline.steps if item.slug == slug), None)
    if pipeline is None or step is None:
        return [(item, item.names) for item in taken.values() if not item.id.startswith("file:")]
    made = {record.id: record for record in reader.database.artifacts_of(run_id)} | taken
    missing = [name for name in step.loads if name not in made]
    if missing:
        raise _never_made(reader, step.name, missing, pipeline)
    return [(made[name], tuple(names)) for name, names in step.loads.items()]


def _never_made(reader: RunReader, step: str, missing: Iterable[str], pipeline: Pipeline) -> UsageError:
    known = {item.id: item for item in pipeline.artifacts}
    names = ", ".join(name for item in missing if item in known for name in known[item].names)
    makers = list(dict.fromkeys(known[item].producer for item in missing if item in known))
    steps = {item.slug: item for item in reader.database.steps_of(reader.run.run_id)}
    told = [f'"{steps[slug].name}" ({steps[slug].status})' for slug in makers if slug in steps]
    first = steps[makers[0]].name if makers and makers[0] in steps else ""
    return UsageError(
        f'The inputs of step "{printable(step)}" are not all there: in the run {reader.run.run_id}, '
        f"{printable(names)} was never made by {', '.join(told)}.",
        hint=f'Look at that step first (`%mlops load "{first}"`), or name another run with --run.' if first else None,
    )


def _code(pipeline: Pipeline, step: str) -> list[Snippet]:
    """What steps replay of other cells, beginning with the step that made the artifact."""
    first = [item for item in pipeline.steps if item.slug == step]
    others = [item for item in pipeline.steps if item.slug != step]
    return [snippet for item in (*first, *others) for snippet in (*item.replay, *item.replay_loaded)]


def _missing_module(error: BaseException | None) -> str | None:
    """The module for whose lack something failed, here or in what it was caused by."""
    while error is not None:
        if isinstance(error, ImportError) and error.name and not _is_there(error.name):
            return error.name
        error = error.__cause__ or error.__context__
    return None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _told(differing: tuple[Difference, ...]) -> str | None:
    if not differing:
        return None
    told = "; ".join(item.text for item in differing[:_MOST_TOLD])
    return f"Versions differ from those of the run: {told}."
