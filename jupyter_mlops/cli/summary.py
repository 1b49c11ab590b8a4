"""What ``run`` says at the end: how it went, the metrics, where things are, what to try next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.cli.checking import say_gates
from jupyter_mlops.cli.output import count, display_path, report_error, say, table
from jupyter_mlops.errors import InfrastructureError, MlopsError, StepError
from jupyter_mlops.pipeline.places import cell_place

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult, StepFailure, StepResult
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Parameter, Pipeline

__all__ = ["report_failure", "report_failures", "say_summary"]

_COLORS = {"succeeded": "green", "reused": "green", "failed": "red", "cancelled": "yellow"}
_REPORT = "report.html"
_MOST_TRACEBACK = 40
_MOST_MESSAGE = 20


def say_summary(
    result: RunResult, *, notebook: str, report: Path | None, parameters: Sequence[Parameter], again: str
) -> None:
    """Print how a run went.

    Args:
        notebook: The notebook's file as the user wrote it.
        report: The file that was asked for with ``--report``.
        parameters: Those of the pipeline, for what to try next.
        again: The command that runs the same once more.
    """
    say()
    say(_status(result), bold=True, color=_COLORS.get(result.status))
    used = [row for step in result.steps if (row := _used(step))]
    if used:
        say()
        say("Used", bold=True)
        for line in table(used):
            say(line)
    if result.metrics:
        say()
        say("Metrics", bold=True)
        for line in table([(name, _number(value)) for name, value in result.metrics.items()]):
            say(line)
    say_gates(result)
    for note in result.notes:
        say()
        say(f"Note: {note}", color="yellow")
    say()
    for line in table(_places(result, report), indent=""):
        say(line)
    suggestions = _suggestions(result, notebook, parameters, again)
    if suggestions:
        say()
        say("Next", bold=True)
    for line in table(suggestions) if suggestions else ():
        say(line)


def _status(result: RunResult) -> str:
    states = Counter(step.status for step in result.steps)
    shown = ", ".join(f"{number} {state}" for state, number in states.items())
    states_of_steps = f" ({shown})" if shown else ""
    return (
        f"{result.status.capitalize()} in {result.seconds:.1f} s: {count(len(result.steps), 'step')}{states_of_steps}"
    )


def _used(step: StepResult) -> tuple[str, ...]:
    """What a step that ran took: wall time, processor time, memory, attempts; nothing where nothing is known."""
    if step.cpu_seconds is None or step.peak_memory is None:
        return ()
    attempts = count(step.attempts, "attempt") if step.attempts > 1 else ""
    memory = f"{step.peak_memory / 1e6:,.0f} MB"
    return (step.name, f"{step.seconds:.1f} s", f"{step.cpu_seconds:.1f} s of CPU", memory, attempts)


def _number(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _places(result: RunResult, report: Path | None) -> list[tuple[str, str]]:
    places = [("Run", result.run_id)]
    if result.baseline is not None:
        places.append(("Baseline", result.baseline))
    if result.output_notebook is not None:
        places.append(("Executed notebook", display_path(result.output_notebook)))
    steps = [step.notebook for step in result.steps if step.notebook is not None]
    if steps:
        places.append(("Executed steps", display_path(steps[0].parent)))
    places += [(f"Log of {step.name}", display_path(step.log)) for step in result.failures if step.log is not None]
    page = report or result.directory / _REPORT
    if page.exists():
        places.append(("Report", display_path(page)))
    return places


def _suggestions(
    result: RunResult, notebook: str, parameters: Sequence[Parameter], again: str
) -> list[tuple[str, str]]:
    file = shlex.quote(notebook)
    is_file = notebook != "-" and "://" not in notebook
    found = []
    if result.status == "cancelled":
        found.append((again, "run it again"))
    failed = next((step.notebook for step in result.failures if step.notebook is not None), None)
    if failed is not None:
        found.append((f"jupyter lab {shlex.quote(display_path(failed))}", "the failed step, with all of its traceback"))
    if result.output_notebook is not None:
        path = shlex.quote(display_path(result.output_notebook))
        found.append((f"jupyter lab {path}", "look at the outputs"))
    if not is_file:
        return found
    if result.failures:
        found.append((f"jupyter mlops run {file} --log-output", "see what the steps print"))
    elif parameters:
        found.append((f"jupyter mlops run {file} -p {parameters[0].name} VALUE", "run with another value"))
    found.append((f"jupyter mlops check {file} --verbose", "see what the analysis found"))
    return found


def report_failures(result: RunResult, source: Notebook, pipeline: Pipeline) -> None:
    """Print on stderr why steps failed: place, exception, traceback, what to do."""
    for step in result.failures:
        if step.error is not None:
            report_failure(step, step.error, source, pipeline)


def report_failure(step: StepResult, failure: StepFailure, source: Notebook, pipeline: Pipeline) -> None:
    """Print on stderr why a step failed."""
    lines = failure.traceback.rstrip().splitlines()
    if len(lines) > _MOST_TRACEBACK:
        lines = ["...", *lines[-_MOST_TRACEBACK:]]
    if lines:
        say(err=True)
    for line in lines:
        say(f"    {line}", err=True)
    place = cell_place(source, failure.cell, failure.line, pipeline) or f"step {step.name}"
    kind: type[MlopsError] = StepError if failure.kind == "user" else InfrastructureError
    first = failure.message.strip().splitlines() or [failure.ename]
    if len(first) > _MOST_MESSAGE:
        first = [*first[:_MOST_MESSAGE], "..."]
    message = f"{display_path(source.path)}, {place}: " + "\n".join(first)
    report_error(kind(message, hint=failure.hint))
