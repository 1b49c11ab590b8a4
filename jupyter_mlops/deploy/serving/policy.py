"""What the server asks and tells others: which version answers, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Choice", "NewestRouter", "Observation", "Observer", "Request", "Router", "SilentObserver"]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what.

    Args:
        id: Of the request; made up where the client gave none, never empty.
        model: As the client called it.
        version: Which one the client wants; None leaves the choice to the router.
        protocol: ``v2``, ``v1`` or ``mlflow``.
        headers: With names in lower case.
    """

    id: str
    model: str
    version: int | None = None
    protocol: str = "v2"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers.

    Args:
        version: Its answer goes to the client.
        shadows: Versions that get the same rows, and whose answers are observed alone.
    """

    version: int
    shadows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """A request that was answered, or failed.

    Args:
        version: That answered.
        shadow: Whether the answer was for comparison alone.
        inputs: Rows as they were checked: a matrix whose columns are the model's, or arrays by column.
        outputs: Arrays by the names of outputs; empty after an error.
        seconds: From the checked rows to the outputs, waiting in the queue included.
        error: What went wrong, in words; None if nothing did.
        fault: Who is to blame for ``error``: ``client`` (bad rows), ``model`` (it raised, or took too long),
            ``server`` (too busy); None without an error.
    """

    request: Request
    version: int
    shadow: bool
    inputs: Any
    outputs: Mapping[str, Any]
    seconds: float
    error: str | None = None
    fault: str | None = None


class Router(Protocol):
    """Chooses the version that answers."""

    def choose(self, model: str, request: Request, versions: Sequence[int]) -> Choice:
        """Return who answers; called on the event loop for each request, so it must be quick and ask nobody.

        Args:
            versions: Those that are loaded and ready, the newest first; never empty. Others are unknown here.
        """
        ...


class Observer(Protocol):
    """Is told what came of each request."""

    def observed(self, observation: Observation) -> None:
        """Take note; called on the event loop, so it must be quick. What it raises is logged and forgotten."""
        ...


class NewestRouter:
    """The version that the server was asked to serve last answers; without one, the newest."""

    def __init__(self) -> None:
        self._current: dict[str, int] = {}

    def prefer(self, model: str, version: int | None) -> None:
        """Let a version answer from now on; None leaves it to the newest."""
        if version is None:
            self._current.pop(model, None)
        else:
            self._current[model] = version

    def choose(self, model: str, request: Request, versions: Sequence[int]) -> Choice:
        """Return the preferred version if it is ready, else the newest."""
        current = self._current.get(model)
        return Choice(current if current is not None and current in versions else versions[0])


class SilentObserver:
    """Nobody wants to know."""

    def observed(self, observation: Observation) -> None:
        """Forget it."""
