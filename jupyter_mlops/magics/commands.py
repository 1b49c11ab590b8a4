"""What ``%mlops`` can do, one command each."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops import api
from jupyter_mlops.errors import UsageError
from jupyter_mlops.magics.live import executor, notebook_file, unsaved_cell
from jupyter_mlops.magics.shown import Sheet, Table

if TYPE_CHECKING:
    from jupyter_mlops.magics.line import MlopsMagics
    from jupyter_mlops.notebook.model import Notebook

__all__ = ["group"]

_SETTINGS = {"help_option_names": ["-h", "--help"], "terminal_width": 100, "max_content_width": 100}


class _Commands(click.Group):
    """Commands, the nearest of which is told if a word is none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from jupyter_mlops.notebook.names import nearest

            near = nearest(args[0], self.commands)
            guess = f'; did you mean "{near}"?' if near else "."
            raise UsageError(f'%mlops has no command "{args[0]}"{guess}', hint=f"Commands: {', '.join(self.commands)}.")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings=_SETTINGS)
def group() -> None:
    """Run the notebook as a pipeline, look at its runs, and load what a step got into this kernel."""


@group.command("load")
@click.argument("step")
@click.option("--run", "run_text", metavar="RUN", help="Of this run. [default: the notebook's last]")
@click.option("--notebook", metavar="FILE", help="The notebook, if it can't be told.")
@click.option("--files", is_flag=True, help="Also put files into place that earlier steps made.")
@click.option("--force", is_flag=True, help="Overwrite names that hold something else.")
@click.pass_obj
def load(magics: MlopsMagics, step: str, run_text: str | None, notebook: str | None, files: bool, force: bool) -> None:
    """Put this kernel where STEP began: inputs, parameters, code, random state.

    Then the cells of the step run here as they did in the run.
    """
    place = _notebook(magics, notebook) if run_text is None or notebook else None
    done = api.restore_step(
        step,
        magics.namespace,
        executor(magics.shell),
        run=run_text,
        notebook=place,
        files=files,
        force=force,
        known=magics.restored,
    )
    rows = [("inputs", done.inputs), ("parameters", done.parameters), ("code", done.code), ("state", done.states)]
    print(f"Step {done.step!r} of the run {done.run_id} can begin here.")
    for label, names in (*rows, ("files", done.files)):
        if names:
            print(f"  {label + ':':<12}{', '.join(names)}")
    if done.files_left:
        print(f"  left as they are here: {', '.join(done.files_left)} (--files puts the run's into place)")
    if done.failure is not None:
        where = "" if done.cell is None else f" in cell {done.cell}"
        line = "" if done.failure.line is None else f", line {done.failure.line}"
        message = " ".join(done.failure.message.split())
        print(f"It failed{where}{line}: {done.failure.type}: {message[:300]}")


@group.command("run")
@click.argument("notebook", required=False)
@click.option("-p", "--parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter; may be repeated.")
@click.option("--no-cache", is_flag=True, help="Run all steps, whatever could be reused.")
@click.pass_obj
def run(magics: MlopsMagics, notebook: str | None, parameters: tuple[tuple[str, str], ...], no_cache: bool) -> Any:
    """Run the notebook as it is saved, in kernels of its own."""
    from jupyter_mlops.magics.progress import LineProgress
    from jupyter_mlops.pipeline.parameters import gather

    path = _named(magics, notebook)
    source = api.read_notebook(path)
    _say_what_runs(magics, path, source, own=notebook is None)
    values = gather(base64=(), files=(), yaml=(), text=parameters, raw=())
    progress = LineProgress()
    result = api.run(source, values, no_cache=no_cache, reporter=progress)
    rows = [(step.name, step.status, f"{step.seconds:.1f} s", _why(step)) for step in result.steps]
    metrics = [(name, f"{value:.6g}") for name, value in result.metrics.items()]
    notes = [*result.notes, f"Executed notebook: {result.output_notebook}"]
    if result.failures:
        notes.append(f"To debug it here: %mlops load {_quoted(result.failures[0].name)}")
    return Sheet(
        f"{result.run_id} {result.status} in {result.seconds:.1f} s",
        tables=(
            Table("", ("step", "status", "time", ""), rows, frozenset([2])),
            *([Table("Metrics", ("metric", "value"), metrics, frozenset([1]))] if metrics else []),
        ),
        notes=tuple(notes),
    )


