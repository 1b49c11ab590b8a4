"""Bundles of registered models, predictions of files, and the model server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.loading import run_reader
from jupyter_mlops.api.notebooks import PathLike, pipeline

if TYPE_CHECKING:
    from jupyter_mlops.deploy.bundle import Bundle
    from jupyter_mlops.deploy.making import Ingredients
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.store.models import ModelVersion

__all__ = ["bundle", "bundled"]


def bundle(
    reference: str,
    folder: PathLike | None = None,
    *,
    before: Sequence[str] | None = None,
    rows: Any = None,
    key: PathLike | None = None,
    use_onnx: bool = True,
    again: bool = False,
    home: PathLike | None = None,
) -> Bundle:
    """Return the bundle of a version of a model; it is made where there is none, and on record in the store then.

    Args:
        reference: ``churn`` (the newest version), ``churn@champion``, ``churn@3`` or ``churn/3``.
        folder: Where a bundle is to be made, such as for an image; ``bundles/DIGEST`` in the store by default.
        before: Variables of the model's run that are applied before it, in their order, such as a scaler: ``NAME``
            or ``STEP/NAME``. None takes those of the bundle that was made last.
        rows: Real rows to describe and compare on; the training data, where they are found, by default.
        key: A private key that signs it, for use without this store.
        use_onnx: Whether a converted model that agrees may take the estimator's place.
        again: Whether it is made even if there is one.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such model or variable, or it can't be bundled.
        InfrastructureError: The store can't be used, or something is missing or damaged.
    """
    from jupyter_mlops.deploy.making import make_bundle
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        version = Registry(database).version(reference)
        plain = folder is None and rows is None and key is None and use_onnx and not again
        if plain and (found := _found(database, folders, version, before)) is not None:
            return found
        earlier = database.bundles_of(version.model, version.version)
        names = tuple(before) if before is not None else (earlier[0].before if earlier else ())
        made_of = _ingredients(database, folders, version, names)
        target = folders.bundles / "*" if folder is None else Path(folder)
        made = make_bundle(made_of, target, rows=rows, key=None if key is None else Path(key), use_onnx=use_onnx)
        database.record_bundle(made.digest, version.model, version.version, names)
    return made


def bundled(reference: str, *, home: PathLike | None = None) -> Bundle | None:
    """Return the bundle of a version of a model that was made last, if it is there. Arguments as for ``bundle``."""
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        return _found(database, folders, Registry(database).version(reference), None)


def _found(database: Database, home: Home, version: ModelVersion, before: Sequence[str] | None) -> Bundle | None:
    """The last bundle on record that is whole."""
    from jupyter_mlops.deploy.bundle import read_bundle
    from jupyter_mlops.errors import MlopsError

    for item in database.bundles_of(version.model, version.version):
        path = home.bundles / item.digest
        if (before is None or item.before == tuple(before)) and path.is_dir():
            try:
                return read_bundle(path, lambda digest: database.bundle(digest) is not None)
            except MlopsError:
                continue  # damaged: another is made
    return None


def _ingredients(database: Database, home: Home, version: ModelVersion, before: Sequence[str]) -> Ingredients:
    from jupyter_mlops.deploy.making import Ingredients
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.tracking.locating import find_made
    from jupyter_mlops.tracking.model import load_model
    from jupyter_mlops.tracking.model_names import parse_source
    from jupyter_mlops.tracking.models import Registry
    from jupyter_mlops.tracking.signature import signature_of

    registry = Registry(database)
    reader = run_reader(database, home, version.run_id)
    model = load_model(f"{version.model}/{version.version}", registry, lambda run_id: reader)
    chain = []
    signature, around = model.signature, registry.around(version)
    for at, text in enumerate(before):
        _, step, name = parse_source(f"{version.run_id}:{text}")
        made = find_made(database, version.run_id, name, step, last=True)
        value = reader.values(made.record)[made.name]
        chain.append((name, value))
        if at == 0:
            taken = database.artifacts_of(version.run_id, made.step.slug, "in")
            around = (*taken, *database.artifacts_of(version.run_id, made.step.slug))
            signature = signature_of(made.record, made.name, around, value)

    def values() -> list[tuple[Any, Any]]:
        found = []
        for record in around:
            if record.kind == "value" and record.serializer != "absent":
                try:
                    found.append((record, reader.values(record)))
                except MlopsError:
                    continue  # not needed, if others have the rows
        return found

    lineage = registry.lineage(version, pipeline)
    return Ingredients(model, tuple(chain), signature, version.member or model.record.name, values, reader.environment, lineage.to_json())
