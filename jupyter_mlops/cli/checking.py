"""The options of ``run`` for continuous integration, and what they print there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jupyter_mlops.cli.output import report_error, say, table
from jupyter_mlops.cli.reading import target_file
from jupyter_mlops.errors import GateError, InfrastructureError, MlopsError, UsageError

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline

__all__ = [
    "annotate",
    "checking_options",
    "read_wishes",
    "refuse_same_files",
    "report_gates",
    "say_gates",
    "telling_refusals",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--report", metavar="FILE", help="Write the run's HTML report to this file."),
    click.option("--junit", metavar="FILE", help="Write a JUnit report: a case for each step and each gate."),
    click.option("--markdown", metavar="FILE", help="Write a page about the run, fit for a pull request's comment."),
    click.option(
        "--gate",
        "gates",
        multiple=True,
        metavar="EXPR",
        help="A condition such as 'accuracy >= 0.95'; if it fails, the exit code is 5. May be repeated.",
    ),
    click.option(
        "--baseline",
        metavar="RUN",
        help="What to compare with: a branch (its newest succeeded run), a run's id, a tag, or latest.",
    ),
)
_SIGNS = {"passed": "passed", "failed": "FAILED", "skipped": "skipped"}
_COLORS = {"failed": "red", "skipped": "yellow"}


def checking_options(command: _Command) -> _Command:
    """Give a command the options; ``read_wishes`` understands their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_wishes(notebook: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options; return them as arguments of ``api.run``.

    Raises:
        UsageError: A gate has a mistake, or a file can't be written.
    """
    from jupyter_mlops import api

    files = {name: target_file(notebook, given[name]) for name in ("report", "junit", "markdown")}
    wishes = {**files, "gates": given["gates"], "baseline": given["baseline"], "summary": _summary()}
    api.check_wishes(**wishes)
    return wishes


def refuse_same_files(files: Mapping[str, Path | None]) -> None:
    """Refuse two outputs in one file.

    Raises:
        UsageError: Two are to be written to the same file.
    """
    seen: dict[Path, str] = {}
    for name, path in files.items():
        if path is None:
            continue
        target = path.resolve()
        if target in seen and not (target.exists() and not target.is_file()):
            raise UsageError(f"The {name} would overwrite the {seen[target]} {path.name}.", hint="Name two files.")
        seen[target] = name


def _summary() -> Path | None:
    """The file that becomes the summary of a job of GitHub's."""
    name = os.environ.get("GITHUB_STEP_SUMMARY") if _on_github() else None
    return Path(name) if name else None


def _on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def say_gates(result: RunResult) -> None:
    """Print what became of the gates."""
    if not result.gates:
        return
    say()
    say("Gates", bold=True)
    rows = table([(_SIGNS[gate.verdict], gate.gate, gate.reason) for gate in result.gates])
    for line, gate in zip(rows, result.gates, strict=True):
        say(line, color=_COLORS.get(gate.verdict))


def report_gates(result: RunResult) -> None:
    """Print on stderr which gates failed, and what could not be written."""
    for gate in result.gates:
        if gate.verdict == "failed":
            report_error(GateError(f"The gate {gate.gate!r} failed: {gate.reason}."))
    for problem in result.problems:
        report_error(InfrastructureError(problem, hint=f"The run is done and recorded: {result.run_id}"))


def annotate(result: RunResult, source: Notebook, pipeline: Pipeline) -> None:
    """Tell GitHub what failed, where this runs there; on stderr, which it reads as well."""
    if not _on_github():
        return
    from jupyter_mlops import api

    for line in api.github_annotations(result, source, pipeline):
        say(line, err=True)


@contextmanager
def telling_refusals(notebook: str, wishes: Mapping[str, Any], source: Notebook, pipeline: Pipeline) -> Iterator[None]:
    """Write the files about the run also where an error keeps it from taking place.

    Args:
        wishes: What ``read_wishes`` returned.
    """
    try:
        yield
    except MlopsError as error:
        from jupyter_mlops import api

        checked = api.check_wishes(**wishes)
        problems, lines = api.tell_refusal(error, checked, file=notebook, notebook=source, sliced=pipeline)
        for line in lines if _on_github() else ():
            say(line, err=True)
        for problem in problems:
            report_error(InfrastructureError(problem))
        raise
