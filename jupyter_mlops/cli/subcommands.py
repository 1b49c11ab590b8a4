"""A command that does something by itself and has subcommands, too: ``runs``, ``runs show``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import click

from jupyter_mlops.notebook.names import nearest

__all__ = ["WithSubcommands"]


class WithSubcommands(click.Command):
    """Takes its first word for a subcommand if it is the name of one."""

    subcommands: ClassVar[Mapping[str, click.Command]] = {}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        found = self.subcommands.get(args[0]) if args else None
        if found is None:
            return super().make_context(info_name, args, parent, **extra)
        return found.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Subcommands"):
            formatter.write_dl([(name, found.get_short_help_str(80)) for name, found in self.subcommands.items()])

    def near(self, word: str) -> str | None:
        """Return the subcommand that was probably meant by a word."""
        return nearest(word, self.subcommands)
