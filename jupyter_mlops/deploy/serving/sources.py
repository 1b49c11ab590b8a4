"""Where the server gets bundles from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from jupyter_mlops.deploy.bundle import Bundle, read_bundle
from jupyter_mlops.deploy.trust import Trust
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.tracking.model_names import parse_reference

__all__ = ["FolderSource", "Source"]


class Source(Protocol):
    """Gives bundles by the names of models; all of it may take its time."""

    def index(self) -> Sequence[tuple[str, int]]:
        """Return all that could be served: names and versions."""
        ...

    def resolve(self, reference: str) -> tuple[str, int]:
        """Return which version is meant by ``churn``, ``churn@champion``, ``churn/3``.

        Raises:
            UsageError: There is none.
        """
        ...

    def bundle(self, model: str, version: int) -> Bundle:
        """Return a version's bundle.

        Raises:
            UsageError: There is none, or it is not trusted.
            InfrastructureError: It is damaged.
        """
        ...


class FolderSource:
    """Bundles in folders, such as in an image.

    Args:
        paths: Bundles, or folders that hold bundles.
        trust: Whose bundles are loaded.

    Raises:
        UsageError: A folder is no bundle, or is not trusted.
        InfrastructureError: A bundle is damaged.
    """

    def __init__(self, paths: Sequence[Path], trust: Trust) -> None:
        self._trust = trust
        self._paths: dict[tuple[str, int], Path] = {}
        for path in (item for folder in paths for item in _bundles(folder)):
            bundle = read_bundle(path, trust)
            self._paths[(bundle.model, bundle.version)] = path

    def index(self) -> Sequence[tuple[str, int]]:
        """Return all that could be served: names and versions."""
        return sorted(self._paths, key=lambda item: (item[0], -item[1]))

    def resolve(self, reference: str) -> tuple[str, int]:
        """Return which version is meant; aliases are not known here.

        Raises:
            UsageError: There is none.
        """
        wanted = parse_reference(reference)
        versions = [version for name, version in self.index() if name == wanted.name]
        if wanted.alias is not None:
            raise UsageError(f'"{printable(reference)}" names an alias; bundles in folders have none.')
        if not versions or (wanted.version is not None and wanted.version not in versions):
            some = ", ".join(f"{printable(name)}/{version}" for name, version in self.index()[:10])
            raise UsageError(f'There is no bundle of "{printable(reference)}".', hint=f"There are {some}.")
        return wanted.name, wanted.version if wanted.version is not None else versions[0]

    def bundle(self, model: str, version: int) -> Bundle:
        """Return a version's bundle, looked at again.

        Raises:
            UsageError: There is none, or it is not trusted.
            InfrastructureError: It is damaged.
        """
        path = self._paths.get((model, version))
        if path is None:
            raise UsageError(f"There is no bundle of {printable(model)}/{version}.")
        return read_bundle(path, self._trust)


def _bundles(folder: Path) -> list[Path]:
    if (folder / "digests.json").exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/digests.json"))
    if not found:
        raise UsageError(f"{folder} is no bundle and holds none.", hint="Make one: jupyter mlops bundle churn FOLDER")
    return found
