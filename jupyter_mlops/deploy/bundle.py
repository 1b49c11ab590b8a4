"""A bundle: a folder with all that is needed to use a version of a model, and a digest over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_mlops.deploy.engines import Engine, EstimatorEngine, OnnxEngine
from jupyter_mlops.deploy.members import Packed, unpack
from jupyter_mlops.deploy.schema import ModelSchema
from jupyter_mlops.deploy.trust import Trust
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["DIGESTS", "MANIFEST", "SIGNATURE", "Bundle", "bundle_digest", "canonical", "read_bundle"]

SCHEMA = 1
MANIFEST = "bundle.json"
DIGESTS = "digests.json"
SIGNATURE = "signature.ed25519"
_LARGEST_TEXT = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle whose files are what its digest says; nothing in it was unpickled yet.

    Args:
        path: The folder.
        digest: Over all its files.
        files: Digest of each file by its path in the folder.
        manifest: What ``bundle.json`` says.
    """

    path: Path
    digest: str
    files: Mapping[str, str]
    manifest: Mapping[str, Any]

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.manifest["model"])

    @property
    def version(self) -> int:
        """Number of the version."""
        return int(self.manifest["version"])

    @property
    def schema(self) -> ModelSchema:
        """What the model takes and gives."""
        return ModelSchema.from_json(self.manifest["signature"])

    @property
    def engine_name(self) -> str:
        """``onnx`` or ``estimator``."""
        return str(self.manifest["engine"])

    @property
    def padding(self) -> int | None:
        """To which multiple rows are filled up; None if requests must not be computed together."""
        found = self.manifest["batching"]["padding"]
        return None if found is None else int(found)

    def statistics(self) -> dict[str, Any] | None:
        """Return the reference statistics of the training data, if its rows were found."""
        return self._json("statistics.json") if "statistics.json" in self.files else None

    def example(self) -> Any:
        """Return an input in the form of MLflow's ``dataframe_split`` or ``instances``; None if none is known."""
        return self._json("example.json") if "example.json" in self.files else None

    def lineage(self) -> dict[str, Any]:
        """Return what the model came from."""
        found = self._json("lineage.json")
        return found if isinstance(found, dict) else {}

    def members(self) -> list[Any]:
        """Unpickle what the bundle holds: preprocessing first, what predicts last.

        Raises:
            UsageError: Something can't be loaded here.
            InfrastructureError: A file changed since the bundle was read.
        """
        return [unpack(Packed(item["form"], self.content(item["file"]))) for item in self.manifest["members"]]

    def engine(self) -> Engine:
        """Return what computes: the converted model if it agreed with the estimator, else the estimator.

        Raises:
            UsageError: It can't be loaded here.
            InfrastructureError: A file changed since the bundle was read.
        """
        if self.engine_name != "onnx":
            return EstimatorEngine(self.members(), self.schema)
        about = self.manifest["onnx"]
        try:
            return OnnxEngine(
                self.content("model.onnx"),
                self.schema,
                single=about["float"] == "float32",
                by_column=about["inputs"] == "columns",
                names=about["outputs"],
            )
        except ImportError:
            raise UsageError(
                f"The bundle of {self.model}/{self.version} computes with ONNX Runtime, which is not installed here.",
                hint="pip install 'jupyter-mlops[deploy]'",
            ) from None

    def content(self, name: str) -> bytes:
        """Return a file's bytes, whose digest is looked at again.

        Raises:
            InfrastructureError: It is missing or changed.
        """
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise InfrastructureError(f"{self.path / name} can't be read: {error.strerror or error}.") from error
        if hash_bytes(content) != self.files.get(name):
            raise _damaged(self.path, f"{name} has changed")
        return content

    def _json(self, name: str) -> Any:
        return json.loads(self.content(name))


def read_bundle(path: Path | str, trust: Trust | Callable[[str], bool]) -> Bundle:
    """Read a bundle: its files are compared with its digest, and the digest is asked about, before anything else.

    Args:
        path: The folder.
        trust: Whose bundles are loaded.

    Raises:
        UsageError: It is no bundle, or nobody known vouches for it.
        InfrastructureError: A file is missing, added or changed.
    """
    folder = Path(path)
    wanted, digest = _digests(folder)
    allowed = trust if isinstance(trust, Trust) else Trust(trust)
    allowed.check(digest, _signature(folder), folder)
    found = _files(folder)
    if set(found) != set(wanted):
        odd = sorted(set(found) ^ set(wanted))[0]
        raise _damaged(folder, f"{odd} is {'missing' if odd in wanted else 'not part of it'}")
    for name, value in wanted.items():
        if hash_bytes((folder / name).read_bytes()) != value:
            raise _damaged(folder, f"{name} has changed")
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["schema"] != SCHEMA:
            raise UsageError(
                f"The bundle {folder} has form {manifest['schema']!r}, which is not known here.",
                hint="Update jupyter-mlops, or make the bundle again.",
            )
        bundle = Bundle(folder, digest, wanted, manifest)
        _ = bundle.schema, bundle.padding, bundle.version  # what can't be understood is told now
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{MANIFEST} can't be understood ({type(error).__name__}: {error})") from error
    return bundle


def canonical(data: Any) -> bytes:
    """Return JSON whose bytes depend on what it says alone."""
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n").encode()


def bundle_digest(files: Mapping[str, str]) -> str:
    """Return the digest over files, of their digests by their paths."""
    return hash_bytes(canonical(dict(files)))


def _digests(folder: Path) -> tuple[dict[str, str], str]:
    path = folder / DIGESTS
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise _damaged(folder, f"{DIGESTS} is too large")
        found = json.loads(path.read_bytes())
        files = {str(name): str(value) for name, value in found["files"].items()}
        digest = str(found["digest"])
    except FileNotFoundError:
        raise UsageError(
            f"{folder} is no bundle: it has no {DIGESTS}.", hint="Make one: jupyter mlops bundle churn FOLDER"
        ) from None
    except OSError as error:
        raise UsageError(f"{folder} can't be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(folder, f"{DIGESTS} can't be understood") from None
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise _damaged(folder, f"{DIGESTS} names a file outside of it")
    if MANIFEST not in files or bundle_digest(files) != digest:
        raise _damaged(folder, f"{DIGESTS} doesn't have the digest that it says")
    return files, digest


def _files(folder: Path) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise _damaged(folder, f"{path.name} is a link")
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (DIGESTS, SIGNATURE):
            found.append(name)
    return found


def _signature(folder: Path) -> bytes | None:
    try:
        content = (folder / SIGNATURE).read_bytes()
    except OSError:
        return None
    return content if len(content) < 1024 else None


def _damaged(folder: Path, what: str) -> InfrastructureError:
    return InfrastructureError(
        f"The bundle {folder} is damaged: {what}.", hint="Make it again: jupyter mlops bundle NAME/VERSION --again"
    )
