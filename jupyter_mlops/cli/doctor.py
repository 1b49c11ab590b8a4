"""``jupyter mlops doctor``."""

from __future__ import annotations

from dataclasses import asdict

import click

from jupyter_mlops.cli.options import format_option
from jupyter_mlops.cli.output import print_json, say, table
from jupyter_mlops.errors import InfrastructureError

__all__ = ["command"]

_COLORS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command("doctor")
@format_option
def command(form: str) -> int:
    """Look at what works on this machine, and what to do about the rest.

    Exit code 4 if something is missing that pipelines can't run without.
    """
    from jupyter_mlops import api

    checks = api.doctor()
    if form == "json":
        print_json({"schema": 1, "checks": [asdict(check) for check in checks]})
    else:
        rows = [(check.status, check.name, check.detail) for check in checks]
        for line, check in zip(table(rows, indent=""), checks, strict=True):
            optional = check.status == "missing" and not check.required
            say(line, color="yellow" if optional else _COLORS[check.status])
            if check.hint:
                say(f"         {check.hint}")
    broken = any(check.required and check.status == "missing" for check in checks)
    return InfrastructureError.exit_code if broken else 0
