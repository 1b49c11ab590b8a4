"""What is answered when something is wrong: a status and one sentence that names the field; never a traceback."""

from __future__ import annotations

from jupyter_mlops.deploy.predictor import ModelFailure
from jupyter_mlops.deploy.schema import InputError
from jupyter_mlops.errors import InfrastructureError, MlopsError

__all__ = ["Busy", "Problem", "TooSlow", "problem_of"]


class Problem(Exception):
    """A request that can't be answered as it was meant.

    Args:
        field: That is wrong.
        headers: Of the answer.
        fault: ``client``, ``model`` or ``server``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        fault: str = "client",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.headers = headers
        self.fault = fault


class Busy(Problem):
    """Too many requests wait already."""

    def __init__(self, seconds: float = 1.0) -> None:
        after = max(1, round(seconds))
        super().__init__(
            429,
            f"The server is busy: too many requests wait. Try again in {after} s.",
            headers=(("retry-after", str(after)),),
            fault="server",
        )


class TooSlow(Problem):
    """The model took too long."""

    def __init__(self, model: str, version: int, seconds: float) -> None:
        super().__init__(
            408, f"The model {model}/{version} did not answer within {seconds:g} s.", field="model", fault="model"
        )


def problem_of(error: Exception) -> Problem:
    """Return what to answer to an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InputError):
        hint = f" {error.hint}" if error.hint else ""
        return Problem(400, error.message + hint, field=error.field)
    if isinstance(error, ModelFailure):
        return Problem(422, error.message, field="model", fault="model")
    if isinstance(error, InfrastructureError):
        return Problem(409, error.message, field="model", fault="server")
    if isinstance(error, MlopsError):
        return Problem(400, error.message)
    return Problem(500, "Something went wrong in the server; its log says more.", fault="server")
