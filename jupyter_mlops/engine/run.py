"""One run: starts steps, listens to them, records how they end."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.engine.collecting import Collected, run_artifacts
from jupyter_mlops.engine.context import step_context
from jupyter_mlops.engine.events import Event, Reporter, RunFinished, RunStarted, StepFinished, StepStarted
from jupyter_mlops.engine.execution import StepJob, StepReport, execute_step
from jupyter_mlops.engine.kernels import kernel_environment
from jupyter_mlops.engine.notebooktext import notebook_text
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.engine.preparation import Prepared, new_run, prepare
from jupyter_mlops.engine.recording import step_outcome, whole_notebook
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.result import RunResult, Status, StepFailure, StepResult
from jupyter_mlops.engine.reuse import Decision, Reuse
from jupyter_mlops.engine.schedule import Schedule
from jupyter_mlops.engine.selection import Selection
from jupyter_mlops.engine.session import Launch, StepSession
from jupyter_mlops.engine.signals import stop_signals
from jupyter_mlops.engine.takeover import Found, UnusableError
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import RunLock
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["Run"]

_POLL = 0.2
"""Seconds between looks at the caller's stop event."""


@dataclass(frozen=True)
class _Ended:
    """A step's thread is done."""

    slug: str
    report: StepReport


_Message = Event | _Ended | Literal["stop"] | BaseException


