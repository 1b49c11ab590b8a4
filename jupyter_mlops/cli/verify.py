"""``jupyter mlops verify``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, print_json, say
from jupyter_mlops.cli.parameters import given_parameters, parameter_options
from jupyter_mlops.cli.reading import read, refuse_errors

if TYPE_CHECKING:
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.verify.model import Difference, Undeclared, Unstable, Verification

__all__ = ["command"]

_MOST = 10
_DEEDS = {
    "read": "reads the file {name}",
    "write": "writes the file {name}",
    "process": "starts a process, which may touch any file: {name}",
    "mutation": "changes {name} in place",
}


@click.command("verify")
@click.argument("notebook")
@parameter_options
@click.option("-k", "--kernel", metavar="NAME", help="Kernel to run with. [default: the notebook's]")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long the whole notebook may take, and a step that sets no timeout of its own.",
)
@click.option("--progress-bar/--no-progress-bar", default=True, help="Show the progress on stderr. [default: yes]")
@format_option
def command(
    notebook: str, kernel: str | None, timeout: float | None, progress_bar: bool, form: str, **parameters: Any
) -> int:
    """Run a notebook whole and as a pipeline, and compare all that they compute and show.

    The notebook runs whole in one kernel, twice, so that what differs by itself is known; then each
    step runs in a process and a copy of the project of its own. Nothing in the project is written.
    Exit code 0 if everything is equal, 3 if not, 1 if the notebook itself fails.
    """
    from jupyter_mlops import api
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.pipeline.places import cell_labels

    source, pipeline = read(notebook, kernel)
    refuse_errors(source, pipeline)
    values = given_parameters(source, pipeline, parameters)
    reporter = progress(cell_labels(source), shown=progress_bar, output=False)
    with reporter.showing() if reporter else nullcontext():
        verdict = api.verify(source, values, timeout=timeout, reporter=reporter)
    if form == "json":
        print_json(verdict.to_json())
    else:
        _say_verdict(verdict, source, pipeline)
    if verdict.failure is not None:
        _report_failure(verdict, source, pipeline)
    return verdict.exit_code


def _report_failure(verdict: Verification, source: Notebook, pipeline: Pipeline) -> None:
    from jupyter_mlops.cli.summary import report_failure
    from jupyter_mlops.engine.result import StepResult

    result = StepResult("whole notebook", "whole", "failed", error=verdict.failure)
    assert verdict.failure is not None
    report_failure(result, verdict.failure, source, pipeline)


def _say_verdict(verdict: Verification, source: Notebook, pipeline: Pipeline) -> None:
    if verdict.failure is not None:
        say(f"{verdict.name}: the notebook itself fails, so there is nothing to compare.", bold=True, color="red")
        return
    compared = f"{count(verdict.compared, 'value')} and outputs of {count(len(verdict.steps), 'step')}"
    how = f"in {verdict.seconds:.1f} s, against {verdict.runs} runs of the whole notebook"
    if verdict.equal:
        say(f"{verdict.name}: equal. Compared {compared} {how}.", bold=True, color="green")
    else:
        differ = count(len(verdict.differences), "difference")
        say(f"{verdict.name}: not equal, {differ}. Compared {compared} {how}.", bold=True, color="red")
    _say_differences(verdict.differences, source, pipeline)
    _say_undeclared(verdict.undeclared, source, pipeline)
    _say_unstable(verdict.unstable, source, pipeline)


def _say_differences(differences: Sequence[Difference], source: Notebook, pipeline: Pipeline) -> None:
    if not differences:
        return
    first, *others = differences
    say()
    say(
        f"First difference: {_place(first.cell, first.line, source, pipeline)}, {_what(first.kind, first.name)}",
        bold=True,
    )
    _say_text("whole notebook", first.whole)
    _say_text("pipeline", first.pipeline)
    say(f"  likely cause: {first.cause.text}")
    say(f"  hint: {first.cause.hint}")
    if others:
        say()
        say("Others", bold=True)
    for item in others[:_MOST]:
        say(f"  {_place(item.cell, item.line, source, pipeline)}, {_what(item.kind, item.name)}: {item.cause.text}")
    _say_more(others)


def _say_undeclared(items: Sequence[Undeclared], source: Notebook, pipeline: Pipeline) -> None:
    if not items:
        return
    say()
    say("Not known to the analysis, so that the order of steps and their reuse may be wrong", bold=True, color="yellow")
    for item in items[:_MOST]:
        say(f"  {_place(item.cell, item.line, source, pipeline)} {_DEEDS[item.kind].format(name=item.name)}")
    _say_more(items)
    say("  hint: Write paths out where files are used; tag what a cell changes with `out:NAME`.")


def _say_unstable(items: Sequence[Unstable], source: Notebook, pipeline: Pipeline) -> None:
    if not items:
        return
    say()
    say("Differs from run to run by itself, so that it says nothing about the pipeline", bold=True)
    for item in items[:_MOST]:
        say(f"  {_place(item.cell, None, source, pipeline)}, {_what(item.kind, item.name)}")
    _say_more(items)


def _say_more(items: Sequence[object]) -> None:
    if len(items) > _MOST:
        say(f"  and {len(items) - _MOST} more; --format json has them all")


def _say_text(label: str, text: str | None) -> None:
    lines = (text if text is not None else "(nothing)").split("\n")
    say(f"  {label + ':':<16}{lines[0]}")
    for line in lines[1:6]:
        say(f"  {'':<16}{line}")


def _place(cell: str | None, line: int | None, source: Notebook, pipeline: Pipeline) -> str:
    from jupyter_mlops.pipeline.places import cell_place

    return cell_place(source, cell, line, pipeline) or display_path(source.path)


def _what(kind: str, name: str) -> str:
    words = {"input": "input", "value": "variable", "state": "state", "file": "file", "output": "output", "failure": ""}
    return f"{words[kind]} {name}".strip()
