"""The model server, wired to the store or to folders of bundles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.deploy.bundle import Bundle
    from jupyter_mlops.deploy.serving.app import Server
    from jupyter_mlops.deploy.serving.settings import Settings

__all__ = ["StoreSource", "make_server", "serve", "serve_settings", "worker"]


class StoreSource:
    """The models of a store; bundles are made when they are asked for."""

    def __init__(self, home: PathLike | None = None) -> None:
        self._home = home

    def index(self) -> Sequence[tuple[str, int]]:
        """Return all models with their versions."""
        with open_store(self._home) as (database, _):
            return [
                (model.name, item.version)
                for model in database.models()
                for item in database.model_versions(model.name)
            ]

    def resolve(self, reference: str) -> tuple[str, int]:
        """Return which version is meant.

        Raises:
            UsageError: There is none.
        """
        from jupyter_mlops.tracking.models import Registry

        with open_store(self._home) as (database, _):
            version = Registry(database).version(reference)
        return version.model, version.version

    def bundle(self, model: str, version: int) -> Bundle:
        """Return a version's bundle.

        Raises:
            UsageError: It can't be made.
            InfrastructureError: Something is missing or damaged.
        """
        from jupyter_mlops.api.serving import bundle

        return bundle(f"{model}/{version}", home=self._home)


def make_server(
    references: Sequence[str],
    settings: Settings,
    *,
    folders: Sequence[PathLike] = (),
    digests: Sequence[str] = (),
    keys: Sequence[PathLike] = (),
    home: PathLike | None = None,
    **options: Any,
) -> Server:
    """Return an application that serves models.

    Args:
        references: ``churn``, ``churn@champion`` (which is followed to where it points), ``churn/3``.
        folders: Bundles, or folders of bundles, to serve from instead of the store.
        digests: Of bundles that may be loaded from ``folders``.
        keys: Public keys whose bundles may be loaded from ``folders``.
        home: Folder of the store; ``.mlops`` at the project's root by default.
        options: ``router``, ``observer`` and ``routes`` of the server.

    Raises:
        UsageError: A folder is no bundle, or nobody known vouches for it.
        InfrastructureError: A bundle is damaged.
    """
    from jupyter_mlops.deploy.serving.app import Server
    from jupyter_mlops.deploy.serving.sources import FolderSource, Source
    from jupyter_mlops.deploy.trust import Trust

    if not folders:
        return Server(StoreSource(home), references, settings, **options)
    trust = Trust(_known(home), frozenset(digests), tuple(Path(item) for item in keys))
    source: Source = FolderSource([Path(item) for item in folders], trust)
    wanted = list(references) or [f"{model}/{version}" for model, version in source.index()]
    return Server(source, wanted, settings, **options)


def serve_settings(**values: Any) -> Settings:
    """Return how a server is to behave.

    Args:
        values: Of ``Settings`` in ``jupyter_mlops.deploy.serving.settings``.

    Raises:
        UsageError: A value is out of its range.
    """
    from jupyter_mlops.deploy.serving.settings import Settings

    return Settings(**values)


def serve(
    references: Sequence[str],
    settings: Settings,
    *,
    folders: Sequence[PathLike] = (),
    digests: Sequence[str] = (),
    keys: Sequence[PathLike] = (),
    home: PathLike | None = None,
    started: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve models until a signal ends it. Arguments and errors as for ``make_server``.

    Args:
        started: Is called with the address.
    """
    try:
        from jupyter_mlops.deploy.serving import process
    except ImportError as error:
        raise UsageError(
            f"Serving needs {error.name}, which is not installed here.", hint="pip install 'jupyter-mlops[deploy]'"
        ) from None

    what = {
        "references": list(references),
        "settings": settings.to_json(),
        "folders": [str(item) for item in folders],
        "digests": list(digests),
        "keys": [str(item) for item in keys],
        "home": None if home is None else str(home),
    }
    source = _made(what).host.source
    for reference in references:  # what can't be served is told before anything is started; bundles are made once
        source.bundle(*source.resolve(reference))
    process.serve(settings, lambda: _made(what), "jupyter_mlops.api.served:worker", what, started=started)


def worker() -> Server:
    """Return the application of a worker process, which finds in its environment what to serve."""
    from jupyter_mlops.deploy.serving.process import configuration

    return _made(configuration())


def _made(what: Mapping[str, Any]) -> Server:
    from jupyter_mlops.deploy.serving.settings import Settings

    return make_server(
        what["references"],
        Settings.from_json(what["settings"]),
        folders=what["folders"],
        digests=what["digests"],
        keys=what["keys"],
        home=what["home"],
    )


def _known(home: PathLike | None) -> Callable[[str], bool] | None:
    """Whether a digest is in the registry of the store; where there is no store, nothing is."""
    from jupyter_mlops.store.home import find_home

    place = Path(home) if home is not None else find_home(Path.cwd())
    if not place.is_dir():
        return None

    def known(digest: str) -> bool:
        with open_store(place) as (database, _):
            return database.bundle(digest) is not None

    return known
