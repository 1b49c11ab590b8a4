"""Runs a notebook whole and as a pipeline, and compares what comes of it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.engine.events import Reporter
from jupyter_mlops.engine.result import RunResult, StepFailure
from jupyter_mlops.engine.runner import run_pipeline
from jupyter_mlops.errors import InfrastructureError, PipelineError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.store.home import project_root
from jupyter_mlops.verify.causes import Detective
from jupyter_mlops.verify.comparison import Found, Varying, compare, varying
from jupyter_mlops.verify.declared import undeclared
from jupyter_mlops.verify.evidence import Evidence, Key, make_evidence
from jupyter_mlops.verify.model import Difference, StepVerdict, Unstable, Verification
from jupyter_mlops.verify.observation import Observation, install_probe, read_notes
from jupyter_mlops.verify.workspace import Workspace, plan_copy

__all__ = ["verify_notebook"]

_RUNS = 2
_MOST_RUNS = 4
"""How often the notebook is run whole to find out whether a difference comes and goes by itself."""


def verify_notebook(
    pipeline: Pipeline,
    notebook: Notebook,
    *,
    parameters: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    reporter: Reporter | None = None,
) -> Verification:
    """Find out whether a pipeline computes what its notebook computes.

    The notebook runs whole in one kernel, twice; then each step runs in a process and a copy of the project of its
    own, in an order as far from the page's as the edges allow. Nothing is written into the project or the store.

    Args:
        pipeline: The pipeline.
        notebook: The notebook it was made of.
        parameters: Values for declared parameters, of their types.
        timeout: Seconds for each run of the whole notebook, and for each step that sets none itself.
        reporter: Told what happens.

    Raises:
        PipelineError: The notebook has errors; nothing was run.
        UsageError: A parameter or the kernel makes no sense, or the project is too large to copy.
        InfrastructureError: A kernel died or did not start, or the disk is full.
        KeyboardInterrupt: The user stopped it.
    """
    if has_errors(pipeline.diagnostics):
        raise PipelineError(f"{pipeline.name} is not a valid pipeline.", pipeline.diagnostics)
    with tempfile.TemporaryDirectory(prefix="mlops-verify-", ignore_cleanup_errors=True) as name:
        laboratory = _Laboratory(pipeline, notebook, Path(name), parameters or {}, timeout, reporter)
        return laboratory.verify()


@dataclass
class _Laboratory:
    """Where the runs take place."""

    pipeline: Pipeline
    notebook: Notebook
    place: Path
    parameters: Mapping[str, Any]
    timeout: float | None
    reporter: Reporter | None

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        folder = (self.notebook.path.parent if self.notebook.path is not None else Path.cwd()).resolve()
        plan = plan_copy(project_root(folder), folder, self._may_write)
        self.workspace = Workspace(self.place / "work", plan, folder)
        self.probe = install_probe(self.place / "code")
        self.count = 0

    def verify(self) -> Verification:
        """Run everything and judge."""
        wholes: list[Evidence] = []
        for _ in range(_RUNS):
            wholes.append(self._run_whole(len(wholes) + 1))
            if (failure := _failure(wholes[-1].result)) is not None:
                return self._verification(len(wholes), failure=failure)
        other = self._run_pipeline()
        findings = undeclared(self.pipeline, self.notebook, other, self.workspace)
        while True:
            ignored = varying(self.pipeline, wholes)
            found = compare(self.pipeline, self.notebook, wholes[0], other, ignored)
            differences = self._differences(
                found, wholes, other, Detective(self.pipeline, wholes, other, ignored, findings)
            )
            if not _may_come_and_go(differences) or len(wholes) >= _MOST_RUNS:
                break
            again = self._run_whole(len(wholes) + 1)
            if _failure(again.result) is not None:
                break
            wholes.append(again)
        return self._verification(
            len(wholes),
            steps=self._verdicts(wholes[0], other, differences),
            differences=tuple(differences),
            unstable=self._unstable(wholes, ignored),
            undeclared=findings,
        )

    def _may_write(self, path: Path) -> bool:
        written = {Path(name).name for step in self.pipeline.steps for name in step.files_written}
        return path.name in written or any(step.writes_unknown_files for step in self.pipeline.steps)

    # runs

    def _run_whole(self, number: int) -> Evidence:
        pipeline = _whole(self.pipeline, self.notebook)
        pipeline = replace(pipeline, name=f"{self.pipeline.name}, whole ({number})")
        defaults = replace(self.notebook.defaults, timeout=None)  # meant for a step
        return self._run(pipeline, replace(self.notebook, defaults=defaults), watch=False)

    def _run_pipeline(self) -> Evidence:
        pipeline = replace(_latest_first(self.pipeline), name=f"{self.pipeline.name}, step by step")
        return self._run(pipeline, self.notebook, watch=True)

    def _run(self, pipeline: Pipeline, notebook: Notebook, *, watch: bool) -> Evidence:
        self.count += 1
        place = self.place / f"run{self.count}"
        observation = Observation(self.pipeline, self.notebook, self.workspace, place, self.probe, watch=watch)
        result = run_pipeline(
            pipeline,
            notebook,
            home=self.place / "home",
            parameters=self.parameters,
            workers=1,
            reporter=self.reporter,
            timeout=self.timeout,
            trigger="verify",
            instruments=observation,
        )
        if result.status == "cancelled":
            raise KeyboardInterrupt
        for step in result.failures:
            if step.error is not None and step.error.kind == "infrastructure":
                raise InfrastructureError(f"{step.name}: {step.error.message}", hint=step.error.hint)
        return make_evidence(self.pipeline, result, read_notes(observation.notes), _outputs(result))

    # judgement

    def _differences(
        self, found: Sequence[Found], wholes: Sequence[Evidence], other: Evidence, detective: Detective
    ) -> list[Difference]:
        every = sorted([*found, *self._failures(other)], key=self._place)
        differences = []
        for place, item in enumerate(every):
            failure = self._error(other, item) if item.key.kind == "failure" else None
            if failure is not None:
                cause = detective.failure(self.pipeline.step(item.key.owner), failure, every[:place])
            else:
                cause = detective.cause(item, every[:place])
            line = None if failure is None else failure.line
            name = item.key.name
            differences.append(
                Difference(item.cell, item.step, name, item.key.kind, item.first, item.second, cause, line)
            )
        return differences

    def _place(self, found: Found) -> int:
        return next((cell.index for cell in self.notebook.cells if cell.id == found.cell), -1)

    def _failures(self, other: Evidence) -> list[Found]:
        found = []
        for result in other.result.failures:
            step = self.pipeline.step(result.slug)
            if result.error is not None:
                cell = result.error.cell or step.cells[-1]
                key = Key("failure", step.slug, result.error.ename)
                found.append(Found(key, cell, step.slug, "no error", result.error.message))
        return found

    def _error(self, other: Evidence, item: Found) -> StepFailure | None:
        return next((result.error for result in other.result.failures if result.slug == item.key.owner), None)

    def _verdicts(self, whole: Evidence, other: Evidence, differences: Sequence[Difference]) -> tuple[StepVerdict, ...]:
        results = {step.slug: step for step in other.result.steps}
        verdicts = []
        for step in self.pipeline.steps:
            mine = [item for item in differences if item.step == step.slug]
            ran = step.slug in other.ends
            compared = [key for key in whole.items if key.owner == step.slug or key.owner in step.cells]
            equal = not mine if ran or mine else None
            shared = sum(key in other.items for key in compared) if ran else 0
            verdicts.append(StepVerdict(step.name, step.slug, equal, results[step.slug].status, shared))
        return tuple(verdicts)

    def _unstable(self, wholes: Sequence[Evidence], ignored: Varying) -> tuple[Unstable, ...]:
        found: dict[Key, Unstable] = {}
        for other in wholes[1:]:
            for item in compare(self.pipeline, self.notebook, wholes[0], other, {}):
                key = item.key
                made = key.kind == "input" and any(one.kind == "value" and one.name == key.name for one in found)
                if key in ignored and key not in found and not made:
                    found[key] = Unstable(item.cell, item.step, key.name, key.kind, item.first, item.second)
        return tuple(found.values())

    def _verification(self, runs: int, **rest: Any) -> Verification:
        seconds = time.monotonic() - self.began
        return Verification(self.pipeline.name, self.notebook.path, runs, seconds, **rest)


def _failure(result: RunResult) -> StepFailure | None:
    return next((step.error for step in result.failures), None)


def _may_come_and_go(differences: Sequence[Difference]) -> bool:
    """Whether every difference follows from something that differs from run to run anyway."""
    blamed = [item for item in differences if item.cause.code != "upstream"]
    return bool(blamed) and all(item.cause.code == "unstable" for item in blamed)


def _whole(pipeline: Pipeline, notebook: Notebook) -> Pipeline:
    """The notebook as one step: all its cells but skipped ones, in one kernel."""
    cells = tuple(
        replace(
            cell,
            role="step" if cell.role in ("imports", "functions", "setup") else cell.role,
            step=None,
            after=(),
            inputs=(),
            outputs=(),
            metrics=False,
            metric_names=(),
        )
        for cell in notebook.cells
    )
    sliced = slice_notebook(replace(notebook, cells=cells))
    environment = {name: value for step in pipeline.steps for name, value in step.settings.env.items()}
    steps = tuple(
        replace(step, name="whole notebook", slug="whole", settings=replace(step.settings, env=environment))
        for step in sliced.steps
    )
    return replace(sliced, steps=steps, kernel=pipeline.kernel, diagnostics=())


def _latest_first(pipeline: Pipeline) -> Pipeline:
    """Put the steps in a valid order in which those at the end of the page come as early as possible.

    An edge that is missing shows best this way.
    """
    waiting = list(pipeline.steps)
    done: set[str] = set()
    order: list[Step] = []
    while waiting:
        ready = [step for step in waiting if done.issuperset(pipeline.upstream(step.slug))]
        step = ready[-1] if ready else waiting[0]
        waiting.remove(step)
        done.add(step.slug)
        order.append(step)
    return replace(pipeline, steps=tuple(order))


def _outputs(result: RunResult) -> dict[str, list[Mapping[str, Any]]]:
    """Outputs of the cells that were executed."""
    if result.output_notebook is None:
        return {}
    combined = json.loads(result.output_notebook.read_text(encoding="utf-8"))
    return {cell["id"]: cell["outputs"] for cell in combined["cells"] if cell["cell_type"] == "code"}