@group.command("show")
@click.argument("what", required=False, metavar="[NOTEBOOK|RUN]")
@click.pass_obj
def show(magics: MlopsMagics, what: str | None) -> Any:
    """Show the steps of the notebook as it is saved, or those of a run."""
    if what is not None and not (what.endswith(".ipynb") or Path(what).is_file()):
        return _run_sheet(what)
    path = _named(magics, what)
    source = api.read_notebook(path)
    return _sheet(api.pipeline(source), source)


@group.command("runs")
@click.argument("words", nargs=-1, metavar="[FILTER]")
@click.pass_obj
def runs(_magics: MlopsMagics, words: tuple[str, ...]) -> Any:
    """List runs as a DataFrame, such as %mlops runs metrics.accuracy > 0.9"""
    return api.runs(" ".join(words) or None, limit=100)


@group.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.pass_obj
def compare(_magics: MlopsMagics, runs: tuple[str, ...]) -> Any:
    """Show how runs differ."""
    import jupyter_mlops

    return jupyter_mlops.compare(*runs)


@group.command("lineage")
@click.argument("what")
@click.pass_obj
def lineage(_magics: MlopsMagics, what: str) -> Any:
    """Show what made a run, an artifact or a file, and what used it."""
    from jupyter_mlops.tracking.lineage_drawing import lineage_svg
    from jupyter_mlops.tracking.lineage_text import lineage_text

    found = api.lineage(what)
    return Sheet(f"Lineage of {what}", lineage_svg(found), tuple(lineage_text(found)), notes=found.notes)


def _notebook(magics: MlopsMagics, given: str | None) -> Path | None:
    return Path(given) if given else notebook_file(magics.namespace)


def _named(magics: MlopsMagics, given: str | None) -> Path:
    path = _notebook(magics, given)
    if path is None:
        raise UsageError("Which notebook this is can't be told here.", hint="Name it: %mlops run churn.ipynb")
    return path


def _say_what_runs(magics: MlopsMagics, path: Path, source: Notebook, *, own: bool) -> None:
    saved = time.localtime(path.stat().st_mtime)
    print(f"{path.name}, as it was saved {time.strftime('%Y-%m-%d %H:%M:%S', saved)}")
    if own and unsaved_cell(magics.shell, [cell.source for cell in source.cells]):
        print("It has changes that are not saved and don't count: save it and run this again.")


def _run_sheet(text: str) -> Sheet:
    from jupyter_mlops.api import history
    from jupyter_mlops.notebook.names import printable

    found = history.show_run(text)
    steps = [(step.name, step.status, f"{step.seconds or 0:.1f} s", step.reason or "") for step in found.steps]
    metrics = [(printable(name), f"{value:.6g}") for name, value in found.run.metrics.items()]
    page = api.run_pipeline(found.run.run_id)
    status = {step.slug: f"{step.status} · {step.seconds or 0:.1f} s" for step in found.steps}
    picture = ""
    lines: tuple[str, ...] = ()
    if page is not None:
        from jupyter_mlops.pipeline import drawing

        picture, lines = drawing.svg(page, status=status), tuple(drawing.text_graph(page, width=98).splitlines())
    return Sheet(
        f"{found.run.run_id} {found.run.status}",
        picture,
        lines,
        (
            Table("", ("step", "status", "time", ""), steps, frozenset([2])),
            *([Table("Metrics", ("metric", "value"), metrics, frozenset([1]))] if metrics else []),
        ),
    )


def _sheet(pipeline: Any, source: Notebook) -> Sheet:
    from jupyter_mlops.pipeline import drawing
    from jupyter_mlops.pipeline.places import cell_place

    steps = [
        (step.name, ", ".join(step.inputs), ", ".join(step.outputs), ", ".join((*step.parameters, *step.files_read)))
        for step in pipeline.steps
    ]
    notes = [
        f"{cell_place(source, item.cell, item.line, pipeline)}: {item.severity} {item.code}: {item.message}"
        for item in pipeline.diagnostics
        if item.severity != "info"
    ]
    return Sheet(
        f"{pipeline.name}: {len(pipeline.steps)} steps, kernel {pipeline.kernel}",
        drawing.svg(pipeline),
        tuple(drawing.text_graph(pipeline, width=98).splitlines()),
        (Table("", ("step", "takes", "gives", "reads"), steps),) if steps else (),
        tuple(notes),
    )


def _why(step: Any) -> str:
    if step.error is not None:
        return str(step.error.message).strip().split("\n")[0][:200]
    return step.reason or ""


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
