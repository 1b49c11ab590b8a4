"""The registry of models: what of a run is registered, under which names, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest, printable
from jupyter_mlops.runtime.secret_names import REDACTED, is_secret
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.models import ModelVersion, RegisteredModel
from jupyter_mlops.store.records import ArtifactRecord, RunRecord
from jupyter_mlops.tracking.locating import Made, find_made
from jupyter_mlops.tracking.model_kinds import model_notes
from jupyter_mlops.tracking.model_lineage import ModelLineage, model_lineage
from jupyter_mlops.tracking.model_names import (
    LATEST,
    ModelReference,
    check_alias,
    check_model_name,
    parse_reference,
    parse_source,
)
from jupyter_mlops.tracking.recorded import Slicer, recorded
from jupyter_mlops.tracking.signature import Signature, signature_of

__all__ = [
    "ModelDetails",
    "Registration",
    "Registry",
    "Removal",
]


@dataclass(frozen=True, slots=True)
class Registration:
    """What ``register`` did.

    Args:
        is_new: False if an equal artifact was registered under the name before: then ``version`` is that one.
        notes: What there is to say besides, such as an alias that stood for another version.
    """

    version: ModelVersion
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """What ``remove`` removes, or would.

    Args:
        versions: Their numbers, the newest first.
        aliases: Aliases that go with them.
        whole: Whether nothing is left of the model.
    """

    model: str
    versions: tuple[int, ...]
    aliases: tuple[str, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """A model with one of its versions in full.

    Args:
        versions: All of them, the newest first.
        shown: The version that the rest is about; None if none is left.
        metrics: Of the run that it came from.
        artifact: The variable or file that it is.
    """

    model: RegisteredModel
    versions: tuple[ModelVersion, ...]
    shown: ModelVersion | None
    metrics: Mapping[str, float]
    artifact: ArtifactRecord | None
    signature: Signature | None
    lineage: ModelLineage | None


class Registry:
    """The models of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, source: str, name: str, *, description: str | None = None, aliases: Sequence[str] = ()
    ) -> Registration:
        """Register a variable or file of a run as the next version of a model.

        Args:
            source: ``RUN:NAME`` or ``RUN:STEP/NAME``.
            description: Of the version.
            aliases: That are to stand for the version.

        Raises:
            UsageError: There is no such thing, or it can't be a model, or the name can't be one.
        """
        check_model_name(name)
        for alias in aliases:
            check_alias(alias)
        run_text, step, wanted = parse_source(source)
        run_id = self._database.run_id(run_text)
        made = self._meant(run_id, step, wanted)
        notes = model_notes(made)
        with self._database.transaction():
            try:
                version, is_new = self._database.register_model(
                    name,
                    run_id=run_id,
                    step=made.step.slug,
                    artifact=made.record.id,
                    member=made.name,
                    description=description,
                )
            except LookupError:
                raise UsageError(f"The run {run_id!r} was removed meanwhile.") from None
            if description is not None and not is_new:
                self._database.describe_model(name, version.version, description)
            for alias in aliases:
                notes += self._set_alias(name, alias, version.version)
            found = self.version(ModelReference(name, version=version.version))
        return Registration(found, is_new, tuple(notes))

    def models(self) -> tuple[RegisteredModel, ...]:
        """Return all models in the order of their names."""
        return self._database.models()

    def version(self, reference: ModelReference | str) -> ModelVersion:
        """Return the version that is meant: the newest for a name alone.

        Raises:
            UsageError: There is none.
        """
        wanted = parse_reference(reference) if isinstance(reference, str) else reference
        model = self._model(wanted.name)
        versions = self._database.model_versions(model.name)
        if not versions:
            raise UsageError(f'The model "{printable(model.name)}" has no version any more.')
        if wanted.version is None and wanted.alias is None:
            return versions[0]
        for item in versions:
            if item.version == wanted.version or (wanted.alias is not None and wanted.alias in item.aliases):
                return item
        raise _no_such_version(wanted, versions)

    def details(self, text: str, slicer: Slicer) -> ModelDetails:
        """Return a model with the version that is meant, and where it came from.

        Args:
            slicer: Makes the pipeline of the run's notebook.

        Raises:
            UsageError: There is no such model or version.
        """
        wanted = parse_reference(text)
        model = self._model(wanted.name)
        versions = self._database.model_versions(model.name)
        if not versions and wanted.version is None and wanted.alias is None:
            return ModelDetails(model, (), None, {}, None, None, None)
        shown = self.version(wanted)
        run = self._database.run(shown.run_id)
        lineage = self.lineage(shown, slicer)
        record = self.artifact(shown)
        return ModelDetails(
            model,
            versions,
            shown,
            dict(run.metrics),
            record,
            None if record is None else signature_of(record, shown.member or record.name, self.around(shown)),
            lineage,
        )

    def lineage(self, version: ModelVersion, slicer: Slicer) -> ModelLineage:
        """Return what a version came from; parameters that are secrets are left out."""
        run: RunRecord = self._database.run(version.run_id)
        found = model_lineage(
            self._database, run, version.step, version.artifact, recorded(self._database, run, slicer)
        )
        shown = {name: REDACTED if is_secret(name) else value for name, value in found.parameters.items()}
        return replace(found, parameters=shown)

    def artifact(self, version: ModelVersion) -> ArtifactRecord | None:
        """Return the record of what a version is."""
        found = self._database.artifacts_of(version.run_id, version.step)
        return next((item for item in found if item.id == version.artifact), None)

    def around(self, version: ModelVersion) -> tuple[ArtifactRecord, ...]:
        """Return what the step that made a version took, and made besides."""
        made = self._database.artifacts_of(version.run_id, version.step)
        return (*self._database.artifacts_of(version.run_id, version.step, "in"), *made)

    def alias(self, name: str, version: str, alias: str) -> tuple[ModelVersion, tuple[str, ...]]:
        """Let an alias stand for a version; return the version and what there is to say.

        Args:
            version: A number, ``latest``, or another alias.

        Raises:
            UsageError: There is no such version, or the alias can't be one.
        """
        check_alias(alias)
        with self._database.transaction():
            found = self.version(parse_reference(f"{name}@{version}"))
            notes = self._set_alias(found.model, alias, found.version)
            return self.version(ModelReference(found.model, version=found.version)), tuple(notes)

    def remove_alias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            UsageError: The model has no such alias.
        """
        model = self._model(name)
        known = dict(model.aliases)
        if alias not in known:
            near = nearest(alias, known)
            guess = f'; did you mean "{near}"?' if near else "."
            hint = f"Its aliases: {', '.join(known)}." if known else "It has no alias."
            raise UsageError(f'The model "{printable(name)}" has no alias "{printable(alias)}"{guess}', hint=hint)
        self._database.set_model_alias(name, alias, None)

    def describe(self, text: str, description: str | None) -> None:
        """Replace the description of a model (``churn``), or of a version (``churn/3``, ``churn@champion``).

        Raises:
            UsageError: There is no such model or version.
        """
        wanted = parse_reference(text)
        model = self._model(wanted.name)
        is_version = wanted.version is not None or wanted.alias is not None
        number = self.version(wanted).version if is_version else None
        self._database.describe_model(model.name, number, description or None)

    def removal(self, text: str, *, force: bool = False) -> Removal:
        """Return what ``remove`` would remove.

        Raises:
            UsageError: There is no such model or version, or an alias stands for it and ``force`` is not given.
        """
        wanted = parse_reference(text)
        model = self._model(wanted.name)
        versions = self._database.model_versions(model.name)
        if wanted.version is not None or wanted.alias is not None:
            versions = (self.version(wanted),)
        self._refuse_deployed(model.name, versions, whole=wanted.version is None and wanted.alias is None)
        aliases = tuple(f"{alias} ({item.version})" for item in versions for alias in item.aliases)
        if aliases and not force:
            what = f"{printable(model.name)}/{versions[0].version}" if len(versions) == 1 else printable(model.name)
            verb = "stands" if len(aliases) == 1 else "stand"
            raise UsageError(
                f"{what} stays: {', '.join(aliases)} {verb} for it.",
                hint="Let the alias stand for another version first, or give --force.",
            )
        whole = wanted.version is None and wanted.alias is None
        return Removal(model.name, tuple(item.version for item in versions), aliases, whole)

    def remove(self, text: str, *, force: bool = False) -> Removal:
        """Forget a model or a version; its run stays, and can be removed from now on.

        Raises:
            UsageError: As for ``removal``.
        """
        with self._database.transaction():
            removal = self.removal(text, force=force)
            self._database.delete_model(removal.model, None if removal.whole else removal.versions[0])
        return removal

    def _refuse_deployed(self, model: str, versions: Sequence[ModelVersion], *, whole: bool) -> None:
        """Whoever answers requests with a version would lose it."""
        names = [name for item in versions for name in self._database.deployments_of_version(model, item.version)]
        names += self._database.deployments_of_version(model) if whole else ()
        if names:
            raise UsageError(
                f"{printable(model)} stays: it is deployed as {', '.join(dict.fromkeys(names))}.",
                hint=f"Stop and forget it: jupyter mlops deploy stop {names[0]}; jupyter mlops deploy rm {names[0]}",
            )

    def _model(self, name: str) -> RegisteredModel:
        models = self._database.models()
        for item in models:
            if item.name == name:
                return item
        names = [item.name for item in models]
        near = nearest(name, names)
        guess = f'; did you mean "{printable(near)}"?' if near else "."
        some = ", ".join(printable(item) for item in names[:10]) + (", …" if len(names) > 10 else "")
        hint = f"Models: {some}." if names else "Register one: jupyter mlops models register latest:NAME --name churn"
        raise UsageError(f'There is no model "{printable(name)}"{guess}', hint=hint)

    def _meant(self, run_id: str, step: str | None, wanted: str) -> Made:
        try:
            return find_made(self._database, run_id, wanted, step)
        except UsageError as error:
            if step is None:
                raise self._failed(run_id, wanted, error) from None
            try:  # the path of a file
                return find_made(self._database, run_id, f"{step}/{wanted}")
            except UsageError:
                raise self._failed(run_id, wanted, error) from None

    def _failed(self, run_id: str, wanted: str, error: UsageError) -> UsageError:
        """Say so if the step that would have made it failed."""
        makers = _makers(self._database.document(run_id, "pipeline"), wanted)
        for step in self._database.steps_of(run_id):
            if step.status == "failed" and step.slug in makers:
                hint = "A step that fails leaves no results; run it again, or name a run in which it succeeded."
                return UsageError(f'{error.message.rstrip(".")}: step "{printable(step.name)}" failed.', hint=hint)
        return error

    def _set_alias(self, name: str, alias: str, version: int) -> list[str]:
        before = next((item for item in self._database.models() if item.name == name), None)
        known = dict(before.aliases) if before else {}
        if self._database.set_model_alias(name, alias, version):
            return [f"{alias} stood for version {known[alias]} before."]
        return []


def _makers(pipeline: str | None, name: str) -> set[str]:
    """Slugs of the steps that were to make a variable, by the pipeline's JSON."""
    try:
        steps = json.loads(pipeline or "{}").get("steps", [])
        return {str(step["slug"]) for step in steps if name in step["outputs"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _no_such_version(wanted: ModelReference, versions: Sequence[ModelVersion]) -> UsageError:
    name = printable(wanted.name)
    numbers = ", ".join(str(item.version) for item in versions[:10]) + (", …" if len(versions) > 10 else "")
    aliases = {alias: item.version for item in versions for alias in item.aliases}
    told = "".join(f", {alias} ({number})" for alias, number in aliases.items())
    if wanted.alias is None:
        return UsageError(f'The model "{name}" has no version {wanted.version}.', hint=f"It has {numbers}{told}.")
    near = nearest(wanted.alias, aliases)
    guess = f'; did you mean "{near}"?' if near else "."
    return UsageError(
        f'The model "{name}" has no alias "{printable(wanted.alias)}"{guess}', hint=f"It has {numbers}{told}, {LATEST}."
    )
