"""One step from its notebook to its results; runs in a thread of its own."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.engine.claims import claimed, files_of_step
from jupyter_mlops.engine.collecting import Collected, FolderStates, collect, folder_states, source_files, written_files
from jupyter_mlops.engine.context import metrics_only
from jupyter_mlops.engine.failures import (
    cell_failure,
    cell_timeout_failure,
    dead_kernel,
    kernel_start_failure,
    start_timeout,
    timeout_failure,
)
from jupyter_mlops.engine.figures import figures_of
from jupyter_mlops.engine.filestate import FileSnapshot
from jupyter_mlops.engine.instruments import Instruments
from jupyter_mlops.engine.logged import Logged, read_logged
from jupyter_mlops.engine.notebooktext import notebook_text
from jupyter_mlops.engine.redactor import Redactor
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.engine.session import Launch, StepSession, StepStopped
from jupyter_mlops.engine.steplog import StepLog, shorten_log
from jupyter_mlops.engine.stepreport import StepReport, redacted_report
from jupyter_mlops.errors import InfrastructureError, MlopsError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.runtime.injection import parameters_source
from jupyter_mlops.steps.cells import ERROR_TAG, INJECTED_TAG, has_tag
from jupyter_mlops.steps.notebook import step_notebook
from jupyter_mlops.store.filelocks import FileLocks
from jupyter_mlops.store.locks import InUse
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

if TYPE_CHECKING:
    from jupyter_mlops.engine.client import Attempt

__all__ = ["StepJob", "execute_step", "given_up"]


@dataclass(frozen=True)
class StepJob:
    """All that is needed to run a step.

    Args:
        path: Where the step notebook goes; executed in place.
        context: Content of the context file, and ``context_path`` where it goes.
        parameters: Those of the run that the step reads.
        objects: Where its results go.
        in_use: Keeps them from being cleaned up before they are recorded.
        locks: Keeps other runs from the files that the step uses.
        attempt: How often the step was begun, this time included.
        log: Where what the step prints goes.
        files: Puts the files that the step changes back before it is tried again; None if it is not.
        instruments: Who adds cells to observe it.
        redactor: Takes secrets out of what is kept of it.
    """

    pipeline: Pipeline
    step: Step
    notebook: Notebook
    session: StepSession
    launch: Launch
    path: Path
    context: Mapping[str, Any]
    context_path: Path
    parameters: Mapping[str, Any]
    objects: ObjectStore
    in_use: InUse
    locks: FileLocks
    log: Path
    attempt: int = 1
    files: FileSnapshot | None = None
    instruments: Instruments | None = None
    redactor: Redactor = field(default_factory=Redactor)

    def source(self) -> dict[str, Any]:
        """Make the step notebook."""
        notebook = step_notebook(self.pipeline, self.step, self.notebook.raw)
        return notebook if self.instruments is None else self.instruments.instrument(self.step, notebook)


def execute_step(job: StepJob) -> StepReport:
    """Run a step; whatever goes wrong is in the report."""
    return redacted_report(_reported(job), job.redactor)


def _reported(job: StepJob) -> StepReport:
    try:
        wanted = files_of_step(job.pipeline, job.step, job.launch.cwd)
        with _event_loop(), claimed(job.locks, wanted, lambda path, first: _wait(job, path, first)):
            return _execute(job)
    except StepStopped:
        return StepReport()
    except MlopsError as error:
        return StepReport(failure=_trouble(error))
    except OSError as error:
        return StepReport(failure=StepFailure("infrastructure", type(error).__name__, str(error)))


def _wait(job: StepJob, path: Path, first: bool) -> None:
    """Another run uses a file of this step: that time is none of the step's own."""
    job.session.check()
    job.session.restart()
    if first:
        with StepLog(job.log) as log:
            log.note(f"[waiting: another run uses {path}]")


