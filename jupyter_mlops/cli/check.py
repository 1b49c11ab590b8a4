"""``jupyter mlops check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from jupyter_mlops.cli.output import count, display_path, print_diagnostics, print_json, report_error, say
from jupyter_mlops.cli.reading import read
from jupyter_mlops.diagnostics import CODES, Diagnostic, Severity, has_errors
from jupyter_mlops.errors import MlopsError, NotebookError, UsageError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step

__all__ = ["command"]

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")
_NOUNS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}


@click.command("check")
@click.argument("notebooks", metavar="NOTEBOOK...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="What to print: for people, for programs, annotations of GitHub, or a log of code scanners. [default: text]",
)
@click.option("-v", "--verbose", is_flag=True, help="Show remarks as well, which need no decision.")
@click.option("--explain", metavar="STEP", help="Say why this step takes, gives and waits for what it does.")
def command(notebooks: Sequence[str], form: str, verbose: bool, explain: str | None) -> int:
    """Check that a notebook is a valid pipeline.

    Prints each diagnostic with file, cell, line and what to do. NOTEBOOK is only read, nothing is
    run; there may be several. Exit code 3 if there are errors; warnings and remarks leave it at 0.
    """
    if explain is not None and form not in ("text", "json"):
        raise UsageError(f"An explanation has no form {form}.", hint="Use --format text or json with --explain.")
    if len(notebooks) == 1:
        return _check(notebooks[0], form, verbose, explain)
    if explain is not None or form in ("json", "sarif"):
        what = f"--format {form}" if explain is None else "--explain"
        raise UsageError(f"{what} takes one notebook, not {len(notebooks)}.", hint="Check them one by one.")
    return max([_check_on(notebook, form, verbose) for notebook in dict.fromkeys(notebooks)])


def _check_on(notebook: str, form: str, verbose: bool) -> int:
    """Check one of several: what is wrong with it is no reason not to look at the others."""
    try:
        return _check(notebook, form, verbose, None)
    except MlopsError as error:
        report_error(error)
        return error.exit_code


def _check(notebook: str, form: str, verbose: bool, explain: str | None) -> int:
    source, pipeline = read(notebook)
    if explain is not None:
        _explain(source, pipeline, explain, form)
    else:
        shown = [item for item in pipeline.diagnostics if verbose or item.severity != "info"]
        _report(source, pipeline, shown, form)
    return NotebookError.exit_code if has_errors(pipeline.diagnostics) else 0


def _report(source: Notebook, pipeline: Pipeline, shown: list[Diagnostic], form: str) -> None:
    if form == "json":
        print_json(_json(source, pipeline))
    elif form == "github":
        from jupyter_mlops.pipeline.reporting import Source, github

        for line in github(Source(source, pipeline, _slashed(source), _file_lines(source)), shown):
            say(line)
    elif form == "sarif":
        from jupyter_mlops._version import __version__
        from jupyter_mlops.pipeline.reporting import Source, sarif

        whole = Source(source, pipeline, _slashed(source), _file_lines(source))
        print_json(sarif(whole, pipeline.diagnostics, version=__version__, uri=_uri(source)))
    else:
        print_diagnostics(shown, source, pipeline)
        color = "red" if has_errors(pipeline.diagnostics) else None
        say(_summary(source, pipeline, hidden=len(pipeline.diagnostics) - len(shown)), bold=True, color=color)


def _json(source: Notebook, pipeline: Pipeline) -> dict[str, object]:
    from jupyter_mlops.pipeline.json_form import to_json

    return {
        "schema": 1,
        "name": pipeline.name,
        "notebook": str(source.path) if source.path else None,
        "valid": not has_errors(pipeline.diagnostics),
        "diagnostics": to_json(pipeline)["diagnostics"],
    }


def _summary(source: Notebook, pipeline: Pipeline, *, hidden: int) -> str:
    found = Counter(item.severity for item in pipeline.diagnostics)
    counts = [count(found[severity], _NOUNS[severity]) for severity in _ORDER if found[severity]]
    more = " (see them with --verbose)" if hidden else ""
    steps = count(len(pipeline.steps), "step")
    return f"{display_path(source.path)}: {steps}, {', '.join(counts) or 'no problems'}{more}"


# --- the file ---------------------------------------------------------------------------------------------------------


def _slashed(source: Notebook) -> str:
    return Path(display_path(source.path)).as_posix()


def _uri(source: Notebook) -> str:
    from urllib.parse import quote

    path = Path(display_path(source.path))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _file_lines(source: Notebook) -> list[list[int]]:
    """The lines of the file for the lines of the cells; none if the file has changed since it was read."""
    from jupyter_mlops.notebook.layout import source_lines

    try:
        text = source.path.read_text(encoding="utf-8-sig") if source.path is not None else ""
        lines = source_lines(text) if text else []
    except (OSError, ValueError, LookupError):
        return []
    return lines if len(lines) == len(source.cells) else []


# --- explanations -----------------------------------------------------------------------------------------------------


def _explain(source: Notebook, pipeline: Pipeline, wanted: str, form: str) -> None:
    from jupyter_mlops import api
    from jupyter_mlops.pipeline.reporting import Source, explanation_json, explanation_lines, of_step

    step = _find(pipeline, wanted)
    reasons = api.explain(source)
    whole = Source(source, pipeline, _slashed(source))
    if form == "json":
        print_json(explanation_json(whole, step, reasons))
        return
    for line in explanation_lines(whole, step, reasons):
        say(line)
    found = of_step(pipeline.diagnostics, step)
    if found:
        say()
        print_diagnostics(found, source, pipeline)


def _find(pipeline: Pipeline, wanted: str) -> Step:
    """The step of this name or slug.

    Raises:
        UsageError: There is none.
    """
    from jupyter_mlops.notebook.names import nearest, slugify
    from jupyter_mlops.pipeline.reporting import page

    for step in pipeline.steps:
        if wanted in (step.name, step.slug):
            return step
    for step in pipeline.steps:
        if slugify(wanted) == step.slug:
            return step
    if wanted.upper() in CODES:
        title = CODES[wanted.upper()][1]
        raise UsageError(f"{wanted} is not a step but a diagnostic: {title}.", hint=f"See {page(wanted)}.")
    near = nearest(wanted, [name for step in pipeline.steps for name in (step.name, step.slug)])
    raise UsageError(
        f'There is no step "{wanted}"' + (f'; did you mean "{near}"?' if near else "."),
        hint=f"Steps: {', '.join(step.name for step in pipeline.steps)}." if pipeline.steps else None,
    )
