"""Cells that are replayed in each step, and what in them may happen only once."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.pipeline.placement import Placement
from jupyter_mlops.pipeline.versions import Unit

__all__ = ["attach_residue", "replayable_statements"]


def replayable_statements(placement: Placement, facts: NotebookFacts) -> frozenset[Unit]:
    """Statements of imports, functions, setup and parameters cells that give the same wherever they run."""
    cells = [*placement.replayed, *placement.parameters]
    found: set[Unit] = set()
    written = {path for cell in facts.cells.values() for path in cell.files_written}
    any_written = any(cell.unknown_writes for cell in facts.cells.values())
    for cell in sorted(cells, key=lambda item: facts.times[item]):
        for ordinal, statement in enumerate(facts.cells[cell].statements):
            stable = all(_is_stable(facts, use.version, set(cells), found) for use in statement.uses)
            if statement.files_read and (any_written or written & set(statement.files_read)):
                continue  # a file that changes is read once, at its place on the page
            if any(_has_state(facts, number) for number in statement.made):
                continue
            if stable and statement.replayable and not _changes_step(facts, statement.made, set(cells)):
                found.add((cell, ordinal))
    return frozenset(found)


def _has_state(facts: NotebookFacts, number: int) -> bool:
    """Tell whether a function or class has parts that change later on: it is made once and handed on."""
    version = facts.versions[number]
    if version.kind != "code":
        return False
    return not facts.heap.changed.keys().isdisjoint(facts.heap.reach(version.objects))


def _changes_step(facts: NotebookFacts, made: Sequence[int], replayed: set[int]) -> bool:
    """Tell whether a statement changes something that a step has made."""
    for number in made:
        version = facts.versions[number]
        if version.change == "changed" and any(facts.versions[item].cell not in replayed for item in version.previous):
            return True
    return False


def _is_stable(facts: NotebookFacts, number: int, replayed: set[int], found: set[Unit]) -> bool:
    """Tell whether a replayed statement sees the same value of a name in every step."""
    version = facts.versions[number]
    if (version.kind == "code" and not _has_state(facts, number)) or version.cell not in replayed:
        return True
    return (version.cell, version.statement) in found


def attach_residue(
    placement: Placement, facts: NotebookFacts, replayable: frozenset[Unit], order: Sequence[int]
) -> list[list[int]]:
    """Cells that each step runs: its own, and those replayed cells that have something to do only once.

    Such a cell (a seed, a print, a download in an imports cell) runs as a whole in the first step below it.
    """
    step_of = placement.step_of()
    runs: list[list[int]] = [[] for _ in placement.steps]
    waiting: list[int] = []
    last = 0
    for cell in order:
        place = step_of.get(cell)
        if place is None:
            if _has_residue(facts, cell, replayable):
                waiting.append(cell)
            continue
        runs[place] += [*waiting, cell]
        waiting, last = [], place
    if waiting and runs:
        runs[last] += waiting
    return runs


def _has_residue(facts: NotebookFacts, cell: int, replayable: frozenset[Unit]) -> bool:
    for ordinal, statement in enumerate(facts.cells[cell].statements):
        plain = statement.defines and not any(_has_state(facts, number) for number in statement.made)
        if not plain and (cell, ordinal) not in replayable:
            return True
    return False
