"""``jupyter mlops run``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.checking import (
    annotate,
    checking_options,
    read_wishes,
    refuse_same_files,
    report_gates,
    telling_refusals,
)
from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import can_show_boxes, print_json, say, table, terminal_width
from jupyter_mlops.cli.papermill import (
    PaperOptions,
    filled_in,
    injected_paths,
    local_path,
    papermill_options,
    read_options,
    read_source,
)
from jupyter_mlops.cli.parameters import (
    command_line,
    parameter_options,
    parameter_words,
    parameters_and_sources,
    path_parameters,
)
from jupyter_mlops.cli.reading import read, refuse_errors, say_warnings
from jupyter_mlops.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.engine.warm.pool import KernelPool
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["command"]


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
@checking_options
@papermill_options
@click.option("--progress-bar/--no-progress-bar", default=True, help="Show the progress on stderr. [default: yes]")
@click.option("--log-output/--no-log-output", default=False, help="Show on stderr what the steps print. [default: no]")
@format_option
@click.version_option(package_name="jupyter-mlops", message="jupyter-mlops %(version)s", help="Print the version.")
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
    progress_bar: bool,
    log_output: bool,
    form: str,
    **given: Any,
) -> int:
    """Run a notebook as a pipeline on this machine.

    NOTEBOOK is never written. OUT, if given, becomes one executed notebook: every cell of the source
    in its order, with the outputs of its step. Either may be - for a pipe, or an address. The
    parameter options are papermill's; each may be repeated, and -r wins over -p, -p over -y, -y over
    -f, -f over -b. Papermill's other options are taken as well: docs/ci.md has them all.
    """
    output = None if output is None else filled_in(output, path_parameters(given))
    paper = read_options(notebook, output, given)
    if given["help_notebook"]:
        return _help_notebook(notebook, kernel)
    wishes = read_wishes(notebook, given)
    files = {"output": paper.target, **{name: wishes[name] for name in ("report", "junit", "markdown")}}
    refuse_same_files({**files, **{f"{name} file": path for name, path in paper.streams.items()}})
    _refuse_together(paper, watch=watch, dry_run=dry_run, form=form, wishes=wishes)
    order = _Order(
        notebook,
        kernel,
        given,
        {"no_cache": no_cache, "force": force, "start": start, "only": only, "cwd": Path(cwd) if cwd else None},
        {
            "output": paper.target,
            "workers": workers,
            "timeout": timeout,
            "start_timeout": paper.start_timeout,
            "execution_timeout": paper.execution_timeout,
            "warm": warm,
            "fail_fast": fail_fast,
        },
        wishes,
        paper,
        _Shown(form, progress_bar, log_output, each_line=watch),
        _again(notebook, output, given),
    )
    if dry_run:
        return _dry_run(order)
    if paper.prepare_only:
        source, pipeline, values, _ = order.read()
        paper.prepare(source, pipeline, values)
        return 0
    if watch:
        from jupyter_mlops.cli.watch import watch_and_run

        return watch_and_run(Path(notebook), lambda kernels, first: _run(order, kernels, with_plan=first))
    return _run(order).exit_code


def _refuse_together(paper: PaperOptions, *, watch: bool, dry_run: bool, form: str, wishes: Mapping[str, Any]) -> None:
    """Refuse options that make no sense together.

    Raises:
        UsageError: Some do not.
    """
    if watch and dry_run:
        raise UsageError("A dry run has nothing to watch.", hint="Give --watch or --dry-run.")
    if watch and local_path(paper.notebook) is None:
        raise UsageError(f"There is no file to watch behind {paper.notebook}.", hint="Run it without --watch.")
    if paper.pipes_out and (watch or form == "json"):
        what = "--watch" if watch else "--format json"
        raise UsageError(f"The notebook can't go to standard output with {what}.", hint="Name a file for OUT.")
    asked = [f"--{name.rstrip('s')}" for name in ("gates", "junit", "markdown") if wishes[name]]
    if (dry_run or paper.prepare_only) and asked:
        raise UsageError(f"Nothing is run, so that {asked[0]} has no object.", hint="Leave one of them out.")


def _help_notebook(notebook: str, kernel: str | None) -> int:
    """Print the parameters, as papermill does."""
    from jupyter_mlops.engine.shown import shown_parameters
    from jupyter_mlops.pipeline.parameters import type_name

    _, pipeline = _read(notebook, kernel)
    say(f"Usage: jupyter mlops run [OPTIONS] {notebook} [OUT]")
    say()
    say(f"Parameters of {pipeline.name}:")
    if not pipeline.parameters:
        say("  none; parameters are the assignments of the cell tagged parameters")
    defaults, _ = shown_parameters(pipeline, {})
    rows = [(f"{item.name}:", type_name(item), f"(default {defaults[item.name]!r})") for item in pipeline.parameters]
    for line in table(rows) if rows else ():
        say(line)
    return 0


def _read(notebook: str, kernel: str | None) -> tuple[Notebook, Pipeline]:
    """Read a notebook from a file, from standard input, from an address."""
    source = read_source(notebook)
    if source is None:
        return read(notebook, kernel)
    from jupyter_mlops import api

    source = source if kernel is None else replace(source, kernel=kernel)
    return source, api.pipeline(source)


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
        checks: Those for continuous integration.
        paper: What papermill's options ask for.
        again: The command line that does the same once more.
    """

    notebook: str
    kernel: str | None
    parameters: Mapping[str, Any]
    wishes: Mapping[str, Any]
    options: Mapping[str, Any]
    checks: Mapping[str, Any]
    paper: PaperOptions
    shown: _Shown
    again: str

    def read(self) -> tuple[Notebook, Pipeline, dict[str, Any], dict[str, str]]:
        """Read the notebook, refuse one with errors; return it with the values of its parameters and their sources."""
        source, pipeline = _read(self.notebook, self.kernel)
        with telling_refusals(self.notebook, self.checks, source, pipeline):
            refuse_errors(source, pipeline)
            declared = {parameter.name for parameter in pipeline.parameters}
            paths = injected_paths(self.notebook, self.paper.output, self.parameters, declared)
            values, sources = parameters_and_sources(source, pipeline, self.parameters)
            return source, pipeline, {**paths, **values}, {**dict.fromkeys(paths, "--inject-paths"), **sources}


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
    with redirect_stdout(sys.stderr) if order.paper.pipes_out else nullcontext():
        opening = _opening(source, pipeline, values if shown.form == "text" and with_plan else None)
        reporter = progress(cell_labels(source), shown=shown.progress_bar, output=shown.log_output, before=opening)
        with (
            telling_refusals(order.notebook, order.checks, source, pipeline),
            reporter.showing() if reporter else nullcontext(),
            needless_imports_left_out(),
        ):
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
                **order.checks,
            )
    result = _finished(order.paper, result)
    with redirect_stdout(sys.stderr) if order.paper.pipes_out else nullcontext():
        if shown.form == "json":
            print_json(result.to_json(), each_line=shown.each_line)
        else:
            summary.say_summary(
                result,
                notebook=order.notebook,
                report=order.checks["report"],
                parameters=pipeline.parameters,
                again=order.again,
            )
    summary.report_failures(result, source, pipeline)
    report_gates(result)
    annotate(result, source, pipeline)
    return result


def _finished(paper: PaperOptions, result: RunResult) -> RunResult:
    """Deliver the notebook to where papermill's options want it; what can't be written is a problem in the result."""
    try:
        paper.finish(result)
    except (InfrastructureError, OSError) as error:
        return replace(result, problems=(*result.problems, str(error)))
    return result


def _again(notebook: str, output: str | None, options: Mapping[str, Any]) -> str:
    """The command that runs this once more, with the same parameters."""
    words = ["jupyter", "mlops", "run", notebook, *([output] if output is not None else [])]
    return shlex.join([*words, *parameter_words(options)])


def _opening(source: Notebook, pipeline: Pipeline, values: Mapping[str, Any] | None) -> Callable[[], None] | None:
    """What is to be said once it is sure that the run begins: the plan, if there are values, and warnings."""
    if values is None and all(item.severity != "warning" for item in pipeline.diagnostics):
        return None

    def say_all() -> None:
        if values is not None:
            from jupyter_mlops.cli.plan import plan, say_plan

            say_plan(plan(pipeline, source, width=terminal_width(), boxes=can_show_boxes(), given=values))
            say(flush=True)
        say_warnings(source, pipeline)

    return say_all
