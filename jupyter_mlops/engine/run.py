"""One run: starts steps, listens to them, records how they end."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from jupyter_mlops.engine.attempts import Attempts
from jupyter_mlops.engine.events import (
    Event,
    Reporter,
    RunFinished,
    RunStarted,
    StepFinished,
    StepOutput,
    StepRetrying,
    StepStarted,
)
from jupyter_mlops.engine.execution import StepJob, execute_step, given_up
from jupyter_mlops.engine.launching import Launcher
from jupyter_mlops.engine.ledger import Ledger
from jupyter_mlops.engine.notebooktext import notebook_text
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.engine.preparation import Prepared, new_run, prepare
from jupyter_mlops.engine.priority import remaining_paths
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.resources import Room, demand_of, this_machine
from jupyter_mlops.engine.result import RunResult, Status, StepFailure
from jupyter_mlops.engine.reuse import Reuse
from jupyter_mlops.engine.schedule import Schedule
from jupyter_mlops.engine.selection import Selection
from jupyter_mlops.engine.session import StepSession
from jupyter_mlops.engine.signals import stop_signals
from jupyter_mlops.engine.steplog import shorten_log
from jupyter_mlops.engine.stepreport import StepReport
from jupyter_mlops.engine.takeover import UnusableError
from jupyter_mlops.engine.warm.pool import KernelPool
from jupyter_mlops.engine.warm.source import WarmKernels
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import RunLock
from jupyter_mlops.store.objects import ObjectStore

__all__ = ["Run"]

_POLL = 0.2
"""Seconds between looks at the caller's stop event."""

_LOOK = 0.5
"""Seconds between looks at what the kernels use."""

_BACKLOG = 10_000
"""Events that may wait for a reporter; beyond that it is not told what steps print, which is in their logs."""


