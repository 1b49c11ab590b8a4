"""``jupyter mlops predict``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, is_terminal, print_json, say

__all__ = ["command"]

SCHEMA = 1


@click.command("predict")
@click.argument("reference", metavar="NAME[@ALIAS|/VERSION]")
@click.argument("source")
@click.argument("target")
@click.option("--probabilities", is_flag=True, help="Write the probability of each class, too.")
@click.option("--keep", is_flag=True, help="Write the columns of SOURCE beside the predictions.")
@click.option("--rows", type=int, default=10_000, show_default=True, metavar="N", help="Rows at a time.")
@click.option("--restart", is_flag=True, help="Throw away what an interrupted run left, instead of going on with it.")
@format_option
def command(
    reference: str, source: str, target: str, probabilities: bool, keep: bool, rows: int, restart: bool, form: str
) -> int:
    """Let a model predict the rows of a file (.parquet or .csv), some at a time.

    The same checks and the same code as the server's. An interrupted run goes on where it was when the same command is
    given again.
    """
    from jupyter_mlops import api

    watched = form == "text" and is_terminal(sys.stderr)

    def told(done: int) -> None:
        if watched:
            click.echo(f"\r{done:,} rows", nl=False, err=True)

    done = api.predict_file(
        reference, source, target, probabilities=probabilities, keep=keep, rows=rows, restart=restart, told=told
    )
    if watched:
        click.echo("\r", nl=False, err=True)
    if form == "json":
        print_json({"schema": SCHEMA, "target": str(done.target), "rows": done.rows, "resumed": done.resumed})
        return 0
    more = f", {done.resumed:,} of them from before" if done.resumed else ""
    say(f"Predicted {count(done.rows, 'row')}{more}: {display_path(Path(done.target))}")
    return 0
