"""What each step needs from others: loaded values, replayed code, parameters, hidden state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.analysis.model import Cause, is_hidden
from jupyter_mlops.pipeline.sharing import groups
from jupyter_mlops.pipeline.versions import Ledger, Unit

__all__ = ["Flow", "Needs", "find_needs"]

_ROUNDS = 8
_NO_ARTIFACT = frozenset(
    {"$files", "$history", "$namespace", "$backend", "$ipython", "$future", "$packages", "$imports"}
)


@dataclass(slots=True)
class Needs:
    """What one step takes and gives.

    Args:
        inputs: For each name (hidden ones too), the version it loads.
        causes: Why, for each input.
        outputs: For each name, the version that others load from it.
        units: Statements to replay.
        parameters: Statements of the parameters cell to replay.
    """

    inputs: dict[str, int] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    units: set[Unit] = field(default_factory=set)
    parameters: set[Unit] = field(default_factory=set)
    conflicts: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Flow:
    """The needs of all steps, by position.

    Args:
        ends: The last cell that each step runs.
        begins: The first one.
        readers: For each version that is loaded, the steps that load it.
    """

    ledger: Ledger
    needs: list[Needs]
    ends: list[int]
    begins: list[int]
    readers: dict[int, set[int]] = field(default_factory=dict)
    _code: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)

    def at_end(self, place: int, name: str) -> int | None:
        """The newest version of a name when a step ends."""
        return self.ledger.newest(name, self.ledger.time(self.ends[place])) if self.ends[place] >= 0 else None

    def before(self, place: int, name: str) -> int | None:
        """The newest version of a name when a step begins."""
        return self.ledger.newest(name, self.ledger.time(self.begins[place]) - 1) if self.begins[place] >= 0 else None

    def groups(self, source: int) -> list[tuple[str, ...]]:
        """Variables that a step gives, those together that share objects."""
        values = {name: number for name, number in self.needs[source].outputs.items() if not is_hidden(name)}
        objects = {name: self.ledger.versions[number].objects for name, number in values.items()}
        return groups(self.ledger, objects, self.ledger.time(self.ends[source]))

    def code_for(self, source: int, number: int, consumers: Iterable[int]) -> list[str]:
        """Names of code in a value that all these steps replay before they load it."""
        found = self.code_in(source, number)
        return [name for name in sorted(found) if all(self.before(place, name) == found[name] for place in consumers)]

    def code_in(self, source: int, number: int) -> dict[str, int]:
        """Names and versions of replayable code that a value refers to when its step ends."""
        if (source, number) not in self._code:
            self._code[source, number] = self._find_code(source, number)
        return self._code[source, number]

    def _find_code(self, source: int, number: int) -> dict[str, int]:
        ledger = self.ledger
        found: dict[str, int] = {}
        objects = ledger.versions[number].objects
        for obj in ledger.reach(objects, ledger.time(self.ends[source])):
            name = ledger.heap[obj].definition
            version = self.at_end(source, name) if name is not None else None
            if name is not None and version is not None:
                made = ledger.versions[version]
                if ledger.is_code(version) and obj in made.objects:
                    found[name] = version
        return found


def find_needs(
    ledger: Ledger, steps: Sequence[Sequence[int]], ignored: frozenset[str], demanded: Sequence[Iterable[str]]
) -> Flow:
    """Find out what crosses the steps' boundaries.

    Args:
        steps: Cells that each step runs, in order.
        ignored: Hidden states that don't matter in this notebook.
        demanded: For each step, names that it must provide in any case (declared outputs).
    """
    ends = [max(cells, key=ledger.time) if cells else -1 for cells in steps]
    begins = [min(cells, key=ledger.time) if cells else -1 for cells in steps]
    flow = Flow(ledger, [Needs() for _ in steps], ends, begins)
    finder = _Finder(ledger, steps, ignored, flow)
    for place, cells in enumerate(steps):
        for cell in cells:
            for use in ledger.uses(cell):
                finder.require(place, use.version, use.cause)
            finder.require_late(place, cell)
    finder.drain()
    for place, names in enumerate(demanded):
        for name in names:
            number = flow.at_end(place, name)
            if number is not None and ledger.provider(number).step == place:
                finder.provide(place, number)
    finder.drain()
    finder.complete_groups()
    return flow


class _Finder:
    def __init__(self, ledger: Ledger, steps: Sequence[Sequence[int]], ignored: frozenset[str], flow: Flow) -> None:
        self.ledger = ledger
        self.cells = [frozenset(cells) for cells in steps]
        self.ignored = ignored
        self.flow = flow
        self._provided: set[tuple[int, int]] = set()
        self._required: set[tuple[int, int]] = set()
        self._todo: list[tuple[int, int, Cause]] = []

    def require(self, place: int, number: int, cause: Cause) -> None:
        """A step needs a version of a name; ``drain`` finds out what follows from that."""
        if (place, number) not in self._required:
            self._required.add((place, number))
            self._todo.append((place, number, cause))

    def drain(self) -> None:
        """Work out all that is required, and what that requires in turn."""
        while self._todo:
            self._satisfy(*self._todo.pop())

    def _satisfy(self, place: int, number: int, cause: Cause) -> None:
        version = self.ledger.versions[number]
        if version.name in self.ignored:
            return
        if version.cell in self.cells[place]:
            self._build(place, number)
            return
        provider = self.ledger.provider(number)
        needs = self.flow.needs[place]
        if provider.parameter and provider.unit is not None:
            needs.parameters.add(provider.unit)
            for earlier in self.ledger.previous(number):
                self.require(place, earlier, cause)
        elif provider.unit is not None:
            self._replay(place, provider.unit, cause)
            for earlier in self.ledger.previous(number):
                self.require(place, earlier, cause)
        elif provider.step is not None and provider.step != place:
            self._load(place, provider.step, number, cause)

    def _load(self, place: int, source: int, number: int, cause: Cause) -> None:
        needs = self.flow.needs[place]
        name = self.ledger.versions[number].name
        known = needs.inputs.get(name)
        if known == number:
            return
        if known is not None:
            # code replayed here wants another version than the step itself
            if not is_hidden(name):
                needs.conflicts[name] = (known, number)
            if self._age(known) > self._age(number):
                return
        if known is not None:
            self.flow.readers[known].discard(place)
        needs.inputs[name] = number
        self.flow.readers.setdefault(number, set()).add(place)
        needs.causes.setdefault(name, cause)
        self.provide(source, number)
        self._bring_code(place, source, self.flow.code_in(source, number), cause)

    def provide(self, place: int, number: int) -> None:
        """A step must save a version; it needs what that version builds upon."""
        version = self.ledger.versions[number]
        outputs = self.flow.needs[place].outputs
        if version.name not in outputs or self._age(outputs[version.name]) < self._age(number):
            outputs[version.name] = number
        self._build(place, number)

    def _age(self, number: int) -> tuple[int, int]:
        """Orders versions by when they were made."""
        return self.ledger.time(self.ledger.versions[number].cell), number

    def _build(self, place: int, number: int) -> None:
        todo = [number]
        while todo:
            number = todo.pop()
            if (place, number) in self._provided:
                continue
            self._provided.add((place, number))
            cause = self.ledger.versions[number].cause
            for earlier in self.ledger.previous(number):
                if self.ledger.versions[earlier].cell in self.cells[place]:
                    todo.append(earlier)
                else:
                    self.require(place, earlier, cause)

    def _replay(self, place: int, unit: Unit, cause: Cause) -> None:
        needs = self.flow.needs[place]
        if unit in needs.units or unit[0] in self.cells[place]:
            return
        needs.units.add(unit)
        statement = self.ledger.statement(unit)
        for use in statement.uses:
            self.require(place, use.version, cause)
        for number in statement.made:
            for earlier in self.ledger.previous(number):
                if (self.ledger.versions[earlier].cell, self.ledger.versions[earlier].statement) != unit:
                    self.require(place, earlier, cause)
        self._late(place, statement.late, cause)

    def require_late(self, place: int, cell: int) -> None:
        """Functions defined in a cell read some names only when they are called: bring the code among them along."""
        for statement in self.ledger.facts.cells[cell].statements:
            self._late(place, statement.late, Cause(cell, statement.line, "is used by a function defined here"))

    def _late(self, place: int, names: Iterable[str], cause: Cause) -> None:
        for name in names:
            number = self.flow.at_end(place, name)
            if number is not None and self.ledger.is_code(number):
                self.require(place, number, cause)

    def complete_groups(self) -> None:
        """Whoever loads one name of a group loads all of it: the code that any of its values needs has to be there."""
        for _ in range(_ROUNDS):
            before = [len(needs.units) for needs in self.flow.needs]
            for source, needs in enumerate(self.flow.needs):
                for names in self.flow.groups(source) if len(needs.outputs) > 1 else ():
                    self._complete_group(source, names)
            self.drain()
            if before == [len(needs.units) for needs in self.flow.needs]:
                return

    def _complete_group(self, source: int, names: Iterable[str]) -> None:
        outputs = self.flow.needs[source].outputs
        code: dict[str, int] = {}
        for name in names:
            code.update(self.flow.code_in(source, outputs[name]))
        for loaded in names if code else ():
            for place in sorted(self.flow.readers.get(outputs[loaded], ())):
                self._bring_code(place, source, code, self.flow.needs[place].causes[loaded])

    def _bring_code(self, place: int, source: int, code: Mapping[str, int], cause: Cause) -> None:
        """A loaded value refers to functions or classes of the notebook: replay them where it is loaded."""
        for name, version in code.items():
            if self.flow.before(place, name) == version:
                self.require(place, version, cause)
                self.require(source, version, cause)


def crossing_state(name: str) -> str | None:
    """The state or file that a hidden name stands for, if it can be saved; None if only the order matters."""
    if name in _NO_ARTIFACT:
        return None
    return name[1:]