def _execute(job: StepJob) -> StepReport:
    from jupyter_mlops.engine.client import Attempt

    if job.files is not None:
        job.files.prepare()
    files = tuple(source_files(job.step, job.launch.cwd))
    folders = folder_states(job.step, job.launch.cwd)
    output_dir = Path(job.context["output_dir"])
    shutil.rmtree(output_dir, ignore_errors=True)  # of an attempt that was given up
    output_dir.mkdir(parents=True)
    _write_json(job.context_path, job.context)
    source = job.source()
    _write_notebook(job, copy.deepcopy(source))  # without secrets: the run may be killed
    reach("step-notebook.written")
    try:
        with StepLog(job.log) as log:
            if job.attempt > 1:
                log.note(f"[attempt {job.attempt}]")
            attempt = Attempt(
                job.session,
                job.launch,
                log,
                lambda: _write_json(job.context_path, metrics_only(job.context)),
                path=job.path,
                redactor=job.redactor,
            )
            failure = _run_papermill(job, attempt, source)
            job.session.close()
        reach("step-notebook.executed")
        job.in_use.hold(job.step.slug)  # released once it is recorded
        return _with_extras(job, _report_or_trouble(job, attempt, failure, files, folders))
    finally:
        shutil.rmtree(output_dir, ignore_errors=True)
        shorten_log(job.launch.log)
        job.redactor.file(job.launch.log)
        with contextlib.suppress(OSError):
            if job.launch.log.stat().st_size == 0:
                job.launch.log.unlink()


def _report_or_trouble(
    job: StepJob,
    attempt: Attempt,
    failure: StepFailure | None,
    files: tuple[ArtifactRecord, ...],
    folders: FolderStates,
) -> StepReport:
    try:
        return _report(job, attempt, failure, files, folders)
    except MlopsError as error:
        return StepReport(attempt.notebook, failure=_trouble(error), files=files)


def _with_extras(job: StepJob, report: StepReport) -> StepReport:
    """Add what the step logged and showed; it may have failed."""
    try:
        logged = read_logged(Path(job.context["output_dir"]), job.step.slug, job.objects)
        figures: tuple[ArtifactRecord, ...] = ()
        note = None
        if report.notebook is not None and job.instruments is None:
            figures, note = figures_of(report.notebook, job.notebook, job.step, job.objects)
    except MlopsError as error:
        return replace(report, failure=report.failure or _trouble(error), complete=False)
    notes = (*report.collected.notes, *logged.notes, *([note] if note else []))
    return replace(report, collected=replace(report.collected, notes=notes), logged=logged, figures=figures)


def given_up(job: StepJob) -> StepReport:
    """Report about a step whose thread does not answer although its kernel's processes were ended."""
    message = "the kernel's processes were ended, but the step does not answer"
    logged = Logged()
    with contextlib.suppress(MlopsError, OSError):
        logged = read_logged(Path(job.context["output_dir"]), job.step.slug, job.objects)
    report = StepReport(failure=StepFailure("infrastructure", "StepAbandoned", message), logged=logged)
    return redacted_report(report, job.redactor)


def _trouble(error: MlopsError) -> StepFailure:
    return StepFailure("infrastructure", type(error).__name__, error.message, hint=error.hint)


def _report(
    job: StepJob,
    attempt: Attempt,
    failure: StepFailure | None,
    files: tuple[ArtifactRecord, ...],
    folders: FolderStates,
) -> StepReport:
    """Take up what the step has saved."""
    output_dir = Path(job.context["output_dir"])
    collected = Collected()
    if job.session.stop_reason is not None:
        return StepReport(attempt.notebook, collected, failure, files=files)
    if failure is None and (output_dir / "result.json").exists():
        collected = collect(output_dir, job.objects)
        reach("step.collected")
    elif failure is None and not attempt.exited and _saves_something(job.context):
        raise InfrastructureError("The step ended without saving its results.")
    complete = failure is None and not attempt.exited and job.instruments is None
    if complete:
        collected, complete = _with_files(job, collected, output_dir, folders)
    return StepReport(attempt.notebook, collected, failure, attempt.exited, files, complete)


