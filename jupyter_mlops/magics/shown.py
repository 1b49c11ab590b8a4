"""What magics show: text everywhere, HTML and pictures where a frontend takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops import templates

__all__ = ["Sheet", "Table"]


@dataclass(frozen=True)
class Table:
    """Rows under a title.

    Args:
        numbers: Columns that are numbers, by their position.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()

    def text(self) -> list[str]:
        """The table in lines."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [self.title] if self.title else []
        for row in (self.head, *self.rows):
            cells = [
                cell.rjust(width) if index in self.numbers else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append(("  " + "  ".join(cells)).rstrip())
        return lines


@dataclass(frozen=True)
class Sheet:
    """Something to look at.

    Args:
        picture: An SVG image, made by this project.
        text: Lines that stand for the picture where there are none.
    """

    title: str
    picture: str = ""
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        lines = [self.title, *([""] if self.text else []), *self.text]
        for table in self.tables:
            lines += ["", *table.text()]
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])]).rstrip()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from markupsafe import Markup

        environment = templates.environment(templates.root() / "notebook", autoescape=True)
        page = environment.get_template("sheet.html.j2").render(sheet=self, picture=Markup(self.picture))
        return {"text/html": page, "text/plain": repr(self)}
