"""What the analysis finds out: versions of names, who uses them, and what they share.

Each binding or mutation of a name makes a new *version*. A version knows the cell and
top-level statement that made it and the versions it builds upon, so that the slicer can
tell what a step needs from earlier ones without looking at code again.

Hidden state has versions as well, under names that start with ``$``: ``$file:report.csv``,
``$rng:numpy``, ``$options:pandas``, ``$files`` (any file).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from jupyter_mlops.analysis.heap import Heap
from jupyter_mlops.diagnostics import Diagnostic

__all__ = [
    "Cause",
    "CellFacts",
    "Change",
    "NotebookFacts",
    "StatementFacts",
    "Use",
    "Version",
    "VersionKind",
    "is_hidden",
]

VersionKind = Literal["data", "code", "parameter"]
Change = Literal["bound", "changed", "kept", "shared", "deleted"]
"""How a version came about: bound anew; changed in place; kept or bound, depending on a condition;
shared with a value made here (identity has to survive); deleted."""


def is_hidden(name: str) -> bool:
    """Tell whether a name stands for hidden state rather than for a variable."""
    return name.startswith("$")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is so: a line of a cell and half a sentence."""

    cell: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a name.

    Args:
        number: Position in ``NotebookFacts.versions``.
        cell: Index of the cell that made it.
        statement: Ordinal of the top-level statement in that cell.
        kind: ``code`` can be replayed anywhere (imports, plain functions and classes).
        previous: Versions of the same name it builds upon.
        objects: Mutable objects the name may refer to directly.
        type: Inferred type.
    """

    number: int
    name: str
    cell: int
    statement: int
    kind: VersionKind
    change: Change
    cause: Cause
    previous: tuple[int, ...] = ()
    objects: frozenset[int] = frozenset()
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A cell's use of a version that an earlier statement made."""

    version: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """One top-level statement.

    Args:
        line: First and last line (1-based, inclusive) in the cell, decorators included.
        segment: Its text, where it shares a line with another statement.
        uses: What it reads, at definition or execution.
        made: Numbers of the versions it makes.
        late: Names its functions and classes read when they are called, not now.
        replayable: Whether running it once more, elsewhere, gives the same (no draw, seed, clock, write, print …).
        defines: Whether it only defines code (import, function, class).
    """

    line: int
    end_line: int
    uses: tuple[Use, ...] = ()
    made: tuple[int, ...] = ()
    late: tuple[str, ...] = ()
    replayable: bool = True
    defines: bool = False
    once: str | None = None
    imports: tuple[str, ...] = ()
    files_read: tuple[str, ...] = ()
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What one code cell does.

    Args:
        index: Index of the cell in the notebook.
        uses: Versions it reads that earlier cells made, each once, with the first cause.
        made: Versions it makes, in order.
        changed: Names it changes in place, with the cause.
        files_read: Paths read that are known.
        history: Where it uses IPython's history of inputs and outputs.
        volatile: Why its result depends on the outside world.
        draws: Global random generators it may draw from.
        imports: Top-level modules it imports.
    """

    index: int
    statements: tuple[StatementFacts, ...] = ()
    uses: tuple[Use, ...] = ()
    made: tuple[int, ...] = ()
    changed: Mapping[str, Cause] = field(default_factory=dict)
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    unknown_files: Cause | None = None
    unknown_writes: bool = False
    volatile: Cause | None = None
    draws: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    parsed: bool = True
    history: Cause | None = None


@dataclass(frozen=True, slots=True)
class NotebookFacts:
    """All cells, all versions, and the objects they share.

    Args:
        cells: By cell index; only code cells that are part of the pipeline.
        versions: By number.
        times: When each cell ran: its place in the order of execution, from 1.
    """

    cells: Mapping[int, CellFacts]
    versions: tuple[Version, ...]
    heap: Heap
    times: Mapping[int, int] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
