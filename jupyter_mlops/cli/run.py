"""``jupyter mlops run``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.output import can_show_boxes, print_diagnostics, print_json, say, terminal_width
from jupyter_mlops.cli.parameters import command_line, parameter_options, parameter_words, parameters_and_sources
from jupyter_mlops.cli.reading import read, target_file
from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.engine.warm.pool import KernelPool
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["command", "refuse_errors"]


@click.command("run")
@click.argument("notebook")
@click.argument("output", required=False, metavar="[OUT]")
@parameter_options
@click.option("-k", "--kernel", metavar="NAME", help="Kernel to run the steps with. [default: the notebook's]")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps that may run side by side. [default: the processors]",
)
@click.option(
    "--cwd",
    type=click.Path(exists=True, file_okay=False),
    metavar="FOLDER",
    help="Where the steps run. [default: the notebook's folder]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a step may take that sets no timeout of its own.",
)
@click.option("--fail-fast", is_flag=True, help="End the run with the first failure. [default: go on where possible]")
@click.option("--no-cache", is_flag=True, help="Run all steps, also those whose results could be reused.")
@click.option("--force", multiple=True, metavar="STEP", help="Run this step in any case; may be repeated.")
@click.option("--from", "start", metavar="STEP", help="Run this step and all that depend on it in any case.")
@click.option("--only", metavar="STEP", help="Run this step alone; what it needs must be reusable.")
@click.option(
    "--warm/--no-warm",
    default=True,
    help="Fork kernels from a process that has imported heavy modules, where that is safe. [default: yes]",
)
@click.option("--watch", is_flag=True, help="Run again whenever the notebook or what it reads changes, until Ctrl-C.")
@click.option("--dry-run", is_flag=True, help="Say which steps would run or be reused, and why; nothing is run.")
@click.option("--report", metavar="FILE", help="Write the run's HTML report to this file.")
@click.option("--progress-bar/--no-progress-bar", default=True, help="Show the progress on stderr. [default: yes]")
@click.option("--log-output/--no-log-output", default=False, help="Show on stderr what the steps print. [default: no]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="What to print on stdout. [default: text]",
)
def command(
    notebook: str,
    output: str | None,
    kernel: str | None,
    workers: int | None,
    cwd: str | None,
    timeout: float | None,
    fail_fast: bool,
    no_cache: bool,
    force: tuple[str, ...],
    start: str | None,
    only: str | None,
    warm: bool,
    watch: bool,
    dry_run: bool,
    report: str | None,
    progress_bar: bool,
    log_output: bool,
    form: str,
    **parameters: Any,
) -> int:
    """Run a notebook as a pipeline on this machine.

    NOTEBOOK is never written. OUT, if given, becomes one executed notebook: every cell of the source
    in its order, with the outputs of its step. The parameter options are papermill's; each may be
    repeated, and -r wins over -p, -p over -y, -y over -f, -f over -b.
    """
    target, report_target = target_file(notebook, output), target_file(notebook, report)
    if target is not None and report_target is not None and target.resolve() == report_target.resolve():
        raise UsageError(f"The report would overwrite the output {output}.", hint="Name two files.")
    if watch and dry_run:
        raise UsageError("A dry run has nothing to watch.", hint="Give --watch or --dry-run.")
    order = _Order(
        notebook,
        kernel,
        parameters,
        {"no_cache": no_cache, "force": force, "start": start, "only": only, "cwd": Path(cwd) if cwd else None},
        {
            "output": target,
            "workers": workers,
            "report": report_target,
            "timeout": timeout,
            "warm": warm,
            "fail_fast": fail_fast,
        },
        _Shown(form, progress_bar, log_output, each_line=watch),
        _again(notebook, output, parameters),
    )
    if dry_run:
        return _dry_run(order)
    if watch:
        from jupyter_mlops.cli.watch import watch_and_run

        return watch_and_run(Path(notebook), lambda kernels, first: _run(order, kernels, with_plan=first))
    return _run(order).exit_code


@dataclass(frozen=True)
class _Shown:
    """How runs are shown.

    Args:
        form: ``text`` or ``json``.
        each_line: Whether each run's JSON takes one line.
    """

    form: str
    progress_bar: bool
    log_output: bool
    each_line: bool


@dataclass(frozen=True)
class _Order:
    """What a command line asks for.

    Args:
        wishes: Arguments of ``api.run`` that a dry run takes, too.
        options: Its other arguments.
        again: The command line that does the same once more.
    """

    notebook: str
    kernel: str | None
    parameters: Mapping[str, Any]
    wishes: Mapping[str, Any]
    options: Mapping[str, Any]
    shown: _Shown
    again: str

    def read(self) -> tuple[Notebook, Pipeline, dict[str, Any], dict[str, str]]:
        """Read the notebook, refuse one with errors; return it with the values of its parameters and their sources."""
        source, pipeline = read(self.notebook, self.kernel)
        refuse_errors(source, pipeline)
        return source, pipeline, *parameters_and_sources(source, pipeline, self.parameters)


def _dry_run(order: _Order) -> int:
    from jupyter_mlops import api
    from jupyter_mlops.cli.dry import say_dry_run

    source, _, values, _ = order.read()
    plan = api.dry_run(source, values, **order.wishes)
    print_json(plan.to_json()) if order.shown.form == "json" else say_dry_run(plan)
    return 0


def _run(order: _Order, kernels: KernelPool | None = None, *, with_plan: bool = True) -> RunResult:
    """Run once and tell.

    Args:
        kernels: Where forked kernels are kept.
        with_plan: Whether the text begins with the plan.
    """
    from jupyter_mlops import api
    from jupyter_mlops.cli import summary
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.cli.sparing import needless_imports_left_out
    from jupyter_mlops.pipeline.places import cell_labels

    source, pipeline, values, sources = order.read()
    shown = order.shown
    opening = _opening(source, pipeline, values if shown.form == "text" and with_plan else None)
    reporter = progress(cell_labels(source), shown=shown.progress_bar, output=shown.log_output, before=opening)
    with reporter.showing() if reporter else nullcontext(), needless_imports_left_out():
        result = api.run(
            source,
            values,
            reporter=reporter,
            kernels=kernels,
            sliced=pipeline,
            sources=sources,
            command=command_line(),
            **order.wishes,
            **order.options,
        )
    if shown.form == "json":
        print_json(result.to_json(), each_line=shown.each_line)
    else:
        summary.say_summary(
            result,
            notebook=order.notebook,
            report=order.options["report"],
            parameters=pipeline.parameters,
            again=order.again,
        )
    summary.report_failures(result, source, pipeline)
    return result


def refuse_errors(source: Notebook, pipeline: Pipeline) -> None:
    """Print the errors of a notebook that is not a valid pipeline.

    Raises:
        PipelineError: There are some.
    """
    if not has_errors(pipeline.diagnostics):
        return
    errors = [item for item in pipeline.diagnostics if item.severity == "error"]
    print_diagnostics(errors, source, pipeline, err=True)
    raise PipelineError("The notebook is not a valid pipeline; nothing was run.", pipeline.diagnostics)


def _again(notebook: str, output: str | None, options: Mapping[str, Any]) -> str:
    """The command that runs this once more, with the same parameters."""
    words = ["jupyter", "mlops", "run", notebook, *([output] if output is not None else [])]
    return shlex.join([*words, *parameter_words(options)])


def _opening(source: Notebook, pipeline: Pipeline, values: Mapping[str, Any] | None) -> Callable[[], None] | None:
    """What is to be said once it is sure that the run begins: the plan, if there are values, and warnings."""
    warnings = [item for item in pipeline.diagnostics if item.severity == "warning"]
    if values is None and not warnings:
        return None

    def say_all() -> None:
        if values is not None:
            from jupyter_mlops.cli.plan import plan, say_plan

            say_plan(plan(pipeline, source, width=terminal_width(), boxes=can_show_boxes(), given=values))
            say(flush=True)
        print_diagnostics(warnings, source, pipeline, err=True)

    return say_all
