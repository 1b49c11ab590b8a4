"""``jupyter mlops compare``."""

from __future__ import annotations

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import can_show_boxes, print_json, say, terminal_width

__all__ = ["command"]

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--baseline", metavar="RUN", help="Compare with this run. [default: the first]")
@click.option("--all", "everything", is_flag=True, help="Show also what is equal.")
@format_option
def command(runs: tuple[str, ...], baseline: str | None, everything: bool, form: str) -> int:
    """Say how runs differ: parameters, metrics, code, steps, data, environment.

    A run is named by its id, the beginning of it, its words (brisk-otter), or latest. Runs of different pipelines
    can be compared, too. Secrets are left out.
    """
    from jupyter_mlops import api

    found = api.comparison(runs, baseline)
    if form == "json":
        print_json(found.to_json(everything=everything))
        return 0
    from jupyter_mlops.tracking.compare_text import comparison_text

    for line in comparison_text(found, everything=everything, width=terminal_width(), unicode=can_show_boxes()):
        if line.is_diff:
            say(line.text, color=_COLORS.get(line.text.strip()[:1]))
        else:
            say(line.text, bold=line.is_title)
    return 0
