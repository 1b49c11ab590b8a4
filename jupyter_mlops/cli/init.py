"""``jupyter mlops init``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import display_path, print_json, say

__all__ = ["command"]


@click.group("init")
def command() -> None:
    """Write files that set things up: for continuous integration, for monitoring.

    The files are yours: change what you like. One that is there already stays, unless --force is
    given.
    """


@command.command("ci")
@click.option("--provider", required=True, metavar="NAME", help="The CI service: github or gitlab.")
@click.option(
    "--notebook",
    "notebooks",
    multiple=True,
    metavar="FILE",
    help="A notebook to run; may be repeated. [default: those of the repository that have steps]",
)
@click.option(
    "--gate", "gates", multiple=True, metavar="EXPR", help="A condition that each run must meet; may be repeated."
)
@click.option("--branch", metavar="NAME", help="The branch to compare with. [default: the repository's main branch]")
@click.option("-o", "--output", metavar="FILE", help="Write to this file. [default: where the service looks for it]")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@format_option
def ci(
    provider: str,
    notebooks: Sequence[str],
    gates: Sequence[str],
    branch: str | None,
    output: str | None,
    force: bool,
    form: str,
) -> int:
    """Write the file that makes a CI service check and run the notebooks.

    Results and history are kept from run to run, runs are compared with the main branch, and pull
    requests get a comment. Nothing but this file is written.
    """
    from jupyter_mlops import api

    file = api.make_ci_file(
        provider,
        notebooks=[Path(name) for name in notebooks],
        gates=gates,
        branch=branch,
        output=None if output is None else Path(output).absolute(),
    )
    outcome = api.write_ci_file(file, force=force)
    if form == "json":
        print_json(
            {
                "schema": 1,
                "provider": file.provider,
                "path": str(file.path),
                "status": outcome,
                "notebooks": list(file.notebooks),
            }
        )
        return 0
    say(f"{display_path(file.path)}: {outcome}", bold=True)
    for name in file.notebooks:
        say(f"  runs {name}")
    say()
    say("Next: look at it, commit it, push it. docs/ci.md explains each part.")
    return 0


@command.command("monitoring")
@click.option(
    "-o", "--output", metavar="FOLDER", default="monitoring", help="Write into this folder. [default: monitoring]"
)
@click.option(
    "--latency", type=float, default=1.0, metavar="S", help="Alert if 5 % of answers take longer. [default: 1]"
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@format_option
def monitoring(output: str, latency: float, force: bool, form: str) -> int:
    """Write alerts for Prometheus and a dashboard for Grafana about the models that are served."""
    from jupyter_mlops.api.monitoring import write_monitoring

    done = write_monitoring(output, seconds=latency, force=force)
    if form == "json":
        print_json({"schema": 1, "files": [{"path": str(path), "status": status} for path, status in done]})
        return 0
    for path, status in done:
        say(f"{display_path(path)}: {status}", bold=True)
    say()
    say("Next: name the rules under rule_files of Prometheus, and import the dashboard into Grafana.")
    return 0
