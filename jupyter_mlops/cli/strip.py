"""``jupyter mlops strip``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import count, display_path, print_json, report_error, say
from jupyter_mlops.errors import MlopsError

__all__ = ["command"]


@click.command("strip")
@click.argument("notebooks", metavar="NOTEBOOK...", nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Only say which have outputs; exit code 3 if one has.")
@format_option
def command(notebooks: Sequence[str], only_check: bool, form: str) -> int:
    """Take the outputs out of notebooks, for commits without them.

    Outputs and execution counts go, everything else stays as it stands in the file, byte for byte.
    Cells with the tag keep_output keep theirs. What git shows as a change is thus code and text alone.
    """
    changed, code = [], 0
    for name in dict.fromkeys(notebooks):
        try:
            if _strip(Path(name), write=not only_check):
                changed.append(Path(name))
        except MlopsError as error:  # the other notebooks are no worse for it
            report_error(error)
            code = code or error.exit_code
    if form == "json":
        print_json({"schema": 1, "stripped": [str(path) for path in changed], "written": not only_check})
    else:
        word = "has outputs" if only_check else "stripped"
        for path in changed:
            say(f"{display_path(path)}: {word}")
        if not changed:
            say(f"{count(len(set(notebooks)), 'notebook')} without outputs" if not code else "Nothing was changed.")
    return code or (3 if only_check and changed else 0)


def _strip(path: Path, *, write: bool) -> bool:
    """Take the outputs out of one notebook; tell whether there were any."""
    from jupyter_mlops import api

    return api.strip_outputs(path, write=write)
