"""Notebooks at remote places, read and written by papermill's own handlers: ``s3://``, ``gs://``, ``https://`` …"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import TypeVar

from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["check_remote", "is_remote", "read_remote", "write_remote"]

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SECONDS = 60
_Result = TypeVar("_Result")


def is_remote(path: str) -> bool:
    """Tell whether a path is an address."""
    return _REMOTE.match(path) is not None


def check_remote(path: str) -> None:
    """Make sure that papermill can reach such places.

    Raises:
        UsageError: It has no handler for the scheme, or what the handler needs is not installed.
    """
    from papermill.exceptions import PapermillException
    from papermill.iorw import papermill_io

    scheme = path.partition("://")[0]
    try:
        handler = papermill_io.get_handler(path)
    except (PapermillException, ImportError) as error:
        raise UsageError(f"{path} can't be reached: {error}", hint=f"pip install 'papermill[{scheme}]'") from None
    if type(handler).__name__ == "LocalHandler":
        raise UsageError(f"{path} can't be reached: papermill knows no {scheme}://.", hint="Name a local file.")


def read_remote(path: str) -> str:
    """Read a file.

    Raises:
        UsageError: It is not there or can't be reached.
    """
    from papermill.iorw import papermill_io

    check_remote(path)
    web = path.lower().startswith(("http://", "https://"))
    text = _guarded(lambda: _from_web(path) if web else papermill_io.read(path), path, "read", UsageError)
    return text if isinstance(text, str) else bytes(text).decode("utf-8")


def _from_web(address: str) -> bytes:
    """Papermill takes the page that says "not found" for the notebook."""
    from urllib.request import Request, urlopen

    with urlopen(Request(address, headers={"Accept": "application/json, */*"}), timeout=_SECONDS) as answer:
        content: bytes = answer.read()
    return content


def write_remote(path: str, text: str) -> None:
    """Write a file.

    Raises:
        InfrastructureError: It can't be written.
    """
    from papermill.iorw import papermill_io

    _guarded(lambda: papermill_io.write(text, path), path, "written", InfrastructureError)


def _guarded(
    action: Callable[[], _Result], path: str, what: str, kind: type[UsageError] | type[InfrastructureError]
) -> _Result:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the endings of names
            return action()
    except Exception as error:  # each handler has errors of its own library
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise kind(f"{path} can't be {what}: {reason}.") from None
