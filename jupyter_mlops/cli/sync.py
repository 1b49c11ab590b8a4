"""``jupyter mlops sync``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, is_terminal, print_json, say

if TYPE_CHECKING:
    from jupyter_mlops.store.records import Delivery
    from jupyter_mlops.tracking.delivery import Synced

__all__ = ["command"]

_MOST = 10


@click.command("sync")
@click.option("--dry-run", is_flag=True, help="Say what waits; nothing is delivered or forgotten.")
@click.option("--forget", is_flag=True, help="Deliver nothing of what waits, now or later: the tracker is gone.")
@format_option
def command(dry_run: bool, forget: bool, form: str) -> int:
    """Deliver runs and models to other trackers (MLflow) that have not got them yet.

    Runs are delivered by themselves when they end. What could not be, because the tracker was away,
    waits in the outbox and is delivered with the next run, or by this command.
    """
    from jupyter_mlops import api

    done = api.sync(dry_run=dry_run, forget=forget, told=_tell if form == "text" else None)
    print_json(done.to_json()) if form == "json" else _say(done)
    return done.exit_code


def _tell(delivery: Delivery, error: str | None) -> None:
    import sys

    if error is None and is_terminal(sys.stderr):
        say(f"{delivery.kind} {delivery.subject}: delivered", err=True)


def _say(done: Synced) -> None:
    if done.forgotten:
        _say_list(done.forgotten)
        say(f"{_things(done.forgotten)} {'would be ' if done.dry_run else ''}forgotten.", bold=True)
        return
    if done.busy:
        say("Another process delivers at this moment; nothing was done.", color="yellow")
    _say_list(done.waiting)
    if done.delivered:
        say(f"{_things(done.delivered)} delivered.", bold=True)
    if done.waiting:
        say(f"{_things(done.waiting)} {'waits' if len(done.waiting) == 1 else 'wait'}.", bold=True)
    if not done.delivered and not done.waiting:
        say("There is nothing to deliver.", bold=True)


def _say_list(items: Sequence[Delivery]) -> None:
    """Name what waits, by tracker and reason."""
    groups: dict[tuple[str, str | None], list[Delivery]] = defaultdict(list)
    for item in items:
        groups[item.to.target, item.error].append(item)
    for (target, error), found in groups.items():
        say(f"{target}" + (f": {error}" if error else ""), color="yellow" if error else None)
        for item in found[:_MOST]:
            tried = f", tried {count(item.attempts, 'time')}" if item.attempts else ""
            say(f"  {item.kind} {item.subject}{tried}")
        if len(found) > _MOST:
            say(f"  … and {len(found) - _MOST} more")


def _things(items: Sequence[Delivery]) -> str:
    counts = {kind: sum(item.kind == kind for item in items) for kind in ("run", "model")}
    return " and ".join(count(number, kind) for kind, number in counts.items() if number)
