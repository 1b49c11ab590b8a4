"""``jupyter mlops report``."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import display_path, print_json, say

__all__ = ["command"]


@click.command("report")
@click.argument("run", default="latest")
@click.option("-o", "--output", metavar="FILE", help="Write to this file. [default: report.html in the run's folder]")
@format_option
def command(run: str, output: str | None, form: str) -> int:
    """Write the HTML report of a run.

    RUN is a run's id, the beginning of one, its words, or latest (the default). The page is one
    file, made of what is on record, that needs neither network nor scripts.
    """
    from jupyter_mlops import api
    from jupyter_mlops.engine.output import check_output

    target = None if output is None else check_output(output, None)
    path = api.report(run, output=target)
    if form == "json":
        print_json({"schema": 1, "path": str(path)})
    else:
        say(display_path(path) if path.is_relative_to(Path.cwd()) else str(path))
    return 0
