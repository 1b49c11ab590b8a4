"""What an error of MLflow, or of a store of its artifacts, means."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from jupyter_mlops.tracking.trackers import RejectedError, UnreachableError

__all__ = ["errors", "tolerated"]

_ILL = frozenset({401, 403, 408, 429})


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Turn whatever MLflow raises into the errors of a tracker."""
    try:
        yield
    except (UnreachableError, RejectedError):
        raise
    except Exception as error:
        raise (UnreachableError if _is_away(error) else RejectedError)(_message(error)) from error


@contextlib.contextmanager
def tolerated(problems: list[str]) -> Iterator[None]:
    """Go on if an artifact can't be stored: its store may need what only the user's environment has.

    Args:
        problems: Told why.
    """
    try:
        yield
    except Exception as error:  # libraries of such stores raise whatever they like
        if _is_away(error):
            raise
        problems.append(_message(error))


def _message(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"://[^/\s@]+@", "://", text)[:500]  # a password may stand in the address


def _is_away(error: Exception) -> bool:
    """Whether the server is away, ill, or lets nobody in, so that all else would fail, too."""
    from mlflow.exceptions import MlflowException

    if any(kind.__module__ == "requests.exceptions" for kind in type(error).__mro__):
        response: Any = getattr(error, "response", None)
        return response is None or response.status_code in _ILL or response.status_code >= 500
    if not isinstance(error, MlflowException):
        return isinstance(error, (ConnectionError, TimeoutError))
    code: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
    return code in _ILL or code >= 500
