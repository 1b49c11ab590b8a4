"""Bundles of registered models, predictions of files, and the model server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.loading import run_reader
from jupyter_mlops.api.notebooks import PathLike, pipeline

if TYPE_CHECKING:
    from jupyter_mlops.deploy.batch import FilePredictions
    from jupyter_mlops.deploy.bundle import Bundle
    from jupyter_mlops.deploy.making import Ingredients
    from jupyter_mlops.deploy.predictor import Predictor
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.store.models import ModelVersion
    from jupyter_mlops.tracking.model import Model

__all__ = ["bundle", "bundled", "make_signing_key", "predict_file", "way_to_predict"]


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


def make_signing_key(path: PathLike) -> Path:
    """Make a private key that signs bundles; return the public key's file, which stands beside it.

    Raises:
        UsageError: There is such a file already, or it can't be written.
    """
    from jupyter_mlops.deploy.trust import make_key

    return make_key(Path(path))


def predict_file(
    reference: str,
    source: PathLike,
    target: PathLike,
    *,
    probabilities: bool = False,
    keep: bool = False,
    rows: int = 10_000,
    restart: bool = False,
    home: PathLike | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> FilePredictions:
    """Let a model predict the rows of a file, some at a time; what was done before an interruption is not done again.

    Args:
        reference: As for ``bundle``.
        source: A ``.parquet`` or ``.csv`` file.
        target: Another, which is there when all is done.
        probabilities: Whether those of each class are written, too.
        keep: Whether the columns of the source are written beside the predictions.
        rows: How many at a time.
        restart: Whether what an interrupted run left is thrown away.
        home: Folder of the store; ``.mlops`` at the project's root by default.
        told: Is called with the number of rows that are done.

    Raises:
        UsageError: There is no such model or file, or rows don't fit.
        StepError: The model raised.
        InfrastructureError: The disk is full or failed.
    """
    from jupyter_mlops.deploy.batch import predict_file as predict
    from jupyter_mlops.deploy.predictor import Predictor

    made = bundle(reference, home=home)
    return predict(
        Predictor.of(made), made.digest, Path(source), Path(target),
        probabilities=probabilities, keep=keep, rows=rows, restart=restart, told=told,
    )  # fmt: skip


def way_to_predict(home: Path) -> Callable[[Model, Any], Any]:
    """Return how models of a store predict: as the server does.

    From the moment that a version has a bundle, it is the bundle that computes, so that notebook and server agree to
    the last digit.
    """
    known: dict[tuple[str, int], Predictor | None] = {}

    def way(model: Model, data: Any) -> Any:
        from jupyter_mlops.tracking.model import predict

        key = (model.name, model.version)
        if key not in known:
            known[key] = _predictor(model, home)
        found = known[key]
        if found is None or not _is_rows(data):
            return predict(model.value, data, model.signature)
        return found.predict(data)

    return way


def _predictor(model: Model, home: Path) -> Predictor | None:
    """The bundle's, else the loaded object's; None where nothing is known of what it takes."""
    from jupyter_mlops.deploy.making import schema_of
    from jupyter_mlops.deploy.predictor import Predictor

    made = bundled(f"{model.name}/{model.version}", home=home)
    if made is not None:
        return Predictor.of(made)
    signature = model.signature
    if not callable(getattr(model.value, "predict", None)) or not (signature.inputs or signature.features):
        return None
    return Predictor.of_value(model.value, schema_of(signature, [model.value]))


def _is_rows(data: Any) -> bool:
    kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
    return isinstance(data, (list, tuple, dict)) or kind in ("pandas.DataFrame", "numpy.ndarray", "polars.DataFrame")


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
    from jupyter_mlops.deploy.training import fitted_with
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
    name = version.member or model.record.name
    sources = [cell.source for item in lineage.steps for cell in item.cells]
    return Ingredients(
        model=model,
        before=tuple(chain),
        signature=signature,
        name=name,
        around=values,
        fitted=fitted_with(sources, chain[0][0] if chain else name),
        environment=reader.environment,
        lineage=lineage.to_json(),
    )
