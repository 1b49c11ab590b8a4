"""``jupyter mlops runs``: the list, and what can be done with runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, print_json, say
from jupyter_mlops.cli.runs_cluster import fetch, refresh
from jupyter_mlops.cli.subcommands import WithSubcommands
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.tracking.changing import Tagged
    from jupyter_mlops.tracking.showing import RunDetail

__all__ = ["command"]

run_arguments = click.argument("runs", nargs=-1, required=True, metavar="RUN...")


@click.command("show")
@click.argument("run", metavar="RUN")
@click.option("--document", metavar="NAME", help="Print a text that was kept with the run, as it is, and nothing else.")
@click.option(
    "--step", default="", metavar="STEP", help="With --document: the text of this step, not of the run itself."
)
@format_option
def show(run: str, document: str | None, step: str, form: str) -> int:
    """Show all that is on record of a run.

    RUN is an id or the beginning of one, the words in it (brisk-otter), or latest.
    """
    from jupyter_mlops.api import history
    from jupyter_mlops.cli.runs_text import say_run

    if document is None and step:
        raise UsageError("--step says whose --document is meant, and there is none.")
    if document is not None:
        text = history.run_document(run, document, step)
        print_json({"schema": 1, "name": document, "text": text}) if form == "json" else say(text)
        return 0
    found = _as_it_stands(run)
    print_json(found.to_json()) if form == "json" else say_run(found)
    return 0


@click.command("rm")
@run_arguments
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@format_option
def remove(runs: Sequence[str], yes: bool, form: str) -> int:
    """Remove runs and their folders for good, or none of them.

    A run in progress and one that a model was registered from stay. The space of what they made is freed by gc.
    """
    from jupyter_mlops.api import history
    from jupyter_mlops.tracking.formats import size

    ids = history.resolve_runs(runs)
    if not yes:
        for run_id in ids:
            say(run_id, err=True)
        _ask(f"Remove {count(len(ids), 'run')} for good?")
    done = history.remove_runs(ids)
    if form == "json":
        print_json(done.to_json())
    else:
        say(f"Removed {count(len(done.runs), 'run')} and {size(done.bytes)}; jupyter mlops gc frees what they made.")
    return 0


@click.command("export")
@run_arguments
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The archive.")
@format_option
def export(runs: Sequence[str], output: Path, form: str) -> int:
    """Write runs into one archive: record, executed notebooks, and all that they took and made."""
    from jupyter_mlops.api import history
    from jupyter_mlops.tracking.formats import size

    done = history.export_runs(runs, output)
    if form == "json":
        print_json(done.to_json())
        return 0
    say(f"Wrote {count(len(done.runs), 'run')} and {count(done.objects, 'object')}, {size(done.bytes)}, to {output}")
    for note in done.notes:
        say(f"note: {note}", err=True, color="yellow")
    return 0


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@format_option
def import_(file: Path, form: str) -> int:
    """Put the runs of an archive on record here, all or none.

    Everything is checked first. Runs that are here already stay as they are; nothing is ever overwritten.
    """
    from jupyter_mlops.api import history

    done = history.import_runs(file)
    if form == "json":
        print_json(done.to_json())
        return 0
    for run_id in done.runs:
        say(run_id)
    here = f"; already here: {count(len(done.present), 'run')}" if done.present else ""
    say(f"Imported {count(len(done.runs), 'run')} and {count(done.objects, 'object')}{here}.")
    return 0


@click.command("tag")
@click.argument("words", nargs=-1, required=True, metavar="RUN... NAME=VALUE...")
@format_option
def tag(words: Sequence[str], form: str) -> int:
    """Give runs tags; a tag that is there already gets the new value."""
    from jupyter_mlops.api import history

    runs, tags = [], {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            runs.append(word)
        elif not name.strip():
            raise UsageError(f"{word!r} gives no name for the tag.", hint="Write NAME=VALUE.")
        else:
            tags[name.strip()] = value
    if not runs or not tags:
        raise UsageError("Give a run and a tag.", hint="jupyter mlops runs tag brisk-otter team=fraud")
    return _say_tagged(history.tag_run(runs, tags), form)


@click.command("untag")
@click.argument("run", metavar="RUN")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@format_option
def untag(run: str, names: Sequence[str], form: str) -> int:
    """Take tags away from a run."""
    from jupyter_mlops.api import history

    return _say_tagged(history.untag_run(run, names), form)


@click.command("note")
@click.argument("run", metavar="RUN")
@click.argument("text", metavar="TEXT")
@format_option
def note(run: str, text: str, form: str) -> int:
    """Replace the note of a run; an empty TEXT takes it away."""
    from jupyter_mlops.api import history

    return _say_tagged(history.note_run(run, text), form)


class _Runs(WithSubcommands):
    subcommands: ClassVar[Mapping[str, click.Command]] = {
        "show": show,
        "rm": remove,
        "export": export,
        "import": import_,
        "tag": tag,
        "untag": untag,
        "note": note,
        "refresh": refresh,
        "fetch": fetch,
    }


@click.command("runs", cls=_Runs)
@click.argument("filter_", metavar="[FILTER]", required=False, default=None)
@click.option(
    "--sort", multiple=True, metavar="FIELD [desc]", help="Sort by this; may be repeated. [default: started desc]"
)
@click.option("--columns", multiple=True, metavar="FIELD,...", help="Show these columns.")
@click.option("--limit", type=click.IntRange(min=1), default=20, metavar="N", help="Runs on a page. [default: 20]")
@click.option("--page", type=click.IntRange(min=1), default=1, metavar="N", help="Which page. [default: 1]")
@click.option("--all", "everything", is_flag=True, help="All runs on one page.")
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@click.option("--notebook", metavar="FILE", help="Only runs of this notebook.")
@format_option
def command(
    filter_: str | None,
    sort: Sequence[str],
    columns: Sequence[str],
    limit: int,
    page: int,
    everything: bool,
    pipeline: str | None,
    notebook: str | None,
    form: str,
) -> int:
    """List the runs on record; show, tag, export, import or remove some.

    The newest come first. FILTER is such as 'metrics.accuracy > 0.9 and params.model = "rf"', 'status = "failed"' or
    'started > "-7d"'. docs/history.md has the whole language.
    """
    from jupyter_mlops.api import history
    from jupyter_mlops.cli.runs_text import say_runs
    from jupyter_mlops.tracking.listing import RunQuery

    near = _Runs("runs").near(filter_) if filter_ and filter_.isalpha() else None
    if near is not None:
        raise UsageError(f'"{filter_}" is no filter; did you mean jupyter mlops runs {near}?')
    brief = form == "text"
    query = RunQuery(filter_, sort, columns, None if everything else limit, page, pipeline, notebook, brief)
    found = history.find_runs(query)
    if form == "json":
        print_json(found.to_json())
        return 0
    say_runs(found)
    return 0


def _as_it_stands(run: str) -> RunDetail:
    """All of a run; of one that goes on on a cluster, after asking there."""
    from jupyter_mlops.api import history

    found = history.show_run(run)
    if found.run.backend == "local" or found.run.finished is not None:
        return found
    from jupyter_mlops.api import clusters
    from jupyter_mlops.errors import MlopsError

    try:
        clusters.refresh_run(found.run.run_id, brief=True)
    except MlopsError as error:
        say(f"note: This is how it stood when it was last asked for. {error.message}", err=True, color="yellow")
    return history.show_run(found.run.run_id)


def _say_tagged(done: Tagged, form: str) -> int:
    if form == "json":
        print_json(done.to_json())
        return 0
    from jupyter_mlops.notebook.names import printable

    for run_id, tags, text in done.runs:
        shown = ", ".join(printable(f"{name}={value}") for name, value in tags.items())
        say(f"{run_id}  tags: {shown or 'none'}" + (f"  note: {printable(text)}" if text else ""))
    return 0


def _ask(question: str) -> None:
    """Go on only if somebody says yes."""
    import sys

    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to be asked.", hint="Give --yes if you mean it.")
    if not click.confirm(question, err=True):
        raise click.exceptions.Exit(1)
