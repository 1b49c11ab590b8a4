"""``jupyter mlops runs refresh`` and ``runs fetch``: runs on clusters."""

from __future__ import annotations

from collections.abc import Sequence

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, print_json, say

__all__ = ["fetch", "refresh"]


@click.command("refresh")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--follow", is_flag=True, help="Stay until the run ends, and show what its steps do and print.")
@format_option
def refresh(run: str | None, follow: bool, form: str) -> int:
    """Ask the clusters how runs stand; all that go on, or one. runs show does this by itself."""
    from jupyter_mlops.api import clusters
    from jupyter_mlops.cli.following import exit_code, say_change
    from jupyter_mlops.cli.following import follow as follow_run
    from jupyter_mlops.errors import UsageError

    if run is None:
        if follow:
            raise UsageError("--follow needs a run.", hint="jupyter mlops runs refresh latest --follow")
        found = clusters.refresh_runs()
    elif follow:
        found = {run: follow_run(run, logs=True)}
    else:
        found = {run: clusters.refresh_run(run, watch=say_change)}
    if form == "json":
        print_json({"schema": 1, "runs": [{"run_id": run_id, "status": status} for run_id, status in found.items()]})
    else:
        for run_id, status in found.items():
            say(f"{run_id}  {status}")
        if not found:
            say("No run is going on on a cluster.")
    return exit_code(found[run]) if run is not None and follow else 0


@click.command("fetch")
@click.argument("run", metavar="RUN")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@format_option
def fetch(run: str, names: Sequence[str], form: str) -> int:
    """Bring what a run on a cluster made into the store, checked by its digest; all, or what is named."""
    from jupyter_mlops.api import clusters

    fetched, present = clusters.fetch_run(run, names)
    if form == "json":
        print_json({"schema": 1, "fetched": fetched, "present": present})
    elif not fetched and not present:
        say("The run has no artifacts on record.")
    else:
        here = f"; {present} here already" if present else ""
        say(f"Fetched {count(fetched, 'artifact')}{here}.")
    return 0
