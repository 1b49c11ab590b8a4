"""``jupyter mlops stop``."""

from __future__ import annotations

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say

__all__ = ["command"]


@click.command("stop")
@click.argument("run", metavar="RUN")
@format_option
def command(run: str, form: str) -> int:
    """Stop a run that is going on, on this machine or on a cluster.

    What has finished is kept. RUN is an id or the beginning of one, the words in it (brisk-otter), or latest.
    """
    from jupyter_mlops.api import controlling

    run_id, status = controlling.stop_run(run)
    if form == "json":
        print_json({"schema": 1, "run_id": run_id, "status": status})
    elif status == "running":
        say(f"{run_id} is stopping.")
        say(f"  jupyter mlops runs show {run_id}   how it stands")
    else:
        say(f"{run_id} is {status}.")
        say(f"  jupyter mlops retry {run_id}   goes on from what has finished")
    return 0
