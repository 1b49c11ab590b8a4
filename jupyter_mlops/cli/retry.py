"""``jupyter mlops retry``."""

from __future__ import annotations

from contextlib import nullcontext

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say

__all__ = ["command"]


@click.command("retry")
@click.argument("run", metavar="RUN")
@click.option("--follow", is_flag=True, help="Of a run on a cluster: stay until it ends, and show what its steps do.")
@format_option
def command(run: str, follow: bool, form: str) -> int:
    """Try a run again that did not end well; what ended well is not done again.

    A run of this machine becomes a new run of its notebook as it is now, with the same parameters. A run on a cluster
    goes on there as the same run, with the notebook as it was.
    """
    from jupyter_mlops.api import controlling

    if controlling.backend_of(run).backend != "local":
        return _on_cluster(run, follow, form)
    return _locally(run, form)


def _on_cluster(run: str, follow: bool, form: str) -> int:
    from jupyter_mlops.api import controlling
    from jupyter_mlops.cli.following import exit_code
    from jupyter_mlops.cli.following import follow as follow_run
    from jupyter_mlops.cli.submit import say_end

    run_id = controlling.retry_on_cluster(run)
    status = "running"
    if form == "text":
        say(f"{run_id} goes on.", bold=True)
    if follow:
        status = follow_run(run_id, logs=True)
    if form == "json":
        print_json({"schema": 1, "run_id": run_id, "status": status})
    elif follow:
        say_end(run_id)
    else:
        say(f"  jupyter mlops runs refresh {run_id} --follow   follows it")
    return exit_code(status)


def _locally(run: str, form: str) -> int:
    from pathlib import Path

    from jupyter_mlops import api
    from jupyter_mlops.api import controlling
    from jupyter_mlops.cli import summary
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.pipeline.places import cell_labels

    found = controlling.backend_of(run)
    source = api.read_notebook(Path(found.notebook)) if found.notebook and Path(found.notebook).is_file() else None
    reporter = progress(cell_labels(source), shown=True, output=False) if source is not None else None
    with reporter.showing() if reporter else nullcontext():
        result = controlling.retry_locally(run, reporter=reporter)
    assert source is not None
    pipeline = api.pipeline(source)
    if form == "json":
        print_json(result.to_json())
    else:
        again = f"jupyter mlops retry {result.run_id}"
        notebook = str(found.notebook)
        summary.say_summary(result, notebook=notebook, report=None, parameters=pipeline.parameters, again=again)
    summary.report_failures(result, source, pipeline)
    return result.exit_code
