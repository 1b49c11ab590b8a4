"""``jupyter mlops models``: the list, and what can be done with models."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say
from jupyter_mlops.cli.subcommands import WithSubcommands
from jupyter_mlops.errors import UsageError

__all__ = ["command"]

SCHEMA = 1


@click.command("register")
@click.argument("source", metavar="RUN:ARTIFACT")
@click.option("--name", required=True, metavar="NAME", help="Register it under this name.")
@click.option("--description", metavar="TEXT", help="What there is to say of the version.")
@click.option(
    "--alias", "aliases", multiple=True, metavar="ALIAS", help="Let this alias stand for the version; may be repeated."
)
@format_option
def register(source: str, name: str, description: str | None, aliases: Sequence[str], form: str) -> int:
    """Register what a run made as the next version of a model.

    RUN is an id or the beginning of one, the words in it (brisk-otter), or latest. ARTIFACT is a variable, STEP/NAME,
    or the path of a file. An artifact that was registered under the name before keeps its version.
    """
    from jupyter_mlops import api
    from jupyter_mlops.cli.models_text import called
    from jupyter_mlops.tracking.model_forms import version_json

    done = api.register_model(source, name, description=description, aliases=aliases)
    if form == "json":
        print_json(
            {"schema": SCHEMA, "new": done.is_new, "version": version_json(done.version), "notes": list(done.notes)}
        )
        return 0
    verb = "Registered" if done.is_new else "It is registered already:"
    say(f"{verb} {called(done.version)} from {done.version.run_id}, step {done.version.step}.", bold=True)
    for note in done.notes:
        say(f"note: {note}", err=True, color="yellow")
    return 0


@click.command("show")
@click.argument("reference", metavar="NAME[@ALIAS|/VERSION]")
@format_option
def show(reference: str, form: str) -> int:
    """Show a model, its versions, and all that is on record of one of them: the newest, or the one that is named."""
    from jupyter_mlops import api
    from jupyter_mlops.cli.models_text import say_details
    from jupyter_mlops.tracking.model_forms import details_json

    found = api.model_details(reference)
    print_json(details_json(found)) if form == "json" else say_details(found)
    return 0


@click.command("alias")
@click.argument("name", metavar="NAME")
@click.argument("words", nargs=-1, required=True, metavar="[VERSION] ALIAS")
@click.option("--remove", is_flag=True, help="Take ALIAS away.")
@format_option
def alias(name: str, words: Sequence[str], remove: bool, form: str) -> int:
    """Let ALIAS stand for a version, and for no other any more.

    VERSION is a number, latest, or another alias.
    """
    from jupyter_mlops import api

    if len(words) != (1 if remove else 2):
        wanted = f"models alias {name} --remove champion" if remove else f"models alias {name} 3 champion"
        raise UsageError("That is not a version and an alias.", hint=f"Such as: jupyter mlops {wanted}")
    if remove:
        api.remove_model_alias(name, words[0])
        if form == "json":
            print_json({"schema": SCHEMA, "model": name, "removed": words[0]})
        else:
            say(f"{name} has no alias {words[0]} any more.")
        return 0
    version, notes = api.set_model_alias(name, words[0], words[1])
    if form == "json":
        from jupyter_mlops.tracking.model_forms import version_json

        print_json({"schema": SCHEMA, "version": version_json(version), "notes": list(notes)})
        return 0
    say(f"{words[1]} stands for version {version.version} of {version.model}.")
    for note in notes:
        say(f"note: {note}", err=True)
    return 0


@click.command("describe")
@click.argument("reference", metavar="NAME[@ALIAS|/VERSION]")
@click.argument("text", metavar="TEXT")
@format_option
def describe(reference: str, text: str, form: str) -> int:
    """Replace the description of a model, or of one of its versions; an empty TEXT takes it away."""
    from jupyter_mlops import api

    api.describe_model(reference, text)
    if form == "json":
        print_json({"schema": SCHEMA, "reference": reference, "description": text or None})
    else:
        say(f"Described {reference}." if text else f"{reference} has no description any more.")
    return 0


@click.command("rm")
@click.argument("reference", metavar="NAME[/VERSION]")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option("--force", is_flag=True, help="Remove also what an alias stands for.")
@format_option
def remove(reference: str, yes: bool, force: bool, form: str) -> int:
    """Remove a version, or a model with all its versions; the runs stay.

    A number that is gone is never given again.
    """
    from jupyter_mlops import api
    from jupyter_mlops.cli.models_text import removal_text

    planned = api.what_remove_model_removes(reference, force=force)
    if not yes:
        _ask(f"Remove {removal_text(planned)}?")
    done = api.remove_model(reference, force=force)
    if form == "json":
        from jupyter_mlops.tracking.model_forms import removal_json

        print_json(removal_json(done))
    else:
        say(f"Removed {removal_text(done)}.")
    return 0


class _Models(WithSubcommands):
    subcommands: ClassVar[Mapping[str, click.Command]] = {
        "register": register,
        "show": show,
        "alias": alias,
        "describe": describe,
        "rm": remove,
    }


@click.command("models", cls=_Models)
@click.argument("word", required=False, default=None, metavar="")
@format_option
def command(word: str | None, form: str) -> int:
    """List the registered models; register, show, alias, describe or remove them."""
    from jupyter_mlops import api
    from jupyter_mlops.cli.models_text import say_models
    from jupyter_mlops.tracking.model_forms import model_json

    if word is not None:
        near = _Models("models").near(word)
        guess = f"did you mean jupyter mlops models {near}?" if near else f"see jupyter mlops models show {word}"
        raise UsageError(f'"{word}" is no subcommand; {guess}', hint=f"Subcommands: {', '.join(_Models.subcommands)}.")
    found = api.models()
    if form == "json":
        print_json({"schema": SCHEMA, "models": [model_json(item) for item in found]})
    else:
        say_models(found)
    return 0


def _ask(question: str) -> None:
    """Go on only if somebody says yes."""
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to be asked.", hint="Give --yes if you mean it.")
    if not click.confirm(question, err=True):
        raise click.exceptions.Exit(1)
