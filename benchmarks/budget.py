"""What a benchmark reports, and the page made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Row", "page", "ratio", "shown"]


@dataclass(frozen=True)
class Row:
    """One measured figure and its bar.

    Args:
        what: What was measured.
        figure: The measured value; None if it could not be measured, for the reason in ``note``.
        bar: The most it may be, or the least, as ``at_least`` says.
        unit: ``x`` for a ratio to the peer measured in the same run.
        note: What the figure was made of.
    """

    what: str
    figure: float | None
    bar: float
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the figure keeps to the bar; None if there is no figure."""
        if self.figure is None:
            return None
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    @property
    def verdict(self) -> str:
        """The same as a word."""
        return {True: "yes", False: "**no**", None: "not measured"}[self.holds]


def ratio(what: str, ours: float, peer: float, bar: float, *, at_least: bool = False, note: str = "") -> Row:
    """Make the row of a ratio between two medians in seconds."""
    made_of = f"{ours:.2f} s against {peer:.2f} s"
    return Row(what, ours / peer, bar, "x", at_least, f"{made_of}; {note}" if note else made_of)


def shown(value: float, unit: str) -> str:
    """Write a figure with its unit, to three digits."""
    return f"{value:.3g} {unit}"


def page(rows: Sequence[Row], facts: Mapping[str, str], remarks: Sequence[str] = (), *, quick: bool = False) -> str:
    """Write the results as Markdown.

    Args:
        facts: What is to be known about the machine.
        remarks: Paragraphs that explain figures.
        quick: Whether the figures come from too few tries to be trusted.
    """
    lines = [
        "# Results",
        "",
        "Written by `make bench`. A ratio (x) is ours to the peer's, measured in turn in one run.",
    ]
    if quick:
        lines += ["", "A quick look: one try each, so that ratios say little."]
    lines += ["", "| what | figure | bar | holds | made of |", "|---|---|---|---|---|"]
    for row in rows:
        figure = "" if row.figure is None else shown(row.figure, row.unit)
        sign = "≥" if row.at_least else "≤"
        lines.append(
            f"| {row.what} | {figure} | {sign} {shown(row.bar, row.unit)} | {row.verdict} | {_cell(row.note)} |"
        )
    lines += ["", "| machine | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in facts.items())]
    for remark in remarks:
        lines += ["", remark.strip()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
