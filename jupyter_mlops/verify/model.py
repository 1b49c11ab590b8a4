"""What ``verify`` comes to, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.engine.result import StepFailure

__all__ = ["Cause", "Difference", "Kind", "StepVerdict", "Undeclared", "Unstable", "Verification"]

SCHEMA = 1

Kind = Literal["input", "value", "state", "file", "output", "failure"]
"""A variable that arrives at a step, a variable or hidden state at a step's end, a file, something displayed, a step
that fails though the notebook does not."""

CauseCode = Literal[
    "alias",
    "failure",
    "file",
    "handover",
    "hidden-state",
    "missing-name",
    "outside",
    "random-state",
    "stale-input",
    "unknown",
    "unpicklable",
    "unstable",
    "upstream",
]


@dataclass(frozen=True, slots=True)
class Cause:
    """The likely cause of a difference.

    Args:
        code: Stable, for programs.
        text: One sentence.
        hint: What to do, one sentence.
    """

    code: CauseCode
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the pipeline computes otherwise than the whole notebook.

    Args:
        cell: Id of the cell after which it shows.
        line: 1-based line in the cell, where known.
        step: Slug.
        name: The variable, the file's path, or which output of the cell.
        whole: What the whole notebook gives, shortened; None if nothing.
        pipeline: What the pipeline gives, shortened; None if nothing.
    """

    cell: str | None
    step: str | None
    name: str
    kind: Kind
    whole: str | None
    pipeline: str | None
    cause: Cause
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Unstable:
    """Something that differs from one run of the whole notebook to the next; nobody is to blame.

    Args:
        first: What one run gives, shortened.
        second: What another gives.
    """

    cell: str | None
    step: str | None
    name: str
    kind: Kind
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class Undeclared:
    """Something that a step did though the analysis does not know of it.

    Args:
        kind: A file read or written, a process started (which may touch any file), or an input changed in place.
        name: The path, the command, or the variable.
    """

    cell: str | None
    line: int | None
    step: str
    kind: Literal["read", "write", "process", "mutation"]
    name: str


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """How a step compares.

    Args:
        equal: None if it did not run.
        status: How it ended in the pipeline.
        compared: How many variables, files, states and outputs were compared.
    """

    name: str
    slug: str
    equal: bool | None
    status: str
    compared: int


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict on a notebook.

    Args:
        runs: How often the notebook was run whole.
        failure: Why the notebook itself fails; nothing is compared then.
        steps: In the order of the page.
        differences: In the order of the page; the first is the one to look at.
    """

    name: str
    notebook: Path | None
    runs: int
    seconds: float
    failure: StepFailure | None = None
    steps: tuple[StepVerdict, ...] = ()
    differences: tuple[Difference, ...] = ()
    unstable: tuple[Unstable, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether the pipeline computes what the notebook computes, as far as that does not vary by itself."""
        return self.failure is None and not self.differences

    @property
    def compared(self) -> int:
        """How many things were compared."""
        return sum(step.compared for step in self.steps)

    @property
    def exit_code(self) -> int:
        """What a process that did just this should return."""
        if self.failure is not None:
            return 1
        return 0 if self.equal else 3

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``verify --format json`` prints."""
        failure = self.failure
        return {
            "schema": SCHEMA,
            "name": self.name,
            "notebook": None if self.notebook is None else str(self.notebook),
            "equal": self.equal,
            "seconds": round(self.seconds, 3),
            "whole": {
                "status": "succeeded" if failure is None else "failed",
                "runs": self.runs,
                "error": None
                if failure is None
                else {"cell": failure.cell, "line": failure.line, "message": failure.message},
            },
            "steps": [
                {
                    "name": step.name,
                    "slug": step.slug,
                    "equal": step.equal,
                    "status": step.status,
                    "compared": step.compared,
                }
                for step in self.steps
            ],
            "differences": [_difference(item) for item in self.differences],
            "unstable": [
                {
                    "cell": item.cell,
                    "step": item.step,
                    "name": item.name,
                    "kind": item.kind,
                    "first": item.first,
                    "second": item.second,
                }
                for item in self.unstable
            ],
            "undeclared": [
                {"cell": item.cell, "line": item.line, "step": item.step, "kind": item.kind, "name": item.name}
                for item in self.undeclared
            ],
        }


def _difference(item: Difference) -> dict[str, Any]:
    return {
        "cell": item.cell,
        "line": item.line,
        "step": item.step,
        "name": item.name,
        "kind": item.kind,
        "whole": item.whole,
        "pipeline": item.pipeline,
        "cause": item.cause.code,
        "message": item.cause.text,
        "hint": item.cause.hint,
    }
