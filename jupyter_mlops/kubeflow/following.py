"""Keeping the record of a run on a cluster as the run goes on, from wherever it was left."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, MlopsError
from jupyter_mlops.kubeflow.client import Cluster, Json
from jupyter_mlops.kubeflow.earlier import earlier_report
from jupyter_mlops.kubeflow.records import URIS, ClusterRun
from jupyter_mlops.kubeflow.reports import StepReport, find_reports, read_report, taken, told_in_log, without_record
from jupyter_mlops.kubeflow.states import StepState, error_of, milliseconds, run_status, step_states
from jupyter_mlops.kubeflow.storage import Storage
from jupyter_mlops.kubeflow.submitting import settle_start
from jupyter_mlops.kubeflow.trouble import Refused, Trouble, Unreachable
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import FINAL, FailureRecord, MetricRecord, Status, StepOutcome, StepRecord

__all__ = ["Follower", "GoneError", "LogText", "Note", "StepChanged", "Watcher"]

_TAIL = 40
_EXPLAINED = re.compile(
    r"Step .+ failed in (?:cell (?P<cell>\d+)\b)?.*?: (?P<type>[A-Za-z_]\w*)(?:: (?P<message>.*))?$"
)
"""What the program in a step's container prints when the user's code fails."""
_DELETED = "the run was deleted on the cluster"


class GoneError(InfrastructureError):
    """The cluster has forgotten the run."""


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A step began or ended."""

    slug: str
    name: str
    status: Status
    seconds: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LogText:
    """What a step has printed since the last time."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not as it should be, and does not end the run."""

    text: str


Watcher = Callable[["StepChanged | LogText | Note"], None]


