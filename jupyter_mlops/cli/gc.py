"""``jupyter mlops gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, print_json, say, table

if TYPE_CHECKING:
    from jupyter_mlops.engine.cleaning import Cleaned

__all__ = ["command"]

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; nothing is.")
@click.option(
    "--keep-runs",
    type=click.IntRange(min=0),
    metavar="N",
    help="Forget all runs but the newest N of each pipeline.",
)
@click.option("--older-than", metavar="TIME", help="Forget runs older than this: 12h, 30d, 8w.")
@format_option
def command(dry_run: bool, keep_runs: int | None, older_than: str | None, form: str) -> int:
    """Free the space of what nothing refers to: objects, temporary files, folders of runs that are gone.

    Runs are forgotten only if --keep-runs or --older-than says so; with both, those that neither keeps. Runs with
    tags, notes or registered models stay, and so does each pipeline's newest that succeeded. What a run in progress
    needs is never touched.
    """
    from jupyter_mlops import api

    done = api.gc(dry_run=dry_run, keep_runs=keep_runs, older_than=older_than)
    print_json(done.to_json()) if form == "json" else _say(done)
    return 0


def _say(done: Cleaned) -> None:
    rows = [(kind, f"{number:,}", size_text(size)) for kind, (number, size) in done.counts.items() if number]
    for line in table(rows, indent="") if rows else []:
        say(line)
    for run_id, reason in done.kept.items():
        say(f"kept {run_id}: {reason}")
    if rows or done.kept:
        say()
    verb = "would be freed" if done.dry_run else "freed"
    things = count(sum(number for number, _ in done.counts.values()), "thing")
    say(f"{things}, {size_text(done.bytes)} {verb}." if rows else "There is nothing to remove.", bold=True)


def size_text(size: float) -> str:
    """``0 bytes``, ``1.5 MB``."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} {_UNITS[-1]}"
