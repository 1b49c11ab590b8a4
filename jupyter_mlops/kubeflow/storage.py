"""Files by URI: s3, gs, minio, http and the like through fsspec; files of this machine without it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.secrets import Redactor, resolve_all

__all__ = ["MissingError", "Storage", "joined"]

_CHUNK = 4 << 20
_LIBRARIES = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "http": "aiohttp",
}
_LIBRARIES |= {"https": "aiohttp"}


class MissingError(InfrastructureError):
    """There is nothing at this address."""


class Storage:
    """Where runs of a runtime leave what they make.

    Args:
        runtime: Its options say how to get there.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._redact = Redactor()

    def read(self, uri: str, most: int = 1 << 26) -> bytes:
        """Return a small file's content.

        Raises:
            MissingError: It is not there.
            UsageError: The library or the rights for it are missing.
            InfrastructureError: It can't be read.
        """
        with self.open(uri) as file:
            content: bytes = file.read(most)
            return content

    def read_configured(self, uri: str) -> str:
        """Return a text; an empty one unless it is on this machine or the runtime says how to get there.

        Errors as for ``read``.
        """
        return self.read(uri).decode("utf-8", "replace") if _local(uri) or self._runtime.storage else ""

    def chunks(self, uri: str) -> Iterator[bytes]:
        """Go through a file's content. Errors as for ``read``."""
        with self.open(uri) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    @contextlib.contextmanager
    def open(self, uri: str, mode: str = "rb") -> Iterator[Any]:
        """Open a file. Errors as for ``read``."""
        with self._explained(uri):
            path = _local(uri)
            if path is not None:
                if mode == "wb":
                    path.parent.mkdir(parents=True, exist_ok=True)
                with path.open(mode) as file:
                    yield file
                return
            system, inside = self._system(uri)
            with system.open(inside, mode) as file:
                yield file

    def exists(self, uri: str) -> bool:
        """Tell whether there is a file. Errors as for ``read``."""
        with self._explained(uri):
            path = _local(uri)
            if path is not None:
                return path.exists()
            system, inside = self._system(uri)
            return bool(system.exists(inside))

    def below(self, uri: str) -> list[str]:
        """Return the addresses of all files below a folder; none if it is not there. Errors as for ``read``."""
        root = uri.rstrip("/")
        try:
            with self._explained(uri):
                path = _local(root)
                if path is not None:
                    found = sorted(item for item in path.rglob("*") if item.is_file())
                    return [f"{root}/{item.relative_to(path).as_posix()}" for item in found]
                system, inside = self._system(root)
                system.invalidate_cache(inside)
                stem = system._strip_protocol(inside).rstrip("/")
                return [f"{root}{str(item)[len(stem) :]}" for item in sorted(system.find(inside))]
        except MissingError:
            return []

    def _system(self, uri: str) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise UsageError(
                f"To reach {_shown(uri)}, the library fsspec is missing.", hint="pip install 'jupyter-mlops[shared]'"
            ) from None
        options = resolve_all(self._runtime.storage, f"the storage of the runtime {self._runtime.name!r}")
        self._redact.learn(*_secrets(self._runtime.storage, options))
        scheme = urlsplit(uri).scheme
        if scheme == "minio":
            uri = f"s3{uri[len(scheme) :]}"
            if "endpoint_url" not in options and "client_kwargs" not in options:
                raise UsageError(
                    f"Where the MinIO of {_shown(uri)} is, mlops.toml does not say.",
                    hint=f'Write: [runtimes.{self._runtime.name}.storage] endpoint_url = "http://localhost:9000", '
                    'key = "env:MINIO_KEY", secret = "env:MINIO_SECRET"',
                )
        try:
            return url_to_fs(uri, **options)  # type: ignore[no-any-return]
        except ImportError:
            library = _LIBRARIES.get(urlsplit(uri).scheme, "a library of fsspec")
            raise UsageError(
                f"To reach {_shown(uri)}, the library {library} is missing.", hint=f"pip install {library}"
            ) from None
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{_shown(uri)} can't be reached: {self._redact(str(error)).rstrip('.')}.",
                hint=f"Check pipeline_root and [runtimes.{self._runtime.name}.storage] in mlops.toml.",
            ) from None

    @contextlib.contextmanager
    def _explained(self, uri: str) -> Iterator[None]:
        try:
            yield
        except (InfrastructureError, UsageError):
            raise
        except FileNotFoundError:
            raise MissingError(f"There is nothing at {_shown(uri)}.", hint="It may have been deleted.") from None
        except Exception as error:  # each library has errors of its own
            name = type(error).__name__
            if isinstance(error, PermissionError) or "Credential" in name or "Forbidden" in name or "Auth" in name:
                raise UsageError(
                    f"{_shown(uri)} may not be used from here: {self._redact(str(error)).rstrip('.')}.",
                    hint=f"See [runtimes.{self._runtime.name}.storage] in docs/clusters.md for credentials.",
                ) from None
            said = " ".join(self._redact(str(error)).split())[:300].rstrip(".")
            raise InfrastructureError(f"{_shown(uri)} can't be used: {name}: {said}.") from None


def joined(root: str, *parts: str) -> str:
    """Return an address below another, as Kubeflow makes it: without what follows ``?``."""
    return "/".join([root.partition("?")[0].rstrip("/"), *parts])


def _local(uri: str) -> Path | None:
    if uri.startswith("/"):
        return Path(uri)
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _shown(uri: str) -> str:
    return Redactor()(uri.partition("?")[0])


def _secrets(written: Mapping[str, Any], resolved: Mapping[str, Any]) -> Iterator[str]:
    """The values that references stand for."""
    for key, value in resolved.items():
        if isinstance(value, Mapping):
            yield from _secrets(written[key], value)
        elif value != written[key]:
            yield str(value)
