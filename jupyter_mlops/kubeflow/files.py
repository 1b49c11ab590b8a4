"""The project's files that steps read: put where the cluster finds them, each content once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jupyter_mlops.kubeflow.storage import Storage, joined
from jupyter_mlops.store.objects import hash_file

__all__ = ["upload_files"]

_FOLDER = "mlops-files"
_CHUNK = 4 << 20


def upload_files(storage: Storage, root: str, folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Upload files that are not there yet.

    Args:
        root: The runtime's pipeline root.
        folder: What the names are relative to.

    Returns:
        Their addresses by name.

    Raises:
        UsageError: The library or the rights for it are missing.
        InfrastructureError: The place can't be written.
    """
    return {name: _upload(storage, root, folder / name) for name in sorted(set(names)) if (folder / name).is_file()}


def _upload(storage: Storage, root: str, path: Path) -> str:
    uri = joined(root, _FOLDER, hash_file(path), path.name)
    if not storage.exists(uri):
        with path.open("rb") as source, storage.open(uri, "wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
    return uri