class Follower:
    """Follows one run.

    Args:
        run_id: The run's id here.
        watch: Told what changes.
        logs: Whether what steps print is asked for.
    """

    def __init__(
        self,
        cluster: Cluster,
        database: Database,
        home: Home,
        run_id: str,
        *,
        watch: Watcher | None = None,
        logs: bool = False,
    ) -> None:
        self._cluster = cluster
        self._database = database
        self._home = home
        self._watch: Watcher = watch or (lambda _: None)
        self._logs = logs
        self._printed: dict[str, int] = {}
        self._noted: set[str] = set()
        self._storage = Storage(cluster.runtime)
        self._changed = False
        self.run_id = run_id

    def follow(self, stop: threading.Event | None = None) -> Status:
        """Ask again and again, less often the less changes, until the run has ended.

        Args:
            stop: Ends the following, not the run.

        Raises:
            GoneError: The run was deleted on the cluster.
            Unreachable: The cluster could not be reached for long; the run goes on.
            Refused: The cluster does not answer questions.
        """
        stop = stop or threading.Event()
        pace, attempt, silent = self._cluster.pace, 0, None
        while True:
            wish = None
            try:
                status = self.refresh()
                silent = None
                if status in FINAL or stop.is_set():
                    return status
                attempt = 0 if self._changed else attempt + 1
            except Trouble as error:
                silent = silent or time.monotonic()
                if not error.passing or time.monotonic() - silent > pace.patience:
                    raise _given_up(error, self.run_id) from None
                self._note(f"{error.message} The run goes on; asking again.")
                wish, attempt = error.retry_after, attempt + 1
            stop.wait(pace.pause(attempt, wish))

    def refresh(self) -> Status:
        """Ask once, and record what has changed; return how the run stands.

        Raises:
            GoneError: The run was deleted on the cluster.
            Unreachable: The cluster can't be reached.
            Refused: The cluster does not answer the question.
        """
        self._changed = False
        place = settle_start(self._cluster, self._database, self.run_id)
        had_ended = self._database.status(self.run_id) in FINAL
        try:
            run = self._cluster.run(place.run_id)
        except Refused as error:
            if error.kind != "missing":
                raise
            raise self._gone(place) from None
        status = run_status(run)
        if had_ended and status not in FINAL:  # somebody has let it go on, there
            self._database.reopen_run(self.run_id)
        records = self._database.steps_of(self.run_id)
        states = step_states(run, [(step.slug, step.name) for step in records])
        reports = self._reports(place, [state for state in states if state.status in FINAL], records)
        for record, state in zip(records, states, strict=True):
            self._print_log(record, state, place)
            self._record(record, state, reports.get(record.slug, StepReport()), place)
        if status in FINAL:
            self._finish(run, status)
        return status

    def _record(self, record: StepRecord, state: StepState, report: StepReport, place: ClusterRun) -> None:
        if record.status in FINAL or (record.status == state.status):
            return
        if state.status == "queued":
            return
        if record.status == "queued" and state.status != "skipped" and state.started is not None:
            self._begin(record, state, place)
        if state.status in FINAL:
            self._end(record, state, report)

    def _begin(self, record: StepRecord, state: StepState, place: ClusterRun) -> None:
        with self._database.transaction():
            if self._status_of(record.slug) == "queued":  # somebody else may follow the run as well
                self._database.start_step(self.run_id, record.slug, kernel=f"kubeflow ({place.runtime})")
                self._database.set_step_times(self.run_id, record.slug, state.started, None)
        self._tell(record, "running")

    def _status_of(self, slug: str) -> Status:
        return next(step.status for step in self._database.steps_of(self.run_id) if step.slug == slug)

    def _end(self, record: StepRecord, state: StepState, report: StepReport) -> None:
        origin = None
        if state.status == "reused" and not report.notebook:
            origin, report = self._reused(record)
        made = {item.id: item for item in self._database.artifacts_of(self.run_id)}
        outcome = StepOutcome(
            state.status,
            seconds=None if state.started is None or state.finished is None else _seconds(state),
            cached=state.status == "reused",
            reused_from=origin,
            reason=_reason(state),
            notebook=self._keep_notebook(record, report),
            error=self._failure(state, report) if state.status == "failed" else None,
            inputs=taken(report.inputs, made),
            outputs=report.outputs,
            metrics=[MetricRecord(name, value) for name, value in report.metrics.items()],
            documents={URIS: json.dumps(dict(report.uris))} if report.uris else {},
        )
        with self._database.transaction():
            if self._status_of(record.slug) in FINAL:
                return
            self._database.finish_step(self.run_id, record.slug, outcome)
            self._database.set_step_times(self.run_id, record.slug, state.started, state.finished)
        self._tell(record, state.status, outcome.seconds, outcome.reason)

    def _reused(self, record: StepRecord) -> tuple[str | None, StepReport]:
        found = earlier_report(self._database, self.run_id, record.slug)
        if found is None:
            self._note(
                f"The cluster has reused results of {record.name} that a run made which is not on record here: its "
                "metrics and artifacts are not recorded. --no-cache runs all steps."
            )
            return None, StepReport()
        return found

    def _finish(self, run: Json, status: Status) -> None:
        with self._database.transaction():
            if self._database.status(self.run_id) in FINAL:
                return
            self._database.finish_run(self.run_id, status)
            finished = milliseconds(run.get("finished_at"))
            if finished is not None:
                self._database.set_finished(self.run_id, finished)
            if status == "failed" and (error := error_of(run)):
                self._database.record_document(self.run_id, "cluster error", self._cluster.transport.redact(error))

    def _gone(self, place: ClusterRun) -> GoneError:
        self._cluster.health()  # if the API itself is not there, that is another problem
        with self._database.transaction():
            if self._database.status(self.run_id) not in FINAL:
                for step in self._database.steps_of(self.run_id):
                    if step.status not in FINAL:
                        outcome = StepOutcome("cancelled", reason=_DELETED)
                        self._database.finish_step(self.run_id, step.slug, outcome)
                self._database.finish_run(self.run_id, "cancelled")
        return GoneError(
            f"The run {self.run_id} is no longer at the runtime {place.runtime!r}: it was deleted there.",
            hint="What is on record of it stays, as cancelled. Submit it again to run it again.",
        )

    def _reports(
        self, place: ClusterRun, ended: list[StepState], records: tuple[StepRecord, ...]
    ) -> dict[str, StepReport]:
        """What the steps that have just ended say of themselves; not being able to read it ends nothing."""
        known = {step.slug for step in records if step.status in FINAL}
        slugs = [state.slug for state in ended if state.slug not in known and state.status != "skipped"]
        if not slugs:
            return {}
        found, lacking = self._left(place, slugs)
        for state in ended:
            if state.slug in slugs and state.slug not in found and state.status != "reused":
                report = told_in_log(self._log(state))
                if report is not None:
                    found[state.slug] = self._with_notebook(report)
                elif state.status == "succeeded":
                    self._note(f"Metrics and artifacts are not recorded: {lacking}")
        return found

    def _left(self, place: ClusterRun, slugs: Sequence[str]) -> tuple[dict[str, StepReport], str]:
        """What steps say of themselves where their artifacts are, and why not all of them do."""
        if not place.pipeline_root:
            return {}, (
                f"the runtime {place.runtime!r} has no pipeline_root in mlops.toml, so where they are is not known, "
                "and the step's log does not say it."
            )
        try:
            known = find_reports(self._storage, place)
            found = {slug: read_report(self._storage, known[slug]) for slug in slugs if slug in known}
            return found, f"nothing of the step is below {place.pipeline_root}, and its log does not say it."
        except Trouble:
            raise
        except MlopsError as error:
            return {}, f"{error.message} {error.hint or ''}".rstrip()

    def _with_notebook(self, report: StepReport) -> StepReport:
        """With the executed notebook, if it can be had; metrics and artifacts are on record without it, too."""
        try:
            return replace(report, notebook=self._storage.read_configured(report.place))
        except MlopsError:
            return report

    def _keep_notebook(self, record: StepRecord, report: StepReport) -> str | None:
        if not report.notebook:
            return None
        path = Path("steps") / f"{record.position + 1:02d}-{record.slug}.ipynb"
        target = self._home.run(self.run_id) / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(".tmp")
            temporary.write_text(report.notebook, encoding="utf-8")
            temporary.replace(target)
        except OSError as error:
            self._note(f"The executed notebook of {record.name} can't be kept: {error.strerror or error}.")
            return None
        return path.as_posix()

    def _failure(self, state: StepState, report: StepReport) -> FailureRecord:
        if report.error is not None:
            return report.error
        message = self._cluster.transport.redact(state.error or "the cluster does not say why")
        return failure_in(self._log(state), message, self._cell_ids())

    def _cell_ids(self) -> list[str]:
        text = self._database.document(self.run_id, "notebook")
        return [str(cell.get("id") or "") for cell in json.loads(text).get("cells", ())] if text else []

    def _log(self, state: StepState) -> str:
        place = settle_start(self._cluster, self._database, self.run_id)
        try:
            return self._cluster.log(state.pod, place.run_id) if state.pod else ""
        except (Refused, Unreachable):
            return ""

    def _print_log(self, record: StepRecord, state: StepState, place: ClusterRun) -> None:
        if not self._logs or state.pod is None or record.status in FINAL or state.status in ("queued", "reused"):
            return
        try:
            text = self._cluster.log(state.pod, place.run_id)
        except (Refused, Unreachable) as error:
            if error.kind != "missing":  # a pod that is only about to begin has none
                self._logs = False
                self._note(f"What steps print can't be shown: {error.message}")
            return
        # Whole lines, until the step has ended.
        end = len(text) if state.status in FINAL else text.rfind("\n") + 1
        start = self._printed.get(state.pod, 0)
        if end > start:
            self._printed[state.pod] = end
            self._changed = True
            if shown := without_record(text[start:end]):
                self._watch(LogText(record.name, shown))

    def _tell(
        self, record: StepRecord, status: Status, seconds: float | None = None, reason: str | None = None
    ) -> None:
        self._changed = True
        self._watch(StepChanged(record.slug, record.name, status, seconds, reason))

    def _note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._watch(Note(text))


