"""Registered models: names, versions, aliases; and one of them, loaded."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.loading import run_reader
from jupyter_mlops.api.notebooks import PathLike, pipeline

if TYPE_CHECKING:
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.store.models import ModelVersion, RegisteredModel
    from jupyter_mlops.tracking.model import Model
    from jupyter_mlops.tracking.model_lineage import ModelLineage
    from jupyter_mlops.tracking.models import ModelDetails, Registration, Removal
    from jupyter_mlops.tracking.values import RunReader

__all__ = [
    "describe_model",
    "model",
    "model_details",
    "models",
    "register_model",
    "remove_model",
    "remove_model_alias",
    "set_model_alias",
    "what_remove_model_removes",
]


def register_model(
    source: str,
    name: str,
    *,
    description: str | None = None,
    aliases: Sequence[str] = (),
    home: PathLike | None = None,
) -> Registration:
    """Register a variable or file that a run made as the next version of a model.

    Args:
        source: ``RUN:NAME`` or ``RUN:STEP/NAME``, such as ``latest:forest``.
        name: Of the model; the first version makes it.
        description: Of the version.
        aliases: That are to stand for the version from now on, such as ``champion``.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        The version; that of an equal artifact, if one was registered under the name before.

    Raises:
        UsageError: There is no such run or artifact, it can't be a model, or a name is not possible.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        done = Registry(database).register(source, name, description=description, aliases=aliases)
        _hand_over(database, folders, name)
    return done


def models(*, home: PathLike | None = None) -> tuple[RegisteredModel, ...]:
    """Return the registered models in the order of their names; arguments and errors as for ``register_model``."""
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, _):
        return Registry(database).models()


def model_details(reference: str, *, home: PathLike | None = None) -> ModelDetails:
    """Return a model, its versions, and all that is on record of one of them.

    Args:
        reference: ``churn`` (the newest version), ``churn@champion``, ``churn@3`` or ``churn/3``.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such model or version.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, _):
        return Registry(database).details(reference, pipeline)


def set_model_alias(
    name: str, version: str | int, alias: str, *, home: PathLike | None = None
) -> tuple[ModelVersion, tuple[str, ...]]:
    """Let an alias stand for a version of a model, and for no other any more.

    Args:
        version: Its number, ``latest``, or another alias of it.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        The version, and what there is to say, such as which version the alias stood for.

    Raises:
        UsageError: There is no such version, or the alias is not possible.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        done = Registry(database).alias(name, str(version), alias)
        _hand_over(database, folders, name)
    return done


def remove_model_alias(name: str, alias: str, *, home: PathLike | None = None) -> None:
    """Take an alias away.

    Raises:
        UsageError: The model has no such alias.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        Registry(database).remove_alias(name, alias)
        _hand_over(database, folders, name)


def describe_model(reference: str, description: str | None, *, home: PathLike | None = None) -> None:
    """Replace the description of a model (``churn``) or of a version (``churn/3``, ``churn@champion``).

    Args:
        description: None or an empty text takes it away.

    Raises:
        UsageError: There is no such model or version.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.model_names import parse_reference
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        Registry(database).describe(reference, description)
        _hand_over(database, folders, parse_reference(reference).name)


def what_remove_model_removes(reference: str, *, force: bool = False, home: PathLike | None = None) -> Removal:
    """Return what ``remove_model`` would remove; its arguments and errors are those of ``remove_model``."""
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, _):
        return Registry(database).removal(reference, force=force)


def remove_model(reference: str, *, force: bool = False, home: PathLike | None = None) -> Removal:
    """Forget a version of a model (``churn/3``), or a model with all its versions (``churn``); runs and artifacts stay.

    Args:
        force: Also a version that an alias stands for.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such model or version, or an alias stands for it.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, _):
        return Registry(database).remove(reference, force=force)


def model(reference: str, *, home: PathLike | None = None) -> Model:
    """Load a registered model.

    Its pickle is code that is run: load models from your own store alone.

    Args:
        reference: ``churn`` (the newest version), ``churn@champion``, ``churn@3`` or ``churn/3``.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        The model: ``predict``, ``value``, ``signature``, ``version``, ``run``, ``lineage``.

    Raises:
        UsageError: There is no such model, or it can't be loaded here, such as for lack of a library.
        InfrastructureError: The store can't be used, or the model's content is missing or damaged.
    """
    from jupyter_mlops.api.serving import way_to_predict
    from jupyter_mlops.tracking.model import load_model
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, folders):
        place = folders.root

        def lineage(version: ModelVersion) -> ModelLineage:
            return _lineage(version, place)

        def reader(run_id: str) -> RunReader:
            return run_reader(database, folders, run_id)

        return load_model(reference, Registry(database), reader, lineage, way_to_predict(place))


def _hand_over(database: Database, home: Home, name: str) -> None:
    """Tell other trackers; that one is away is no error of what was done here."""
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.tracking.handover import hand_over_model

    with contextlib.suppress(MlopsError, OSError):
        hand_over_model(database, home, name, os.environ, Path.cwd())


def _lineage(version: ModelVersion, home: Path) -> ModelLineage:
    from jupyter_mlops.tracking.models import Registry

    with open_store(home) as (database, _):
        return Registry(database).lineage(version, pipeline)
