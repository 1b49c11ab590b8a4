"""What a run tells those who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from jupyter_mlops.engine.result import RunResult, StepFailure, StepResult

__all__ = [
    "CellFinished",
    "CellStarted",
    "Event",
    "Reporter",
    "RunFinished",
    "RunStarted",
    "StepFinished",
    "StepOutput",
    "StepRetrying",
    "StepStarted",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has an id and a folder; no step has begun.

    Args:
        steps: Slug and name of each step, in the order of the page.
    """

    run_id: str
    pipeline: str
    steps: tuple[tuple[str, str], ...]
    directory: Path


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step's kernel is about to start.

    Args:
        cells: How many cells of the user's it will execute.
        attempt: How often it was begun, this time included.
    """

    slug: str
    name: str
    cells: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class CellStarted:
    """A cell of the user's begins.

    Args:
        cell: Its id.
        index: 1-based position among the ``count`` cells of the step.
    """

    slug: str
    cell: str
    index: int
    count: int


@dataclass(frozen=True, slots=True)
class CellFinished:
    """A cell of the user's has ended, well or not."""

    slug: str
    cell: str
    index: int
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StepOutput:
    """A step printed something."""

    slug: str
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class StepRetrying:
    """An attempt at a step has failed, and there will be another.

    Args:
        attempt: How many attempts have failed.
        attempts: How many there may be.
        delay: Seconds until the next one may begin.
        failure: Why this one failed.
    """

    slug: str
    name: str
    attempt: int
    attempts: int
    delay: float
    failure: StepFailure


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step has ended, was skipped or cancelled."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Everything has ended and is recorded."""

    result: RunResult


Event = RunStarted | StepStarted | CellStarted | CellFinished | StepOutput | StepRetrying | StepFinished | RunFinished


class Reporter(Protocol):
    """Someone who watches a run; always called from the thread that called ``run_pipeline``."""

    def handle(self, event: Event) -> None:
        """Take notice of an event."""
