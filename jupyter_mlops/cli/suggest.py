"""``jupyter mlops suggest``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, print_json, say, table
from jupyter_mlops.cli.reading import target_file
from jupyter_mlops.errors import NotebookError, UsageError
from jupyter_mlops.notebook.model import Notebook

if TYPE_CHECKING:
    from jupyter_mlops.pipeline.suggest import Suggestion

__all__ = ["command"]


@click.command("suggest")
@click.argument("notebook")
@click.option("--write", "output", metavar="OUT", help="Write a copy of the notebook with the tags to this file.")
@click.option("--in-place", is_flag=True, help="Write the tags into NOTEBOOK itself.")
@format_option
def command(notebook: str, output: str | None, in_place: bool, form: str) -> int:
    """Propose steps and other tags for a notebook that has none.

    Steps come from the headings and from the flow of data; cells that have tags keep them. Nothing
    is run, and NOTEBOOK is only read unless --in-place is given. Exit code 3 if the notebook has
    errors that no tags can mend.
    """
    from jupyter_mlops import api

    target = _target(notebook, output, in_place)
    source = api.read_notebook(Path(notebook))
    suggestion = api.suggest(source)
    if target is not None and (suggestion.tags or not in_place):
        _write(source, suggestion, target)
    if form == "json":
        print_json(suggestion.to_json())
    else:
        _say(source, suggestion, notebook, target)
    return 0 if suggestion.valid else NotebookError.exit_code


def _target(notebook: str, output: str | None, in_place: bool) -> Path | None:
    """The file to write, or None.

    Raises:
        UsageError: It is the notebook itself and nobody said so, or can't be written.
    """
    own = Path(notebook)
    if in_place:
        if output is not None and not (Path(output).exists() and own.exists() and own.samefile(output)):
            raise UsageError("--in-place and --write name two different files.", hint="Leave out one of them.")
        return own.absolute()
    if output is not None and Path(output).exists() and own.exists() and own.samefile(output):
        raise UsageError(
            f"The output {output} is the notebook itself.",
            hint="Name another file, or say --in-place if its tags are to be changed.",
        )
    return target_file(notebook, output)


def _write(source: Notebook, suggestion: Suggestion, target: Path) -> None:
    """Write the notebook with the tags; everything else stays as it stands in the file."""
    from jupyter_mlops.engine.output import write_whole
    from jupyter_mlops.notebook.tagging import add_tags

    assert source.path is not None
    write_whole(target, add_tags(source.path.read_bytes().decode("utf-8"), suggestion.tags))


def _say(source: Notebook, suggestion: Suggestion, notebook: str, target: Path | None) -> None:
    rows = [(f"cell {item.number}", ", ".join(item.add), item.reason) for item in suggestion.cells if item.add]
    if not rows:
        say(f"{display_path(source.path)}: nothing to propose; every code cell has its place.")
        return
    for line in table(rows, indent=""):
        say(line)
    say()
    steps = ", ".join(suggestion.steps)
    say(f"{display_path(source.path)}: {count(len(suggestion.steps), 'step')} ({steps})", bold=True)
    if not suggestion.valid:
        say("The notebook has errors that no tags can mend.", color="red")
    say()
    say("Next", bold=True)
    for line in table(_next(notebook, target, valid=suggestion.valid)):
        say(line)


def _next(notebook: str, target: Path | None, *, valid: bool) -> list[tuple[str, str]]:
    if not valid:
        return [(f"jupyter mlops check {shlex.quote(notebook)}", "see the errors")]
    if target is not None:
        return [(f"jupyter mlops show {shlex.quote(display_path(target))}", "see the pipeline")]
    own = Path(notebook)
    copy = shlex.quote(str(own.with_name(f"{own.stem}-tagged{own.suffix}")))
    return [(f"jupyter mlops suggest {shlex.quote(notebook)} --write {copy}", "write a copy with these tags")]
