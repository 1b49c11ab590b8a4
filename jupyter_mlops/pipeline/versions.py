"""Who provides which version of a name: a step, the parameters, or replayed code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.analysis.heap import Heap
from jupyter_mlops.analysis.model import Cause, NotebookFacts, StatementFacts, Use, Version, is_hidden

__all__ = ["Ledger", "Provider", "Unit"]

Unit = tuple[int, int]
"""A top-level statement: index of its cell, ordinal in it."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a version comes from.

    Args:
        step: Position of the step that makes it, or None.
        unit: The statement to replay, or None.
        parameter: Whether it is a pipeline parameter's default.
    """

    step: int | None = None
    unit: Unit | None = None
    parameter: bool = False


class Ledger:
    """All versions, with the steps that make and use them.

    Args:
        facts: The analysis' result.
        step_of: For each executed cell, the position of its step.
        parameters: The statements that assign parameters.
        replayable: Statements of replayed cells that may run again in each step.
    """

    def __init__(
        self,
        facts: NotebookFacts,
        step_of: Mapping[int, int],
        parameters: frozenset[Unit],
        replayable: frozenset[Unit],
    ) -> None:
        self.facts = facts
        self.heap: Heap = facts.heap
        self.step_of = step_of
        self.parameters = parameters
        self.replayable = replayable
        self.versions: list[Version] = list(facts.versions)
        self._states: dict[int, bool] = {}
        self._reached: dict[tuple[frozenset[int], int], frozenset[int]] = {}
        self._history: dict[str, tuple[list[int], list[int]]] = {}
        for version in sorted(facts.versions, key=lambda item: self.time(item.cell)):
            times, numbers = self._history.setdefault(version.name, ([], []))
            times.append(self.time(version.cell))
            numbers.append(version.number)
        self._replaced: dict[int, list[tuple[int, int]]] = {}

    def provider(self, number: int) -> Provider:
        """Where a version comes from."""
        version = self.versions[number]
        unit = (version.cell, version.statement)
        if unit in self.parameters and not is_hidden(version.name):
            return Provider(unit=unit, parameter=True)
        if (version.kind == "code" and not self.is_stateful(version.objects)) or unit in self.replayable:
            return Provider(unit=unit)
        return Provider(step=self.step_of[version.cell])

    def is_code(self, number: int) -> bool:
        """Tell whether a version can be replayed as code anywhere."""
        version = self.versions[number]
        return version.kind == "code" and not self.is_stateful(version.objects)

    def is_stateful(self, objects: Iterable[int]) -> bool:
        """Tell whether functions or classes have parts that change (attributes, defaults): they travel as values."""
        return any(self._stateful(number) for number in objects)

    def _stateful(self, number: int) -> bool:
        if number not in self._states:
            self._states[number] = not self.heap.changed.keys().isdisjoint(self.heap.reach([number]))
        return self._states[number]

    def reach(self, objects: frozenset[int], time: int) -> frozenset[int]:
        """All objects that these refer to at a time; many names share theirs, so that answers are remembered."""
        found = self._reached.get((objects, time))
        if found is None:
            found = self._reached[objects, time] = self.heap.reach(objects, time)
        return found

    def statement(self, unit: Unit) -> StatementFacts:
        """The facts of a statement."""
        return self.facts.cells[unit[0]].statements[unit[1]]

    def time(self, cell: int) -> int:
        """When a cell runs."""
        return self.facts.times[cell]

    def current(self, number: int, cell: int) -> int:
        """The version that a use in this cell really means, after versions were put in between."""
        return self._replaced_by(number, self.time(cell) - 1)

    def uses(self, cell: int) -> Iterator[Use]:
        """Uses of earlier cells' versions in a cell."""
        for use in self.facts.cells[cell].uses:
            yield Use(self.current(use.version, cell), use.cause)

    def previous(self, number: int) -> Sequence[int]:
        """The versions that a version builds upon."""
        version = self.versions[number]
        if version.change == "shared":
            return version.previous
        return [self.current(item, version.cell) for item in version.previous]

    def put_between(self, old: int, cell: int, statement: int, cause: Cause) -> int:
        """From the end of a cell on, let a new version stand for an old one.

        Needed where an object made in the cell shares something with the old version and is changed later on.
        """
        number = len(self.versions)
        version = self.versions[old]
        self.versions.append(
            replace(
                version,
                number=number,
                cell=cell,
                statement=statement,
                kind="data",
                change="shared",
                cause=cause,
                previous=(old,),
            )
        )
        self._replaced.setdefault(old, []).append((self.time(cell), number))
        return number

    def newest(self, name: str, time: int) -> int | None:
        """The version of a name that holds when all cells up to a time have run."""
        times, numbers = self._history.get(name, ((), ()))
        place = bisect_right(times, time)
        return self._replaced_by(numbers[place - 1], time) if place else None

    def _replaced_by(self, number: int, time: int) -> int:
        while True:
            newer = [item for since, item in self._replaced.get(number, ()) if since <= time]
            if not newer:
                return number
            number = newer[-1]
