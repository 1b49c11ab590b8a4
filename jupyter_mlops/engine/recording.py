"""What is kept of a run: the record of each step, and the whole executed notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.notebooktext import notebook_text
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.result import Status, StepFailure
from jupyter_mlops.engine.stepreport import StepReport
from jupyter_mlops.engine.usage import Usage
from jupyter_mlops.steps.combine import combined_notebook
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, StepOutcome

__all__ = ["step_outcome", "whole_notebook"]


def step_outcome(
    status: Status,
    report: StepReport,
    *,
    seconds: float,
    reason: str | None,
    notebook: Path | None,
    inputs: Sequence[ArtifactRecord],
    cache_key: str | None,
    reused_from: str | None,
    documents: Mapping[str, str],
    kernel: str | None = None,
    usage: Usage | None = None,
) -> StepOutcome:
    """Make the record of how a step ended.

    Args:
        notebook: The executed step notebook, relative to the run's folder.
        usage: Processor time and memory, as far as known.
    """
    error = report.failure if status == "failed" else None
    return StepOutcome(
        status,
        seconds=seconds,
        cached=status == "reused",
        reason=reason,
        cache_key=cache_key,
        reused_from=reused_from,
        kernel=kernel,
        cpu_seconds=None if usage is None else usage.cpu_seconds,
        peak_memory=None if usage is None else usage.memory,
        notebook=None if notebook is None else notebook.as_posix(),
        error=None if error is None else _failure_record(error),
        inputs=[*inputs, *report.files],
        outputs=report.outputs,
        metrics=[
            *report.logged.metrics,
            *(MetricRecord(name, value) for name, value in report.collected.metrics.items()),
        ],
        documents=documents,
        parameters=report.logged.params,
        tags=report.logged.tags,
    )


def whole_notebook(
    request: RunRequest, executed: Mapping[str, Mapping[str, Any]], run_id: str, status: Status, output: Path
) -> str:
    """Return the text of the whole notebook with all outputs.

    Args:
        executed: Executed step notebooks by slug.
        output: Where it goes.
    """
    source = request.notebook.path
    combined = combined_notebook(
        request.notebook.raw,
        request.pipeline,
        executed,
        request.redactor.parameters(request.parameters),
        input_path=None if source is None else str(source),
        output_path=str(output),
        run={"id": run_id, "pipeline": request.pipeline.name, "status": status},
    )
    request.redactor.notebook(combined, outputs=False)  # those of the steps are without secrets
    return notebook_text(combined)


def _failure_record(error: StepFailure) -> FailureRecord:
    return FailureRecord(error.ename, error.evalue, error.cell, error.line, error.traceback)
