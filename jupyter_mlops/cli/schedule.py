"""``jupyter mlops schedule``: runs that a cluster starts by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say, table
from jupyter_mlops.cli.parameters import parameter_options, parameters_and_sources
from jupyter_mlops.cli.reading import read, refuse_errors, say_warnings
from jupyter_mlops.cli.subcommands import WithSubcommands
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.schedules import Schedule

__all__ = ["command"]

_RUNTIME = click.option("--runtime", required=True, metavar="NAME", help="Where: a runtime of mlops.toml.")


@click.command("list")
@_RUNTIME
@format_option
def list_(runtime: str, form: str) -> int:
    """List the schedules of a runtime, with the times that come next."""
    from jupyter_mlops.api import schedules

    found = schedules.list_schedules(runtime)
    if form == "json":
        print_json({"schema": 1, "schedules": [item.to_json() for item in found]})
        return 0
    if not found:
        say("No schedules.")
        return 0
    rows = [("schedule", "cron", "state", "next (UTC)"), *map(_row, found)]
    for line in table(rows, indent=""):
        say(line)
    return 0


def _changing(action: str, done: str, text: str) -> click.Command:
    @click.command(action, help=text)
    @click.argument("name")
    @_RUNTIME
    @format_option
    def change(name: str, runtime: str, form: str) -> int:
        from jupyter_mlops.api import schedules

        found = schedules.set_schedule(name, runtime, action)
        if form == "json":
            print_json({"schema": 1, "schedule_id": found.schedule_id, "name": found.name, "action": action})
        else:
            say(f"{found.name} {done}.")
        return 0

    return change


class _Schedule(WithSubcommands):
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        near = self.near(args[0]) if args and args[0].isalpha() and args[0] not in self.subcommands else None
        if near is not None and not Path(args[0]).exists():
            message = f'"{args[0]}" is no notebook; did you mean jupyter mlops schedule {near}?'
            raise UsageError(message, hint="See: jupyter mlops schedule --help")
        return super().make_context(info_name, args, parent, **extra)

    subcommands: ClassVar[Mapping[str, click.Command]] = {
        "list": list_,
        "pause": _changing("pause", "starts no runs until it is resumed", "Keep a schedule from starting runs."),
        "resume": _changing("resume", "starts runs again", "Let a schedule start runs again."),
        "delete": _changing("delete", "is deleted; its runs stay", "Delete a schedule; runs that it started stay."),
    }


@click.command("schedule", cls=_Schedule)
@click.argument("notebook")
@click.option("--cron", required=True, metavar="TIMES", help="minute hour day month weekday, such as '0 6 * * 1'.")
@_RUNTIME
@parameter_options
@click.option("--experiment", default="", metavar="NAME", help="The group its runs are in. [default: the runtime's]")
@click.option("--image", metavar="REF", help="Container image of all steps that name none of their own.")
@click.option("--no-cache", is_flag=True, help="Run all steps each time, whatever the cluster could reuse.")
@click.option("--catch-up", is_flag=True, help="Make up for times that pass while it is paused.")
@format_option
def command(
    notebook: str,
    cron: str,
    runtime: str,
    experiment: str,
    image: str | None,
    no_cache: bool,
    catch_up: bool,
    form: str,
    **parameters: Any,
) -> int:
    """Let a cluster run a notebook by the clock; list, pause, resume or delete such schedules.

    The times are UTC unless the cluster is set otherwise. What runs is the notebook as it is now: schedule it again
    after a change, and delete the old schedule.
    """
    from jupyter_mlops.api import schedules

    source, pipeline = read(notebook)
    refuse_errors(source, pipeline, "scheduled")
    values, _ = parameters_and_sources(source, pipeline, parameters)
    made = schedules.create_schedule(
        source,
        runtime,
        cron,
        values,
        experiment=experiment,
        image=image,
        no_cache=no_cache,
        catch_up=catch_up,
        sliced=pipeline,
    )
    say_warnings(source, pipeline)
    if form == "json":
        print_json({"schema": 1, **made.to_json()})
        return 0
    say(f"Scheduled {made.name} at {runtime}.", bold=True)
    rows = [("cron", made.cron), ("next (UTC)", ", ".join(made.next)), ("page", made.page)]
    for line in table(rows):
        say(line)
    say(f"  jupyter mlops schedule pause {made.name} --runtime {runtime}   keeps it from starting runs")
    return 0


def _row(item: Schedule) -> tuple[str, ...]:
    return (item.name, item.cron, "on" if item.enabled else "paused", item.next[0] if item.next else "-")
