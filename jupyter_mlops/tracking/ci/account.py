"""All that a JUnit file, a comment or an annotation says of a run, gathered once as frozen values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.result import GateResult, RunResult, StepFailure, StepResult
from jupyter_mlops.errors import MlopsError, PipelineError
from jupyter_mlops.notebook.layout import source_lines
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.places import cell_place
from jupyter_mlops.pipeline.reporting import Source
from jupyter_mlops.store.records import RunRecord
from jupyter_mlops.tracking.ci.baseline import Baseline

__all__ = ["Account", "Finding", "StepAccount", "account_of", "refusal"]

_LONGEST_LOG = 30_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic with its place in words and in the file."""

    severity: str
    code: str
    message: str
    hint: str | None
    place: str
    line: int


@dataclass(frozen=True, slots=True)
class StepAccount:
    """A step.

    Args:
        result: How it ended.
        place: Where it failed, in words; empty if it did not, or nobody knows.
        line: The line of the notebook's file where it failed.
        log: What it printed; the middle is left out where it is long.
    """

    result: StepResult
    place: str = ""
    line: int = 1
    log: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A run, or why there was none.

    Args:
        name: The pipeline's name.
        file: The notebook's file with slashes, as far as possible relative to the working directory.
        status: As a run's; ``refused`` if nothing was run.
        started: In milliseconds since the epoch.
        measures: Numbers that were measured, by the names that gates have for them.
        baseline: What it was to be compared with.
        refusal: Why there was no run.
    """

    name: str
    file: str
    status: str
    run_id: str = ""
    started: int | None = None
    seconds: float = 0.0
    host: str = ""
    commit: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float | None] = field(default_factory=dict)
    steps: tuple[StepAccount, ...] = ()
    gates: tuple[GateResult, ...] = ()
    baseline: Baseline | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    pipeline: Pipeline | None = None
    refusal: MlopsError | None = None

    @property
    def failures(self) -> tuple[tuple[StepAccount, StepFailure], ...]:
        """The steps that failed, and why."""
        return tuple((step, step.result.error) for step in self.steps if step.result.error is not None)

    @property
    def is_good(self) -> bool:
        """Whether the run succeeded and no gate failed."""
        return self.status == "succeeded" and all(gate.verdict != "failed" for gate in self.gates)


def account_of(
    result: RunResult,
    pipeline: Pipeline,
    source: Notebook,
    record: RunRecord | None = None,
    *,
    measures: Mapping[str, float | None] | None = None,
    baseline: Baseline | None = None,
) -> Account:
    """Gather what there is to say of a run.

    Args:
        record: What the store knows of it.
    """
    whole = _source(source, pipeline)
    return Account(
        name=pipeline.name,
        file=whole.file,
        status=result.status,
        run_id=result.run_id,
        started=None if record is None else record.started,
        seconds=result.seconds,
        host="" if record is None else record.host or "",
        commit="" if record is None else record.commit or "",
        parameters={} if record is None else record.parameters,
        metrics=result.metrics,
        measures=measures or {},
        steps=tuple(_step(step, whole) for step in result.steps),
        gates=result.gates,
        baseline=baseline,
        notes=result.notes,
        findings=_findings(whole, pipeline),
        pipeline=pipeline,
    )


def refusal(
    error: MlopsError, file: Path | None, source: Notebook | None = None, pipeline: Pipeline | None = None
) -> Account:
    """Gather what there is to say where nothing was run.

    Args:
        error: Why.
        file: The notebook.
        source: What was read of it, and what was made of it, as far as it got.
    """
    shown = _shown(file)
    if source is None or pipeline is None:
        return Account("notebook" if file is None else file.stem, shown, "refused", refusal=error)
    found = _findings(_source(source, pipeline), pipeline) if isinstance(error, PipelineError) else ()
    return Account(pipeline.name, shown, "refused", findings=found, pipeline=pipeline, refusal=error)


def _step(step: StepResult, source: Source) -> StepAccount:
    log = _tail(step.log)
    if step.error is None:
        return StepAccount(step, log=log)
    cell, line = step.error.cell, step.error.line
    place = cell_place(source.notebook, cell, line, source.pipeline)
    return StepAccount(step, place, source.file_line(cell, line), log)


def _findings(source: Source, pipeline: Pipeline) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            item.severity,
            item.code,
            item.message,
            item.hint,
            cell_place(source.notebook, item.cell, item.line, pipeline),
            source.file_line(item.cell, item.line),
        )
        for item in pipeline.diagnostics
        if item.severity != "info"
    )


def _source(notebook: Notebook, pipeline: Pipeline) -> Source:
    return Source(notebook, pipeline, _shown(notebook.path), _lines(notebook))


def _shown(path: Path | None) -> str:
    if path is None:
        return "notebook"
    path = path.absolute()
    # GitHub resolves the file of an annotation against the root of the clone.
    for base in (os.environ.get("GITHUB_WORKSPACE") or None, os.environ.get("CI_PROJECT_DIR") or None, Path.cwd()):
        if base is not None and path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.as_posix()


def _lines(notebook: Notebook) -> Sequence[Sequence[int]]:
    """The lines of the file for the lines of the cells; none if the file has changed since it was read."""
    try:
        lines = source_lines(notebook.path.read_text(encoding="utf-8-sig")) if notebook.path is not None else []
    except (OSError, ValueError, LookupError):
        return []
    return lines if len(lines) == len(notebook.cells) else []


def _tail(path: Path | None) -> str:
    """A log, without its middle where it is long."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_LOG + 1)
            if len(content) <= _LONGEST_LOG:
                return content.decode("utf-8", "replace")
            half = _LONGEST_LOG // 2
            file.seek(-half, os.SEEK_END)
            end = file.read(half)
    except OSError:
        return ""
    begin = content[:half].decode("utf-8", "replace")
    return f"{begin}\n[the middle of this log is left out here]\n{end.decode('utf-8', 'replace')}"
