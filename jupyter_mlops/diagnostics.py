"""Coded problems of a user's notebook.

A diagnostic says what is wrong, where (cell and line) and what to do about it.
Codes are stable: ``docs/diagnostics.md`` has a section for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["CODES", "Diagnostic", "Severity", "has_errors", "make"]

Severity = Literal["error", "warning", "info"]

CODES: dict[str, tuple[Severity, str]] = {
    # notebook and tags
    "MLO001": ("error", "The cell is not valid Python"),
    "MLO002": ("error", "A tag looks like one of ours, misspelt"),
    "MLO003": ("error", "Two steps have the same slug"),
    "MLO004": ("error", "The cells of a step stand apart"),
    "MLO005": ("error", "Steps wait for each other in a circle"),
    "MLO006": ("error", "A step that does not exist is named"),
    "MLO007": ("error", "The tags of a cell contradict each other"),
    "MLO008": ("error", "A tag has a malformed value"),
    "MLO009": ("error", "A setting in the metadata is not valid"),
    "MLO010": ("warning", "There is more than one parameters cell"),
    "MLO011": ("info", "A line of the parameters cell is code, not a parameter"),
    "MLO012": ("error", "A name is read that nobody defines"),
    "MLO013": ("error", "A declared input is provided by no earlier step"),
    "MLO014": ("warning", "Declared and inferred inputs or outputs differ"),
    "MLO015": ("error", "A declared output is not defined by its step"),
    "MLO016": ("warning", "A metrics cell binds no name"),
    "MLO017": ("error", "A name is read after it was deleted"),
    "MLO018": ("warning", "The cells were last executed in another order"),
    "MLO019": ("warning", "There is no code to run"),
    # code the analysis can't see through
    "MLO020": ("warning", "An unknown magic may do anything"),
    "MLO021": ("info", "A shell command may touch any file"),
    "MLO022": ("warning", "Code is executed that is only known at run time"),
    "MLO023": ("info", "The analysis gave up on some code and assumes the worst"),
    "MLO024": ("error", "IPython's history of inputs and outputs is used"),
    "MLO025": ("warning", "Code waits for somebody to type"),
    # files and the outside world
    "MLO030": ("info", "A file is used whose path is only known at run time"),
    "MLO031": ("info", "A file travels from one step to another"),
    "MLO040": ("info", "A step depends on the network, a database or the clock"),
    # values that cross a boundary
    "MLO050": ("error", "A value that can't be saved crosses a step boundary"),
    "MLO051": ("info", "Unseeded randomness"),
    # Kale aliases
    "MLO060": ("warning", "A Kale setting has no counterpart"),
    # tags and settings in a place where they do nothing
    "MLO061": ("warning", "A tag or setting has no effect here"),
}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a notebook.

    Args:
        code: Stable code, a key of ``CODES``.
        severity: ``error`` keeps the pipeline from running.
        message: One sentence: what is wrong.
        cell: Id of the cell, or None for the notebook as a whole.
        line: 1-based line in the cell's source, or None.
        hint: One sentence: what to do.
    """

    code: str
    severity: Severity
    message: str
    cell: str | None = None
    line: int | None = None
    hint: str | None = None


def make(
    code: str, message: str, *, cell: str | None = None, line: int | None = None, hint: str | None = None
) -> Diagnostic:
    """Build a diagnostic with the severity that its code has in ``CODES``."""
    return Diagnostic(code, CODES[code][0], message, cell, line, hint)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any diagnostic is an error."""
    return any(item.severity == "error" for item in diagnostics)
