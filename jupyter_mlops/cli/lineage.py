"""``jupyter mlops lineage``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlops.cli.output import can_show_boxes, plain_json, print_json, say, terminal_width

if TYPE_CHECKING:
    from jupyter_mlops.tracking.lineage_model import Lineage

__all__ = ["command"]

_BY_SUFFIX = {".json": "json", ".mmd": "mermaid", ".mermaid": "mermaid", ".svg": "svg"}


@click.command("lineage")
@click.argument("what", metavar="RUN|ARTIFACT|FILE")
@click.option("--up", is_flag=True, help="Only what made it.")
@click.option("--down", is_flag=True, help="Only what used it.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Follow at most N links. [default: all]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid", "svg"]),
    help="What to write; by default the suffix of FILE decides (.json, .mmd, .svg), else text.",
)
@click.option("-o", "--output", metavar="FILE", help="Write to this file instead of the terminal.")
def command(what: str, up: bool, down: bool, depth: int | None, form: str | None, output: str | None) -> int:
    """Tell what made a run, an artifact or a file, and what used it.

    A run is named by its id, the beginning of it, its words, or latest. An artifact is RUN:NAME, RUN:STEP/NAME, or
    the beginning of its digest. A file is the path of a file that a step has read or made.
    """
    from jupyter_mlops import api

    target = None
    if output is not None:
        from jupyter_mlops.engine.output import check_output

        target = check_output(output, None)
    form = form or (_BY_SUFFIX.get(target.suffix.lower(), "text") if target else "text")
    found = api.lineage(what, "both" if up == down else "up" if up else "down", depth=depth)
    if target is not None:
        _write(target, form, found)
    elif form == "json":
        print_json(found.to_json())
    elif form == "text":
        from jupyter_mlops.tracking.lineage_text import lineage_text

        for line in lineage_text(found, width=terminal_width(), unicode=can_show_boxes()):
            say(line)
    else:
        say(_drawn(form, found).removesuffix("\n"))
    return 0


def _write(target: Path, form: str, found: Lineage) -> None:
    from jupyter_mlops.engine.output import write_whole

    if form == "json":
        write_whole(target, plain_json(found.to_json()) + "\n")
    elif form == "text":
        from jupyter_mlops.tracking.lineage_text import lineage_text

        write_whole(target, "\n".join(lineage_text(found, width=200)) + "\n")
    else:
        write_whole(target, _drawn(form, found))


def _drawn(form: str, found: Lineage) -> str:
    from jupyter_mlops.tracking.lineage_drawing import lineage_mermaid, lineage_svg

    return lineage_svg(found) if form == "svg" else lineage_mermaid(found)
