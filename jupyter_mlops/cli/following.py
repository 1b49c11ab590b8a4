"""What one sees of a run on a cluster while it is followed: a line on stderr for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.cli.output import say
from jupyter_mlops.notebook.names import printable

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.following import LogText, Note, StepChanged

__all__ = ["INTERRUPTED", "exit_code", "follow", "say_change"]

INTERRUPTED = 130
_CODES = {"succeeded": 0, "reused": 0, "failed": 1, "cancelled": INTERRUPTED, "skipped": 0}
_COLORS = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "skipped": "yellow"}
_WORDS = {"running": "runs", "succeeded": "done"}


def exit_code(status: str) -> int:
    """Return the exit code for how a run ended."""
    return _CODES.get(status, 0)


def say_change(event: StepChanged | LogText | Note) -> None:
    """Print what has changed."""
    from jupyter_mlops.kubeflow.following import LogText, Note

    if isinstance(event, Note):
        say(f"note: {printable(event.text)}", err=True, color="yellow")
    elif isinstance(event, LogText):
        for line in event.text.splitlines():
            say(f"  {printable(event.name)} | {printable(line)}", err=True)
    else:
        took = f" in {event.seconds:.1f} s" if event.seconds is not None and event.status != "reused" else ""
        reason = f": {event.reason}" if event.reason else ""
        text = f"{event.name}: {_WORDS.get(event.status, event.status)}{took}{reason}"
        say(printable(text), err=True, color=_COLORS.get(event.status))


def follow(run_id: str, *, logs: bool, quiet: bool = False) -> str:
    """Follow a run until it ends; return how it ended.

    Args:
        logs: Whether to show what steps print.
        quiet: Whether to say nothing of steps.

    Raises:
        KeyboardInterrupt: Somebody has enough; it is said how the run can be followed again, or stopped.
    """
    from jupyter_mlops.api import clusters

    try:
        return clusters.follow_run(run_id, watch=None if quiet else say_change, logs=logs)
    except KeyboardInterrupt:
        say(f"The run {run_id} goes on.", err=True)
        say(f"  jupyter mlops runs refresh {run_id} --follow   follows it again", err=True)
        say(f"  jupyter mlops stop {run_id}   stops it", err=True)
        raise
