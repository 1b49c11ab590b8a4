"""``jupyter mlops check``."""

from __future__ import annotations

from collections import Counter

import click

from jupyter_mlops.cli.output import count, display_path, print_diagnostics, print_json, say
from jupyter_mlops.cli.reading import read
from jupyter_mlops.diagnostics import Severity, has_errors
from jupyter_mlops.errors import NotebookError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["command"]

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")
_NOUNS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}


@click.command("check")
@click.argument("notebook")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="What to print. [default: text]"
)
def command(notebook: str, form: str) -> int:
    """Check that a notebook is a valid pipeline.

    Prints each diagnostic with file, cell, line and what to do. NOTEBOOK is only read, nothing is
    run. Exit code 3 if there are errors; warnings and remarks leave it at 0.
    """
    source, pipeline = read(notebook)
    failed = has_errors(pipeline.diagnostics)
    if form == "json":
        print_json(_json(source, pipeline))
    else:
        print_diagnostics(pipeline.diagnostics, source, pipeline)
        say(_summary(source, pipeline), bold=True, color="red" if failed else None)
    return NotebookError.exit_code if failed else 0


def _json(source: Notebook, pipeline: Pipeline) -> dict[str, object]:
    from jupyter_mlops.pipeline.json_form import to_json

    return {
        "schema": 1,
        "name": pipeline.name,
        "notebook": str(source.path) if source.path else None,
        "valid": not has_errors(pipeline.diagnostics),
        "diagnostics": to_json(pipeline)["diagnostics"],
    }


def _summary(source: Notebook, pipeline: Pipeline) -> str:
    found = Counter(item.severity for item in pipeline.diagnostics)
    counts = [count(found[severity], _NOUNS[severity]) for severity in _ORDER if found[severity]]
    return f"{display_path(source.path)}: {count(len(pipeline.steps), 'step')}, {', '.join(counts) or 'no problems'}"