@dataclass(frozen=True)
class _Ended:
    """A step's thread is done."""

    job: StepJob
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
        kernels: Where forked kernels come from; None for fresh ones only.
    """

    def __init__(
        self,
        request: RunRequest,
        home: Home,
        database: Database,
        reporter: Reporter | None,
        stop: threading.Event | None,
        selection: Selection | None = None,
        kernels: KernelPool | None = None,
    ) -> None:
        self._request = request
        self._home = home
        self._database = database
        self._reporter = reporter
        self._stop = stop
        self._pipeline = request.pipeline
        self._objects = ObjectStore(home.objects)
        self._lock = lock = RunLock(home)
        self._schedule = Schedule(request.pipeline)
        self._selection = selection or Selection()
        self._reuse = Reuse(request, home, database, self._selection, stop=lambda: self._stopping, files=lock.files)
        self._kernels = WarmKernels(request, kernels, self._reuse.sources)
        self._attempts = {step.slug: Attempts(request.retries_of(step)) for step in self._pipeline.steps}
        self._prepared: Prepared | None = None
        self._launcher: Launcher | None = None
        self._room: Room | None = None
        # SimpleQueue: a signal handler may put into it at any moment.
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._running: dict[str, StepJob] = {}
        self._stopping = False
        self._cancelled = False
        self._why_stopped = "the run was stopped"
        self._started = time.monotonic()
        self._looked = 0.0

    def execute(self) -> RunResult:
        """Run all steps; return how it went."""
        run = self._database.create_run(new_run(self._request))
        run_id = run.run_id
        self._books = Ledger(self._request, self._home, self._database, self._reuse, run)
        status: Status = "failed"
        self._lock.begin(run_id)
        try:
            with stop_signals(self._request_stop):
                self._report_start(run_id)
                (self._books.directory / "steps").mkdir(parents=True, exist_ok=True)
                try:
                    self._drive()
                finally:
                    self._end_kernels()
                    self._reuse.close()
                    if self._prepared is not None:
                        self._prepared.clean_up()
                status = self._status()
            result = self._books.result(status, time.monotonic() - self._started)
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
            self._books.look_around()
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
            self._look_at_kernels()

    def _next_message(self) -> _Message | None:
        now = time.monotonic()
        # Never without a timeout: Ctrl-C would not be noticed on Windows.
        waits = [_LOOK if self._running else 1.0]
        waits += [due - now for job in self._running.values() if (due := job.session.next_deadline()) is not None]
        waits += [wait for slug in self._schedule.ready() if (wait := self._attempts[slug].wait) > 0]
        if self._stop is not None:
            waits.append(_POLL)
        try:
            return self._messages.get(timeout=max(0.01, min(waits)))
        except queue.Empty:
            return None

    # beginning

    def _start_ready(self) -> None:
        waiting = self._schedule.ready()
        while waiting and not self._stopping:
            if self._take_over(self._pipeline.step(waiting.pop(0))):
                waiting = self._schedule.ready()  # its dependants may be reusable in turn
        if waiting := self._schedule.ready():
            room = self._plan()
        while waiting and not self._stopping:
            ready = [slug for slug in self._schedule.ready() if self._attempts[slug].wait <= 0]
            chosen = room.next(ready, self._running)
            if chosen is None:
                return
            self._start(self._pipeline.step(chosen))

    def _take_over(self, step: Step) -> bool:
        """Use the results of an earlier run, if there are any; else note why the step has to run."""
        books = self._books
        if step.slug in books.decisions:
            return False
        begun = time.monotonic()
        self._lock.in_use.hold(step.slug)
        decision = self._reuse.decide(step, books.artifacts)
        found = decision.found
        if found is not None:
            try:
                notebook = self._reuse.take_over(step, found)
                self._request.redactor.notebook(notebook)
                write_whole(books.directory / books.notebook_of(step), notebook_text(notebook))
            except UnusableError as error:
                decision = replace(decision, found=None, reason=str(error))
            else:
                books.executed[step.slug] = notebook
                self._schedule.finish(step.slug, "reused")
                self._report(StepFinished(books.reused(step, decision, found, time.monotonic() - begun)))
                self._lock.in_use.release(step.slug)
                return True
        self._lock.in_use.release(step.slug)
        books.decisions[step.slug] = decision
        return False

    def _plan(self) -> Room:
        """Find out who may run beside whom, and who goes first; once, when the first step has to run."""
        if self._room is None:
            demands = {step.slug: demand_of(self._request.settings_of(step)) for step in self._pipeline.steps}
            self._room = Room(this_machine(), self._request.workers, demands)
            if self._request.instruments is None:  # whoever observes steps has put them in order
                self._schedule.prefer(remaining_paths(self._pipeline, self._database.durations(self._pipeline.name)))
        return self._room

    def _start(self, step: Step) -> None:
        books, attempts = self._books, self._attempts[step.slug]
        job = self._launch().job(step, books.stem(step), attempts.begin(), books.artifacts)
        self._schedule.start(step.slug)
        self._running[step.slug] = job
        self._database.start_step(books.run_id, step.slug, kernel=None)
        self._report(StepStarted(step.slug, step.name, len(step.cells), attempts.count))
        self._kernels.expect(len(self._to_run()))

        def work() -> None:
            try:
                self._messages.put(_Ended(job, execute_step(job)))
            except BaseException as error:
                self._messages.put(error)

        # A daemon: a thread that hangs must not keep the process alive.
        threading.Thread(target=work, name=f"step-{step.slug}", daemon=True).start()

    def _launch(self) -> Launcher:
        if self._launcher is None:
            self._prepared = prepare(self._request, self._home, self._books.run_id, self._warm_up)
            self._lock.owns(self._prepared.sockets)
            lock, kernels, sources = self._lock, self._kernels, self._reuse.sources
            self._launcher = Launcher(self._request, self._prepared, self._objects, lock, kernels, self._emit, sources)
        return self._launcher

    def _to_run(self) -> list[Step]:
        """The steps that may still begin."""
        return [step for step in self._pipeline.steps if self._schedule.status(step.slug) == "queued"]

    def _warm_up(self, bundle: Path) -> None:
        self._kernels.begin(bundle, self._to_run(), self._reuse.module_roots())

    def _emit(self, event: Event) -> None:
        """Take an event from a step's thread."""
        if not isinstance(event, StepOutput) or self._messages.qsize() < _BACKLOG:
            self._messages.put(event)

    # watching

    def _check_deadlines(self) -> None:
        if self._stop is not None and self._stop.is_set() and not self._cancelled:
            self._cancel()
        for job in list(self._running.values()):
            session = job.session
            if not session.is_overdue():
                continue
            if not session.is_stopping:
                session.stop("timeout")
            else:
                session.kill()
            if session.is_abandoned():
                self._finish(_Ended(job, given_up(job)))

    def _look_at_kernels(self) -> None:
        if time.monotonic() - self._looked < _LOOK:
            return
        for job in self._running.values():
            job.session.measure()
            shorten_log(job.launch.log)
        self._looked = time.monotonic()

    # ending

    def _cancel(self, *, again: bool = False) -> None:
        self._cancelled = True
        self._why_stopped = "the run was stopped"
        self._halt("cancelled")
        if again:
            for job in self._running.values():
                job.session.kill()

    def _halt(self, status: Status) -> None:
        """Begin nothing more, stop what runs."""
        self._stopping = True
        for slug in self._schedule.cancel(status):
            failed = self._attempts[slug].failures  # it waits for another attempt
            why = f"{self._why_stopped}; attempt {len(failed)}: {failed[-1].message}" if failed else self._why_stopped
            self._settle(slug, "cancelled" if failed else status, reason=why)
        for job in self._running.values():
            job.session.stop("cancelled")

    def _finish(self, ended: _Ended) -> None:
        job, report = ended.job, ended.report
        slug, session = job.step.slug, job.session
        if self._running.get(slug) is not job:
            return  # given up on before
        del self._running[slug]
        session.finish(well=report.failure is None)
        status: Status = "succeeded" if report.failure is None else "failed"
        if session.stop_reason == "cancelled":
            status = "cancelled"
        if status == "failed" and report.failure is not None and self._try_again(job, report.failure):
            self._lock.in_use.release(slug)
            return
        self._books.keep(slug, report)
        reason = self._why_stopped if status == "cancelled" else self._remarks(slug, report)
        self._settle(slug, status, reason, report, session)
        blocks = f"{job.step.name} ended the notebook with sys.exit()" if report.exited else None
        for other, why in self._schedule.finish(slug, status, blocks=blocks):
            self._settle(other, "skipped", reason=why)
        if status == "failed" and self._request.fail_fast and not self._stopping:
            self._why_stopped = f"{job.step.name} failed, and the run was to end with the first failure"
            self._halt("skipped")

    def _try_again(self, job: StepJob, failure: StepFailure) -> bool:
        """Let a failed step wait for its next attempt, if it has one."""
        attempts = self._attempts[job.step.slug]
        delay = attempts.fail(failure)
        if delay is None or self._stopping:
            return False
        self._schedule.requeue(job.step.slug)
        self._lock.in_use.release(job.step.slug)
        with contextlib.suppress(OSError):  # what it did is kept beside what the next attempt will do
            job.path.replace(job.path.with_suffix(f".attempt-{attempts.count}.ipynb"))
        allowed = attempts.policy.attempts
        self._report(StepRetrying(job.step.slug, job.step.name, attempts.count, allowed, delay, failure))
        return True

    def _remarks(self, slug: str, report: StepReport) -> str | None:
        """What is odd about a step that ran."""
        remarks = [*report.collected.notes, self._attempts[slug].reason(), self._plan().excess(slug)]
        return "; ".join(remark for remark in remarks if remark) or None

    def _settle(
        self,
        slug: str,
        status: Status,
        reason: str | None = None,
        report: StepReport | None = None,
        session: StepSession | None = None,
    ) -> None:
        """Record how a step ended, and tell."""
        seconds = 0.0 if session is None else session.seconds
        attempts = self._attempts[slug]
        result = self._books.settle(slug, status, reason, report, seconds, session=session, attempts=attempts)
        self._lock.in_use.release(slug)
        self._report(StepFinished(result))

    def _end_kernels(self) -> None:
        """Leave no kernel behind, whatever happened."""
        for job in self._running.values():
            job.session.stop("cancelled")
            job.session.kill()

    def _status(self) -> Status:
        if self._cancelled:
            return "cancelled"
        return "failed" if self._books.has_failures else "succeeded"

    def _report_start(self, run_id: str) -> None:
        steps = tuple((step.slug, step.name) for step in self._pipeline.steps)
        self._report(RunStarted(run_id, self._pipeline.name, steps, self._books.directory))

    def _report(self, event: Event) -> None:
        if self._reporter is None:
            return
        try:
            self._reporter.handle(event)
        except OSError:
            if not self._stopping:  # a terminal that was closed can't be told; the run is to end in order
                raise