class Run:
    """A run of a pipeline; ``execute`` may be called once.

    Args:
        request: What to do.
        home: Where everything goes.
        database: Where it is recorded.
        reporter: Who watches.
        stop: Ends the run when set.
        selection: Which steps run whatever could be reused.
    """

    def __init__(
        self,
        request: RunRequest,
        home: Home,
        database: Database,
        reporter: Reporter | None,
        stop: threading.Event | None,
        selection: Selection | None = None,
    ) -> None:
        self._request = request
        self._home = home
        self._database = database
        self._reporter = reporter
        self._stop = stop
        self._pipeline = request.pipeline
        self._objects = ObjectStore(home.objects)
        self._lock = RunLock(home)
        self._schedule = Schedule(request.pipeline)
        self._selection = selection or Selection()
        self._reuse = Reuse(request, home, database, self._selection, stop=lambda: self._stopping)
        self._decisions: dict[str, Decision] = {}
        self._prepared: Prepared | None = None
        # SimpleQueue: a signal handler may put into it at any moment.
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._running: dict[str, StepSession] = {}
        self._results: dict[str, StepResult] = {}
        self._executed: dict[str, Mapping[str, Any]] = {}
        self._artifacts: dict[str, ArtifactRecord] = {}
        self._made: dict[str, tuple[ArtifactRecord, ...]] = {}
        self._metrics: dict[str, Mapping[str, float]] = {}
        self._run_id = ""
        self._stopping = False
        self._cancelled = False
        self._started = time.monotonic()

    def execute(self) -> RunResult:
        """Run all steps; return how it went."""
        self._run_id = run_id = self._database.create_run(new_run(self._request)).run_id
        status: Status = "failed"
        self._lock.begin(run_id)
        try:
            with stop_signals(self._request_stop):
                self._report_start(run_id)
                (self._home.run(run_id) / "steps").mkdir(parents=True, exist_ok=True)
                try:
                    self._drive()
                finally:
                    self._end_kernels()
                    self._reuse.close()
                    if self._prepared is not None:
                        self._prepared.clean_up()
                status = self._status()
            result = self._result(run_id, status, self._home.run(run_id))
        finally:
            self._database.finish_run(run_id, status, seconds=time.monotonic() - self._started)
            self._lock.close()
        self._report(RunFinished(result))
        return replace(result, notes=self._reuse.notes(run_id))

    def _request_stop(self) -> None:
        """Take a signal: nothing new starts from here on."""
        self._stopping = True
        self._messages.put("stop")

    def _drive(self) -> None:
        for slug in self._selection.left_out:
            self._schedule.finish(slug, "skipped")
            self._settle(slug, "skipped", reason="it was not asked for")
        while not self._schedule.done:
            self._start_ready()
            if self._schedule.done:
                return
            message = self._next_message()
            if message == "stop":
                self._cancel(again=self._cancelled)
            elif isinstance(message, BaseException):
                raise message
            elif isinstance(message, _Ended):
                self._finish(message)
            elif message is not None:
                self._report(message)
            self._check_deadlines()

    def _next_message(self) -> _Message | None:
        deadlines = [due for session in self._running.values() if (due := session.next_deadline()) is not None]
        wait = max(0.01, min(deadlines) - time.monotonic()) if deadlines else None
        if self._stop is not None:
            wait = _POLL if wait is None else min(wait, _POLL)
        try:
            # Without a timeout, Ctrl-C would not be noticed on Windows.
            return self._messages.get(timeout=1.0 if wait is None else min(wait, 1.0))
        except queue.Empty:
            return None

    def _start_ready(self) -> None:
        waiting = self._schedule.ready()
        while waiting:
            slug = waiting.pop(0)
            if self._stopping:
                return
            if self._take_over(self._pipeline.step(slug)):
                waiting = self._schedule.ready()  # its dependants may be reusable in turn
            elif len(self._running) < self._request.workers:
                self._start(self._pipeline.step(slug))

    def _take_over(self, step: Step) -> bool:
        """Use the results of an earlier run, if there are any; else note why the step has to run."""
        if step.slug in self._decisions:
            return False
        begun = time.monotonic()
        self._lock.in_use.hold(step.slug)
        decision = self._reuse.decide(step, self._artifacts)
        found = decision.found
        if found is not None:
            try:
                notebook = self._reuse.take_over(step, found)
                write_whole(self._home.run(self._run_id) / self._notebook_of(step), notebook_text(notebook))
            except UnusableError as error:
                decision = replace(decision, found=None, reason=str(error))
            else:
                self._executed[step.slug] = notebook
                self._finish_reused(step, decision, found, time.monotonic() - begun)
                return True
        self._lock.in_use.release(step.slug)
        self._decisions[step.slug] = decision
        return False

    def _finish_reused(self, step: Step, decision: Decision, found: Found, seconds: float) -> None:
        report = StepReport(
            self._executed[step.slug],
            Collected(found.outputs, found.metrics),
            files=tuple(self._reuse.source_files(step)),
            complete=True,
        )
        self._keep(step.slug, report)
        self._schedule.finish(step.slug, "reused")
        self._decisions[step.slug] = decision
        self._settle(step.slug, "reused", decision.reason, report, seconds)

    def _keep(self, slug: str, report: StepReport) -> None:
        """Take a step's results up into the run."""
        self._made[slug] = report.collected.outputs
        self._artifacts.update({record.id: record for record in report.collected.outputs})
        self._metrics[slug] = report.collected.metrics

    def _notebook_of(self, step: Step) -> Path:
        return Path("steps") / f"{self._pipeline.steps.index(step) + 1:02d}-{step.slug}.ipynb"

    def _start(self, step: Step) -> None:
        if self._prepared is None:
            self._prepared = prepare(self._request, self._home, self._run_id)
            self._lock.owns(self._prepared.sockets)
        prepared = self._prepared
        session = StepSession(step.slug, step.cells, self._messages.put, self._request.timeout_of(step))
        job = self._job(step, prepared, session)
        self._schedule.start(step.slug)
        self._running[step.slug] = session
        self._database.start_step(prepared.run_id, step.slug, kernel="cold")
        self._report(StepStarted(step.slug, step.name, len(step.cells)))

        def work() -> None:
            try:
                self._messages.put(_Ended(step.slug, execute_step(job)))
            except BaseException as error:
                self._messages.put(error)

        # A daemon: a thread that hangs must not keep the process alive.
        threading.Thread(target=work, name=f"step-{step.slug}", daemon=True).start()

    def _job(self, step: Step, prepared: Prepared, session: StepSession) -> StepJob:
        position = self._pipeline.steps.index(step) + 1
        stem = f"{position:02d}-{step.slug}"
        context_path = prepared.steps / f"{stem}.json"
        environment = kernel_environment(
            self._request.kernel,
            bundle=prepared.bundle,
            context=context_path,
            settings=self._request.environment_of(step),
        )
        context = step_context(
            self._pipeline,
            step,
            run_id=prepared.run_id,
            inputs=self._artifacts,
            object_path=self._objects.path,
            output_dir=prepared.scratch / stem,
        )
        sockets = None if prepared.sockets is None else prepared.sockets / f"k{position}"
        launch = Launch(
            self._request.kernel.name,
            environment,
            self._request.folder_of(step),
            sockets,
            prepared.steps / f"{stem}.log",
        )
        return StepJob(
            self._pipeline,
            step,
            self._request.notebook,
            session,
            launch,
            prepared.steps / f"{stem}.ipynb",
            context,
            context_path,
            self._request.parameters_of(step),
            self._objects,
            self._lock.in_use,
            self._request.instruments,
        )

    def _check_deadlines(self) -> None:
        if self._stop is not None and self._stop.is_set() and not self._cancelled:
            self._cancel()
        for slug, session in list(self._running.items()):
            if not session.is_overdue():
                continue
            if session.stop_reason is None:
                session.stop("timeout")
            else:
                session.kill()
            if session.is_abandoned():
                message = "the kernel's processes were ended, but the step does not answer"
                self._finish(_Ended(slug, StepReport(failure=StepFailure("infrastructure", "StepAbandoned", message))))

    def _cancel(self, *, again: bool = False) -> None:
        self._stopping = self._cancelled = True
        for slug in self._schedule.cancel():
            self._settle(slug, "cancelled", reason="the run was stopped")
        for session in self._running.values():
            session.stop("cancelled")
            if again:
                session.kill()

    def _finish(self, ended: _Ended) -> None:
        session = self._running.pop(ended.slug, None)
        if session is None:
            return  # given up on before
        session.finish()
        report = ended.report
        status: Status = "succeeded" if report.failure is None else "failed"
        reason = "; ".join(report.collected.notes) or None
        if session.stop_reason == "cancelled" and (report.failure is not None or report.notebook is None):
            status, reason = "cancelled", "the run was stopped"
        if report.notebook is not None:
            self._executed[ended.slug] = report.notebook
        self._keep(ended.slug, report)
        self._settle(ended.slug, status, reason, report, session.seconds)
        blocks = f"{self._pipeline.step(ended.slug).name} ended the notebook with sys.exit()" if report.exited else None
        for slug, why in self._schedule.finish(ended.slug, status, blocks=blocks):
            self._settle(slug, "skipped", reason=why)

    def _settle(
        self,
        slug: str,
        status: Status,
        reason: str | None = None,
        report: StepReport | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Record how a step ended, and tell."""
        step = self._pipeline.step(slug)
        report = report or StepReport()
        error = report.failure if status == "failed" else None
        notebook = self._notebook_of(step) if report.notebook is not None else None
        decision = self._decisions.get(slug)
        key = None
        if decision is not None and status == "reused":
            key = decision.key
        elif decision is not None and status == "succeeded" and report.complete:
            key = self._reuse.confirmed_key(step, self._artifacts, decision)
        found = None if decision is None or key is None else decision.found
        inputs = [self._artifacts[name] for name in step.loads if name in self._artifacts] if report.notebook else []
        path = None if notebook is None else self._home.run(self._run_id) / notebook
        outcome = step_outcome(
            status,
            report,
            seconds=seconds,
            reason=reason,
            notebook=notebook,
            inputs=inputs,
            cache_key=key,
            reused_from=None if found is None else found.run_id,
            documents=self._reuse.documents(decision, report.collected.metrics, path) if key and decision else {},
        )
        self._reuse.publish(self._run_id, slug, outcome, path)
        self._database.finish_step(self._run_id, slug, outcome)
        self._lock.in_use.release(slug)
        result = StepResult(step.name, slug, status, outcome.cached, seconds, reason, error, path)
        self._results[slug] = result
        self._report(StepFinished(result))

    def _end_kernels(self) -> None:
        """Leave no kernel behind, whatever happened."""
        for session in self._running.values():
            session.stop("cancelled")
            session.kill()

    def _status(self) -> Status:
        if self._cancelled:
            return "cancelled"
        failed = any(result.status == "failed" for result in self._results.values())
        return "failed" if failed else "succeeded"

    def _result(self, run_id: str, status: Status, directory: Path) -> RunResult:
        steps = self._pipeline.steps
        output = directory / "output.ipynb"
        text = whole_notebook(self._request, self._executed, run_id, status, self._request.output or output)
        write_whole(output, text)
        if self._request.output is not None:
            try:
                write_whole(self._request.output, text)
            except InfrastructureError as error:
                raise InfrastructureError(error.message, hint=f"The run is done; its notebook is {output}.") from error
        metrics: dict[str, float] = {}
        for step in steps:
            metrics.update(self._metrics.get(step.slug, {}))
        return RunResult(
            run_id=run_id,
            status=status,
            seconds=time.monotonic() - self._started,
            steps=tuple(self._results[step.slug] for step in steps),
            output_notebook=self._request.output or output,
            directory=directory,
            metrics=metrics,
            artifacts=tuple(item for step in steps for item in run_artifacts(step, self._made.get(step.slug, ()))),
        )

    def _report_start(self, run_id: str) -> None:
        steps = tuple((step.slug, step.name) for step in self._pipeline.steps)
        self._report(RunStarted(run_id, self._pipeline.name, steps, self._home.run(run_id)))

    def _report(self, event: Event) -> None:
        if self._reporter is not None:
            self._reporter.handle(event)
