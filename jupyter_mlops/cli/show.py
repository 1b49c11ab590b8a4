"""``jupyter mlops show``."""

from __future__ import annotations

import click

from jupyter_mlops.cli.output import can_show_boxes, plain_json, print_diagnostics, print_json, say, terminal_width
from jupyter_mlops.cli.reading import read, target_file
from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.errors import NotebookError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["command"]

_BY_SUFFIX = {".json": "json", ".mmd": "mermaid", ".mermaid": "mermaid", ".svg": "svg"}


@click.command("show")
@click.argument("notebook")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid", "svg"]),
    help="What to write; by default the suffix of FILE decides (.json, .mmd, .svg), else text.",
)
@click.option("-o", "--output", metavar="FILE", help="Write to this file instead of the terminal.")
def command(notebook: str, form: str | None, output: str | None) -> int:
    """Show the steps, what they take and give, and how they hang together.

    NOTEBOOK is only read, nothing is run. A notebook with errors is shown as far as it goes, and the
    exit code is 3.
    """
    target = target_file(notebook, output)
    form = form or (_BY_SUFFIX.get(target.suffix.lower(), "text") if target else "text")
    source, pipeline = read(notebook)
    if target is not None:
        from jupyter_mlops.engine.output import write_whole

        write_whole(target, _rendered(form, pipeline, source))
    elif form == "text":
        from jupyter_mlops.cli.plan import plan, say_plan

        say_plan(plan(pipeline, source, width=terminal_width(), boxes=can_show_boxes()))
    elif form == "json":
        from jupyter_mlops.engine.shown import shown_json

        print_json(shown_json(pipeline))
    else:
        say(_rendered(form, pipeline, source).removesuffix("\n"))
    _report_problems(pipeline, source, quiet=form == "json", err=form != "text" or target is not None)
    return NotebookError.exit_code if has_errors(pipeline.diagnostics) else 0


def _rendered(form: str, pipeline: Pipeline, source: Notebook) -> str:
    """The pipeline in this form, with a newline at the end."""
    from jupyter_mlops.pipeline import drawing

    if form == "json":
        from jupyter_mlops.engine.shown import shown_json

        return plain_json(shown_json(pipeline)) + "\n"
    if form == "mermaid":
        return drawing.mermaid(pipeline)
    if form == "svg":
        return drawing.svg(pipeline)
    from jupyter_mlops.cli.plan import plan

    return "\n".join(plan(pipeline, source, width=100, boxes=True)) + "\n"


def _report_problems(pipeline: Pipeline, source: Notebook, *, quiet: bool, err: bool) -> None:
    """Print errors and warnings, and say that there is more; JSON carries them all itself."""
    problems = [item for item in pipeline.diagnostics if item.severity != "info"]
    if quiet or not pipeline.diagnostics:
        return
    if not err:
        say()
    print_diagnostics(problems, source, pipeline, err=err)
    remarks = len(pipeline.diagnostics) - len(problems)
    if remarks:
        noun = "remark" if remarks == 1 else "remarks"
        say(f"{remarks} {'more ' if problems else ''}{noun}: see jupyter mlops check --verbose", err=err)