def failure_in(log: str, message: str, cells: Sequence[str] = ()) -> FailureRecord:
    """Return why a step failed, by the last lines of its log.

    Args:
        message: What the cluster says, where the log says nothing.
        cells: Ids of all cells of the page.
    """
    lines = log.rstrip().splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if match := _EXPLAINED.match(lines[number]):
            text = "\n".join(lines[number : number + _TAIL])
            cell, line = _place(match["cell"], text)
            known = cells[cell - 1] if 0 < cell <= len(cells) else None
            return FailureRecord(match["type"], match["message"] or match["type"], known, line, text)
        if lines[number].startswith("error: "):
            text = "\n".join(lines[number:])
            return FailureRecord("StepFailed", text.removeprefix("error: "))
    return FailureRecord("StepFailed", message, traceback="\n".join(lines[-_TAIL:]))


def _place(number: str | None, text: str) -> tuple[int, int | None]:
    """Number of the cell, and the line in it where the first call began."""
    if number is None:
        return 0, None
    line = re.search(rf"^  cell {number}\b.*, line (\d+)$", text, re.MULTILINE)
    return int(number), int(line[1]) if line else None


def _reason(state: StepState) -> str | None:
    if state.status == "reused":
        return "the cluster has its results from an earlier run"
    if state.status == "skipped":
        return "a step that it needs failed"
    return None


def _seconds(state: StepState) -> float:
    assert state.started is not None and state.finished is not None
    return max(0.0, (state.finished - state.started) / 1000)


def _given_up(error: Unreachable | Refused, run_id: str) -> Unreachable | Refused:
    error.hint = f"The run may well go on: jupyter mlops runs show {run_id} looks again."
    return error
