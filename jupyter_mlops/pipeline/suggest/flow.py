"""What flows from cell to cell, and which cells have to stay together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.analysis.model import NotebookFacts, Version, is_hidden

__all__ = ["Flow", "Tie", "find_flow", "find_ties"]


_CERTAIN = "changed in place"


@dataclass(frozen=True, slots=True)
class Flow:
    """Which variables of earlier cells a cell builds upon.

    Args:
        takes: For each cell, the earlier cells it takes variables from, with their names.
        gives: For each cell, the names that later cells take from it.
    """

    takes: Mapping[int, Mapping[int, frozenset[str]]]
    gives: Mapping[int, frozenset[str]]

    def between(self, earlier: Iterable[int], later: Iterable[int]) -> frozenset[str]:
        """Names that flow directly from some cells to others."""
        sources = set(earlier)
        return frozenset(
            name
            for cell in later
            for source, names in self.takes.get(cell, {}).items()
            if source in sources
            for name in names
        )


@dataclass(frozen=True, slots=True)
class Tie:
    """Two cells that must be in one step.

    Args:
        always: Whether headings can't cut it either.
        reason: Half a sentence.
    """

    first: int
    last: int
    always: bool
    reason: str


def find_flow(facts: NotebookFacts, work: Sequence[int]) -> Flow:
    """Find what flows between the cells that do work.

    Args:
        work: Indexes of the cells that belong to steps; what others define is replayed.
    """
    takes: dict[int, dict[int, set[str]]] = {cell: {} for cell in work}
    gives: dict[int, set[str]] = {cell: set() for cell in work}
    for cell in work:
        for version in _used(facts, cell):
            if version.cell in gives and version.cell != cell and not is_hidden(version.name):
                takes[cell].setdefault(version.cell, set()).add(version.name)
                gives[version.cell].add(version.name)
    return Flow(
        {cell: {source: frozenset(names) for source, names in found.items()} for cell, found in takes.items()},
        {cell: frozenset(names) for cell, names in gives.items()},
    )


def _used(facts: NotebookFacts, cell: int) -> list[Version]:
    """Versions of earlier cells that a cell reads or builds upon, other than code."""
    known = facts.cells[cell]
    numbers = [use.version for use in known.uses]
    numbers += [earlier for number in known.made for earlier in facts.versions[number].previous]
    return [facts.versions[number] for number in dict.fromkeys(numbers) if facts.versions[number].kind != "code"]


def find_ties(facts: NotebookFacts, work: Sequence[int], flow: Flow, *, near: int) -> list[Tie]:
    """Find cells that must not be cut apart.

    Args:
        work: Indexes of the cells that belong to steps, in order.
        near: How many cells may stand between two changes of one object for them to count as building it up.
    """
    place = {cell: number for number, cell in enumerate(work)}
    ties = _unsaveable(facts, place)
    aliases = _aliases(facts, place, flow)
    changes: dict[int, dict[int, str]] = {}
    for version in facts.versions:
        if version.cell not in place or version.kind == "code" or is_hidden(version.name):
            continue
        if version.change == "changed" and version.cause.text.startswith(_CERTAIN):
            for obj in version.objects:
                changes.setdefault(obj, {}).setdefault(version.cell, version.name)
    for obj, cells in sorted(changes.items()):
        names = sorted(aliases.get(obj, ()))
        for first, last in zip(sorted(cells)[:-1], sorted(cells)[1:], strict=True):
            if len(names) > 1:
                ties.append(Tie(first, last, True, f"{' and '.join(names)} are one object, which both cells change"))
            elif place[last] - place[first] <= near:
                ties.append(Tie(first, last, False, f"both cells build up {cells[first]}"))
    return list(dict.fromkeys(ties))


def _aliases(facts: NotebookFacts, place: Mapping[int, int], flow: Flow) -> dict[int, set[str]]:
    """For each object, the names beyond doubt bound to it that go from cell to cell."""
    found: dict[int, set[str]] = {}
    for version in facts.versions:
        crosses = version.cell in place and version.name in flow.gives[version.cell]
        if crosses and version.kind != "code" and not is_hidden(version.name) and len(version.objects) == 1:
            found.setdefault(next(iter(version.objects)), set()).add(version.name)
    return found


def _unsaveable(facts: NotebookFacts, place: Mapping[int, int]) -> list[Tie]:
    """Values that can't be saved stay in the step that makes them."""
    ties = []
    for cell in place:
        for version in _used(facts, cell):
            if version.cell not in place or version.cell == cell or is_hidden(version.name):
                continue
            reached = facts.heap.reach(version.objects, facts.times[cell])
            if any(facts.heap[obj].unpicklable is not None for obj in reached):
                ties.append(Tie(version.cell, cell, True, f"{version.name} can't be saved between steps"))
    return ties
