"""What has become of the steps of a run: kept here for its end, and recorded as it happens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.attempts import Attempts
from jupyter_mlops.engine.collecting import Collected, run_artifacts
from jupyter_mlops.engine.decision import Decision
from jupyter_mlops.engine.figures import figures_of
from jupyter_mlops.engine.logged import LOGGED, latest
from jupyter_mlops.engine.output import write_whole
from jupyter_mlops.engine.recording import step_outcome, whole_notebook
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.result import RunResult, Status, StepResult
from jupyter_mlops.engine.reuse import Reuse
from jupyter_mlops.engine.session import StepSession
from jupyter_mlops.engine.stepreport import StepReport, redacted_report
from jupyter_mlops.engine.surroundings import Surroundings
from jupyter_mlops.engine.takeover import Found
from jupyter_mlops.engine.training import TRAINING, training_of
from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, RunRecord

__all__ = ["LOG", "Ledger", "step_stem"]


LOG = "log"
"""Name of the document with the place of a step's log, relative to the run's folder."""


class Ledger:
    """The books of a run.

    Args:
        run: The run as the database knows it.
        reuse: Who knows under which key results are found again.
    """

    def __init__(self, request: RunRequest, home: Home, database: Database, reuse: Reuse, run: RunRecord) -> None:
        self._request = request
        self._pipeline = request.pipeline
        self._database = database
        self._reuse = reuse
        self._objects = ObjectStore(home.objects)
        self.run_id = run.run_id
        self.directory = home.run(run.run_id)
        self.decisions: dict[str, Decision] = {}
        self.executed: dict[str, Mapping[str, Any]] = {}
        self.artifacts: dict[str, ArtifactRecord] = {}
        self._results: dict[str, StepResult] = {}
        self._made: dict[str, tuple[ArtifactRecord, ...]] = {}
        self._metrics: dict[str, Mapping[str, float]] = {}
        self._surroundings: Surroundings | None = None
        if request.instruments is None:  # a run that is observed is no run of the user's
            committed = run.commit is not None
            self._surroundings = Surroundings(
                database, run.run_id, request.project, commit=committed, redactor=request.redactor
            )

    def look_around(self, *, last: bool = False) -> None:
        """Record what is known by now of the place where this happens; call it again.

        Args:
            last: Whether there is no later.
        """
        if self._surroundings is None:
            return
        if self._surroundings.wants_environment:
            self._surroundings.record_environment(self._reuse.interpreter())
        self._surroundings.record_diff(last=last)

    @property
    def has_failures(self) -> bool:
        """Whether a step has failed."""
        return any(result.status == "failed" for result in self._results.values())

    def stem(self, step: Step) -> str:
        """Return the beginning of the names of a step's files."""
        return step_stem(self._pipeline.steps.index(step), step.slug)

    def notebook_of(self, step: Step) -> Path:
        """Return where a step's executed notebook goes, relative to the run's folder."""
        return Path("steps") / f"{self.stem(step)}.ipynb"

    def reused(self, step: Step, decision: Decision, found: Found, seconds: float) -> StepResult:
        """Note that a step's results were taken from an earlier run."""
        executed = self.executed[step.slug]
        figures, _ = figures_of(executed, self._request.notebook, step, self._objects)
        report = StepReport(
            executed,
            Collected(found.outputs, found.metrics),
            files=tuple(self._reuse.source_files(step)),
            complete=True,
            logged=found.logged,
            figures=figures,
        )
        report = redacted_report(report, self._request.redactor)
        self.keep(step.slug, report)
        self.decisions[step.slug] = decision
        return self.settle(step.slug, "reused", decision.reason, report, seconds)

    def keep(self, slug: str, report: StepReport) -> None:
        """Take a step's results up into the run."""
        if report.notebook is not None:
            self.executed[slug] = report.notebook
        self._made[slug] = report.outputs
        self.artifacts.update({record.id: record for record in report.collected.outputs})
        self._metrics[slug] = {**latest(report.logged.metrics), **report.collected.metrics}

    def settle(
        self,
        slug: str,
        status: Status,
        reason: str | None = None,
        report: StepReport | None = None,
        seconds: float = 0.0,
        *,
        session: StepSession | None = None,
        attempts: Attempts | None = None,
    ) -> StepResult:
        """Record how a step ended.

        Args:
            session: Its last attempt, if there was one.
            attempts: All of them.
        """
        step = self._pipeline.step(slug)
        report = report or StepReport()
        notebook = self.notebook_of(step) if report.notebook is not None else None
        decision = self.decisions.get(slug)
        key = self._key(step, status, report, decision)
        found = None if decision is None or key is None else decision.found
        inputs = [self.artifacts[name] for name in step.loads if name in self.artifacts] if report.notebook else []
        documents = dict(attempts.documents()) if attempts is not None else {}
        path = None if notebook is None else self.directory / notebook
        if key and decision:
            documents.update(self._reuse.documents(decision, report.collected.metrics, path))
        log = self.directory / "steps" / f"{self.stem(step)}.log"
        documents.update(self._facts(step, status, report, inputs, log))
        usage = None if session is None else session.usage
        outcome = step_outcome(
            status,
            report,
            seconds=seconds,
            reason=reason,
            notebook=notebook,
            inputs=inputs,
            cache_key=key,
            reused_from=None if found is None else found.run_id,
            documents=documents,
            kernel=None if session is None else session.kernel,
            usage=usage,
        )
        self._reuse.publish(self.run_id, slug, outcome, report, path)
        self._database.finish_step(self.run_id, slug, outcome)
        result = StepResult(
            step.name,
            slug,
            status,
            outcome.cached,
            seconds,
            reason,
            report.failure if status == "failed" else None,
            path,
            log if log.exists() else None,
            attempts.count if attempts is not None else 0,
            outcome.kernel,
            outcome.cpu_seconds,
            outcome.peak_memory,
        )
        self._results[slug] = result
        return result

    def result(self, status: Status, seconds: float) -> RunResult:
        """Write the whole notebook; return how the run ended.

        Raises:
            InfrastructureError: It can't be written.
        """
        self.look_around(last=True)
        request, steps = self._request, self._pipeline.steps
        output = self.directory / "output.ipynb"
        text = whole_notebook(request, self.executed, self.run_id, status, request.output or output)
        write_whole(output, text)
        if request.output is not None:
            try:
                write_whole(request.output, text)
            except InfrastructureError as error:
                raise InfrastructureError(error.message, hint=f"The run is done; its notebook is {output}.") from error
        metrics: dict[str, float] = {}
        for step in steps:
            metrics.update(self._metrics.get(step.slug, {}))
        return RunResult(
            run_id=self.run_id,
            status=status,
            seconds=seconds,
            steps=tuple(self._results[step.slug] for step in steps),
            output_notebook=request.output or output,
            directory=self.directory,
            metrics=metrics,
            sources=self._reuse.watched(),
            artifacts=tuple(item for step in steps for item in run_artifacts(step, self._made.get(step.slug, ()))),
        )

    def _facts(
        self, step: Step, status: Status, report: StepReport, inputs: Sequence[ArtifactRecord], log: Path
    ) -> dict[str, str]:
        """Return what else is kept with a step: its log's place, what it logged, what estimators were fitted with."""
        facts: dict[str, str] = {}
        if status != "reused" and log.is_file():
            facts[LOG] = log.relative_to(self.directory).as_posix()
        if (text := report.logged.document()) is not None:
            facts[LOGGED] = text
        if any(_holds_estimator(item) for item in report.outputs):
            trees = self._reuse.trees(step)
            training = training_of(report.outputs, [*inputs, *report.files], trees, step.mutates)
            if training:
                facts[TRAINING] = json.dumps(training, ensure_ascii=False)
        return facts

    def _key(self, step: Step, status: Status, report: StepReport, decision: Decision | None) -> str | None:
        """What the results will be found by."""
        if decision is not None and status == "reused":
            return decision.key
        if decision is not None and status == "succeeded" and report.complete:
            return self._reuse.confirmed_key(step, self.artifacts, decision)
        return None


def step_stem(position: int, slug: str) -> str:
    """Return the beginning of the names of a step's files."""
    return f"{position + 1:02d}-{slug}"


def _holds_estimator(record: ArtifactRecord) -> bool:
    schemas = (member.get("schema") for member in record.members.values())
    return any(isinstance(schema, Mapping) and "estimator" in schema for schema in schemas)
