"""What went wrong, in the one form that the panel knows, with the HTTP status that fits."""

from __future__ import annotations

import re
from typing import Any

from jupyter_mlops.errors import InfrastructureError, MlopsError, NotebookError, PipelineError

__all__ = ["RequestProblem", "problem_json", "problem_of", "status_of"]

_STATUS = {
    "bad-request": 400,
    "usage": 400,
    "forbidden": 403,
    "no-such-path": 404,
    "no-such-thing": 404,
    "conflict": 409,
    "superseded": 409,
    "too-large": 413,
    "not-a-notebook": 422,
    "not-a-pipeline": 422,
    "defect": 500,
    "no-deploy": 501,
    "infrastructure": 503,
    "unavailable": 503,
    "timeout": 504,
}
_ABSENT = re.compile(
    r"^There is no (run|model|step|store|figure|artifact)\b|^No run |^The model .* has no (alias|version) "
    r"|^The (run|step) .* has no (step|variable|tag) |^Nothing called "
)
"""Messages that say that what was asked for is not there."""


class RequestProblem(MlopsError):
    """A request that can't be answered.

    Args:
        code: One of the description's.
        field: The part of the request that it is about, such as ``cells[3].source``.
        details: What "Show details" shows.
    """

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, field: str | None = None, details: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.field = field
        self.details = details


def status_of(problem: dict[str, Any]) -> int:
    """Return the HTTP status of a problem."""
    return _STATUS.get(problem["code"], 500)


def problem_of(error: BaseException) -> dict[str, Any]:
    """Return the JSON form of an exception.

    Args:
        error: One that was not raised on purpose is a defect, of which the form tells no more than its type.
    """
    if isinstance(error, RequestProblem):
        return problem_json(error.code, error.message, error.hint, field=error.field, details=error.details)
    if isinstance(error, PipelineError):
        found = problem_json("not-a-pipeline", error.message, error.hint)
        errors = [item for item in error.diagnostics if item.severity == "error"]
        first = errors[0] if errors else None
        where = {"cell": first.cell, "line": first.line, "field": None} if first is not None else None
        return {**found, "where": where, "diagnostics": [_diagnostic(item) for item in error.diagnostics]}
    if isinstance(error, NotebookError):
        return problem_json("not-a-notebook", error.message, error.hint)
    if isinstance(error, InfrastructureError):
        return problem_json("infrastructure", error.message, error.hint)
    if isinstance(error, MlopsError):
        return problem_json("no-such-thing" if _is_absence(error) else "usage", error.message, error.hint)
    return problem_json(
        "defect",
        "The server part of jupyter-mlops has a defect.",
        "The server's log has the traceback; please report it.",
        details=type(error).__name__,
    )


def problem_json(
    code: str, message: str, hint: str | None = None, *, field: str | None = None, details: str | None = None
) -> dict[str, Any]:
    """Return the JSON form of a problem."""
    where = None if field is None else {"cell": None, "line": None, "field": field}
    return {"message": message, "hint": hint, "code": code, "where": where, "details": details}


def _is_absence(error: MlopsError) -> bool:
    """Whether a message says that something is not there."""
    return _ABSENT.search(error.message) is not None


def _diagnostic(item: Any) -> dict[str, Any]:
    names = ("code", "severity", "message", "cell", "line", "hint")
    return {name: getattr(item, name) for name in names}