def _with_files(job: StepJob, collected: Collected, scratch: Path, folders: FolderStates) -> tuple[Collected, bool]:
    try:
        written = written_files(job.step, collected.outputs, job.launch.cwd, scratch, job.objects, folders)
    except (OSError, InfrastructureError) as error:  # the step itself is done
        note = f"what it wrote was not kept ({error}), so that it runs again next time"
        return replace(collected, notes=(*collected.notes, note)), False
    return replace(collected, outputs=(*collected.outputs, *written)), True


def _saves_something(context: Mapping[str, Any]) -> bool:
    return bool(context["saves"] or context["metrics"])


def _run_papermill(job: StepJob, attempt: Attempt, source: Mapping[str, Any]) -> StepFailure | None:
    """Execute the step notebook; write it without secrets; return why it failed."""
    from nbformat import from_dict
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    from jupyter_mlops.engine.client import ENGINE

    problem: Exception | None = None
    try:
        execute_notebook(
            from_dict(source),
            None,
            parameters=dict(job.parameters),
            engine_name=ENGINE,
            kernel_name=job.launch.kernel_name,
            language="python",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            attempt=attempt,
        )
    except PapermillExecutionError:
        if attempt.error is None:
            # Papermill counts an error that a `raises-exception` cell is there to show; Jupyter does not.
            attempt.notebook.cells = [cell for cell in attempt.notebook.cells if not has_tag(cell, ERROR_TAG)]
    except StepStopped as error:
        problem = error
    except Exception as error:
        problem = error
    failure = _failure(job, attempt, problem)
    if attempt.notebook is not None:
        _write_notebook(job, attempt.notebook, outputs=False)  # those were looked at when they came
    return failure


def _failure(job: StepJob, attempt: Any, problem: Exception | None) -> StepFailure | None:
    failure = _plain_failure(job, attempt, problem)
    # Code that was interrupted may have gone on with the wrong values: a program it called was interrupted instead.
    if job.session.stop_reason == "timeout":
        seconds = job.session.timeout or 0.0
        if not attempt.ready:
            return start_timeout(job.launch.kernel_name, seconds, job.launch.log)
        return timeout_failure(job.notebook, job.step, seconds, failure)
    return failure


def _plain_failure(job: StepJob, attempt: Any, problem: Exception | None) -> StepFailure | None:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    if attempt.error is not None:
        error = attempt.error
        cells = [cell for cell in attempt.notebook.cells if not has_tag(cell, ERROR_TAG)]
        details = (error.ename, error.evalue, error.traceback)
        return cell_failure(job.pipeline, job.step, job.notebook, cells[error.index], details, cells)
    if problem is None:
        return None
    if attempt.died_at is None and isinstance(problem, (RuntimeError, OSError)):
        return kernel_start_failure(job.launch.kernel_name, problem, job.launch.log)
    cell = None if attempt.died_at is None else attempt.notebook.cells[attempt.died_at]
    if isinstance(problem, CellTimeoutError):
        return cell_timeout_failure(job.notebook, cell, job.launch.patience.cell or 0.0)
    if isinstance(problem, DeadKernelError):
        return dead_kernel(job.notebook, cell, attempt.returncode, job.launch.log)
    return StepFailure("infrastructure", type(problem).__name__, str(problem))


def _write_notebook(job: StepJob, notebook: Any, *, outputs: bool = True) -> None:
    given = job.redactor.parameters(job.parameters)
    for cell in notebook["cells"] if given != job.parameters else ():
        if has_tag(cell, INJECTED_TAG):
            cell["source"] = parameters_source(given)
    job.redactor.notebook(notebook, outputs=outputs)
    job.path.write_text(notebook_text(notebook), encoding="utf-8")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


@contextlib.contextmanager
def _event_loop() -> Iterator[None]:
    """Close the loop that nbclient opens for a thread: nobody else does."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        loop.close()
