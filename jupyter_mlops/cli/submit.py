"""``jupyter mlops submit``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say, table
from jupyter_mlops.cli.parameters import command_line, parameter_options, parameters_and_sources
from jupyter_mlops.cli.reading import read, refuse_errors, say_warnings

if TYPE_CHECKING:
    from jupyter_mlops.api.clusters import Submitted

__all__ = ["command"]


@click.command("submit")
@click.argument("notebook")
@click.option("--runtime", required=True, metavar="NAME", help="Where to run: a runtime of mlops.toml.")
@parameter_options
@click.option("--experiment", default="", metavar="NAME", help="The group the run is in. [default: the runtime's]")
@click.option("--image", metavar="REF", help="Container image of all steps that name none of their own.")
@click.option("--no-cache", is_flag=True, help="Run all steps, whatever the cluster could reuse.")
@click.option("--follow", is_flag=True, help="Stay until the run ends, and show what its steps do and print.")
@click.option("--wait", is_flag=True, help="Stay until the run ends, and show how steps end.")
@format_option
def command(
    notebook: str,
    runtime: str,
    experiment: str,
    image: str | None,
    no_cache: bool,
    follow: bool,
    wait: bool,
    form: str,
    **parameters: Any,
) -> int:
    """Run a notebook as a pipeline on a cluster.

    It is compiled, uploaded as a version of its pipeline unless the cluster has it, and started once, however often the
    connection is lost. The run is on record beside the local ones. It goes on when this command ends; Ctrl-C while it
    is followed does not stop it.
    """
    from jupyter_mlops.api import clusters
    from jupyter_mlops.cli.following import exit_code
    from jupyter_mlops.cli.following import follow as follow_run

    source, pipeline = read(notebook)
    refuse_errors(source, pipeline, "submitted")
    values, sources = parameters_and_sources(source, pipeline, parameters)
    done = clusters.submit(
        source,
        runtime,
        values,
        experiment=experiment,
        image=image,
        no_cache=no_cache,
        sliced=pipeline,
        sources=sources,
        command=command_line(),
    )
    say_warnings(source, pipeline)
    for note in done.notes:
        say(f"note: {note}", err=True, color="yellow")
    if form == "text":
        _say(done)
    status = "running"
    if follow or wait:
        status = follow_run(done.run_id, logs=follow)
    if form == "json":
        print_json(_json(done, status, ended=follow or wait))
    elif follow or wait:
        say_end(done.run_id)
    return exit_code(status)


def say_end(run_id: str) -> None:
    """Print how a run on a cluster ended."""
    from jupyter_mlops.api import history
    from jupyter_mlops.cli.runs_text import say_run

    say()
    say_run(history.show_run(run_id))


def _say(done: Submitted) -> None:
    say(f"Started {done.run_id} at {done.runtime}.", bold=True)
    rows = [("pipeline", f"{done.pipeline}, version {done.version}"), ("experiment", done.experiment)]
    for line in table([*rows, ("page", done.page)]):
        say(line)
    say("Next", bold=True)
    for line in table(
        [
            (f"jupyter mlops runs show {done.run_id}", "how it stands"),
            (f"jupyter mlops runs refresh {done.run_id} --follow", "follow it"),
            (f"jupyter mlops stop {done.run_id}", "stop it"),
        ]
    ):
        say(line, flush=True)


def _json(done: Submitted, status: str, *, ended: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": 1, **asdict(done), "backend": "kubeflow", "status": status}
    found["notes"] = list(done.notes)
    if ended:
        from jupyter_mlops.api import history

        found["run"] = history.show_run(done.run_id).to_json()
    return found
