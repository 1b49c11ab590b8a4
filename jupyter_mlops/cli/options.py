"""Options that many commands have."""

from __future__ import annotations

import click

__all__ = ["format_option"]

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="What to print on stdout. [default: text]",
)
"""Text for people, or one JSON value and nothing else on stdout."""
