"""What a run comes to, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "FailureKind",
    "GateResult",
    "RunArtifact",
    "RunResult",
    "Status",
    "StepFailure",
    "StepResult",
    "Verdict",
]

Status = Literal["queued", "running", "succeeded", "reused", "failed", "skipped", "cancelled"]

FailureKind = Literal["user", "infrastructure"]
"""Whether the user's own code failed, or something around it: kernel, memory, disk."""

Verdict = Literal["passed", "failed", "skipped"]
"""Of a gate; it is skipped where there is nothing to compare with yet."""

_EXIT_CODES: Mapping[FailureKind, int] = {"user": 1, "infrastructure": 4}
_CANCELLED = 130
_GATE_FAILED = 5
_NOT_WRITTEN = 4
_PLAIN = frozenset(["CellTimeout", "DeadKernel", "InfrastructureError", "KernelStart", "StepAbandoned", "StepTimeout"])
"""Mishaps of a step with a message of this project's own."""


@dataclass(frozen=True, slots=True)
class StepFailure:
    """Why a step failed.

    Args:
        ename: Name of the exception (``ValueError``) or of the mishap (``DeadKernel``, ``StepTimeout``).
        evalue: Its message.
        cell: Id of the cell in the user's notebook, where known.
        cell_index: 0-based position of that cell in the notebook.
        line: 1-based line in that cell, where known.
        traceback: Plain text, without colour codes.
        hint: What to do about it, one sentence.
        lasting: Whether the same would happen again at once, so that there is no use in trying.
    """

    kind: FailureKind
    ename: str
    evalue: str
    cell: str | None = None
    cell_index: int | None = None
    line: int | None = None
    traceback: str = ""
    hint: str | None = None
    lasting: bool = False

    @property
    def message(self) -> str:
        """Name and message in one text, as Python prints them; the message alone where it says all."""
        if self.evalue and self.ename in _PLAIN:
            return self.evalue
        return f"{self.ename}: {self.evalue}" if self.evalue else self.ename


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended.

    Args:
        cached: Whether its results were taken from an earlier run.
        seconds: Wall time; this and what follows is about the last attempt.
        reason: Why it was skipped or cancelled, or what is odd about its results, for people.
        notebook: The executed step notebook, where there is one.
        log: What it printed, as text, where it printed something.
        attempts: How often it was begun.
        kernel: How its kernel was started; None if there was none.
        cpu_seconds: Processor time of its kernel and all that it started, as far as known.
        peak_memory: Most bytes that they held in memory at one time, as far as known.
    """

    name: str
    slug: str
    status: Status
    cached: bool = False
    seconds: float = 0.0
    reason: str | None = None
    error: StepFailure | None = None
    notebook: Path | None = None
    log: Path | None = None
    attempts: int = 0
    kernel: str | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True)
class RunArtifact:
    """A variable, file or figure that a step made.

    Args:
        step: Name of the step.
        digest: BLAKE3 of the object it is in; variables that share memory are in one object.
        type: Qualified type; ``file`` for a file, the MIME type of a figure.
        bytes: Size of the object.
    """

    name: str
    step: str
    digest: str
    type: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate says of a run.

    Args:
        gate: The condition, as the user wrote it.
        reason: The numbers it was about, or why there is nothing to compare.
    """

    gate: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Args:
        seconds: Wall time.
        steps: In the order of the page.
        output_notebook: The whole notebook with all outputs.
        directory: The run's own folder, with the executed step notebooks.
        metrics: The last value of each; one that was logged may be NaN or infinite.
        sources: Files of the project that decide about its results: the notebook, modules, files that steps read.
        notes: What there is to say besides, such as a shared cache that is not reachable.
        gates: What became of the gates that it was held to.
        baseline: Id of the run that it was compared with.
        problems: Why files about the run could not be written; the run itself is recorded.
    """

    run_id: str
    status: Status
    seconds: float
    steps: tuple[StepResult, ...]
    output_notebook: Path | None
    directory: Path
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: tuple[RunArtifact, ...] = ()
    backend: str = "local"
    sources: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    gates: tuple[GateResult, ...] = ()
    baseline: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[StepResult, ...]:
        """The steps that failed, in the order of the page."""
        return tuple(step for step in self.steps if step.error is not None)

    @property
    def exit_code(self) -> int:
        """What a process that did just this run should return; the first failure on the page decides."""
        if self.status == "cancelled":
            return _CANCELLED
        errors = [step.error for step in self.steps if step.error is not None]
        if errors:
            return _EXIT_CODES[errors[0].kind]
        if any(gate.verdict == "failed" for gate in self.gates):
            return _GATE_FAILED
        return _NOT_WRITTEN if self.problems else 0

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``run --format json`` prints."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "backend": self.backend,
            "seconds": round(self.seconds, 3),
            "steps": [
                {
                    "name": step.name,
                    "status": step.status,
                    "cached": step.cached,
                    "seconds": round(step.seconds, 3),
                    "reason": step.reason,
                    "attempts": step.attempts,
                    "kernel": step.kernel,
                    "cpu_seconds": None if step.cpu_seconds is None else round(step.cpu_seconds, 3),
                    "peak_memory": step.peak_memory,
                    "log": None if step.log is None else str(step.log),
                }
                for step in self.steps
            ],
            "metrics": dict(self.metrics),
            "artifacts": [
                {
                    "name": artifact.name,
                    "step": artifact.step,
                    "digest": artifact.digest,
                    "type": artifact.type,
                    "bytes": artifact.bytes,
                }
                for artifact in self.artifacts
            ],
            "notes": list(self.notes),
            "gates": [{"gate": gate.gate, "verdict": gate.verdict, "reason": gate.reason} for gate in self.gates],
            "baseline": self.baseline,
            "problems": list(self.problems),
            "output_notebook": None if self.output_notebook is None else str(self.output_notebook),
        }
