"""Keeps the versions: which name has which value now, who made it, who used it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from jupyter_mlops.analysis.heap import Heap, Val
from jupyter_mlops.analysis.model import Cause, CellFacts, Change, StatementFacts, Use, Version, VersionKind, is_hidden

__all__ = ["Binding", "Names", "Recorder", "join_values"]


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name means at some point: a value, the version it belongs to, whether it may be unbound."""

    value: Val
    version: int
    maybe: bool = False


Names = dict[str, Binding]


def join_values(values: Sequence[Val]) -> Val:
    """The value that is any one of these."""
    first = values[0]
    if all(value == first for value in values[1:]):
        return first
    type = first.type if all(value.type == first.type for value in values) else None
    qual = first.qual if all(value.qual == first.qual for value in values) else None
    return Val(type, frozenset().union(*(value.objs for value in values)), qual=qual)


@dataclass(slots=True)
class _Statement:
    ordinal: int
    line: int
    end_line: int
    uses: dict[int, Use] = field(default_factory=dict)
    made: list[int] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    once: str | None = None
    imports: set[str] = field(default_factory=set)
    files_read: set[str] = field(default_factory=set)
    walked: set[int] = field(default_factory=set)
    segment: str | None = None


@dataclass(slots=True)
class _Cell:
    index: int
    statements: list[StatementFacts] = field(default_factory=list)
    uses: dict[int, Use] = field(default_factory=dict)
    made: list[int] = field(default_factory=list)
    changed: dict[str, Cause] = field(default_factory=dict)
    files_read: dict[str, None] = field(default_factory=dict)
    files_written: dict[str, None] = field(default_factory=dict)
    unknown_files: Cause | None = None
    unknown_writes: bool = False
    volatile: Cause | None = None
    draws: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    parsed: bool = True
    history: Cause | None = None
    walked: set[int] = field(default_factory=set)


class Recorder:
    """The analysis' memory: current bindings, all versions so far, facts per cell."""

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.names: Names = {}
        self.versions: list[Version] = []
        self.cells: dict[int, CellFacts] = {}
        self.times: dict[int, int] = {}
        self.deleted: dict[str, Cause] = {}
        self.last_mention: dict[str, int] = {}
        self.changes = 0
        self.line = 1
        self.time = 0
        self.cell = _Cell(-1)
        self.statement = _Statement(0, 1, 1)
        self.via: list[str] = []

    # cells and statements

    def begin_cell(self, index: int) -> None:
        """Start a cell; what follows belongs to it."""
        self.cell = _Cell(index)
        self.time += 1
        self.times[index] = self.time

    def end_cell(self) -> None:
        """Close the cell and file its facts."""
        cell = self.cell
        self.cells[cell.index] = CellFacts(
            cell.index,
            tuple(cell.statements),
            tuple(cell.uses.values()),
            tuple(cell.made),
            dict(cell.changed),
            tuple(cell.files_read),
            tuple(cell.files_written),
            cell.unknown_files,
            cell.unknown_writes,
            cell.volatile,
            tuple(sorted(cell.draws)),
            tuple(sorted(cell.imports)),
            cell.parsed,
            cell.history,
        )

    def begin_statement(self, ordinal: int, line: int, end_line: int) -> None:
        """Start a top-level statement of the current cell."""
        self.statement = _Statement(ordinal, line, end_line)
        self.line = line

    def end_statement(self, *, defines: bool, imports: bool = False) -> None:
        """Close the statement; if it only defines code, its versions become code.

        Args:
            imports: Whether it is an import, which gives the same whatever the options are.
        """
        statement = self.statement
        needed = [use.version for use in statement.uses.values()]
        if imports:
            needed = [number for number in needed if not is_hidden(self.versions[number].name)]
        code = defines and statement.once is None and all(self._is_code(number) for number in needed)
        if code:
            for number in statement.made:
                self.versions[number] = replace(self.versions[number], kind="code")
        self.cell.statements.append(
            StatementFacts(
                statement.line,
                statement.end_line,
                tuple(statement.uses.values()),
                tuple(statement.made),
                tuple(sorted(statement.late)),
                statement.once is None,
                code,
                statement.once,
                tuple(sorted(statement.imports)),
                tuple(sorted(statement.files_read)),
                statement.segment,
            )
        )

    def _is_code(self, version: int) -> bool:
        found = self.versions[version]
        return found.kind == "code" or (found.cell, found.statement) == self.here

    @property
    def here(self) -> tuple[int, int]:
        """Cell and top-level statement being analysed."""
        return self.cell.index, self.statement.ordinal

    def cause(self, text: str) -> Cause:
        """A cause at the current line."""
        via = f" (in {self.via[-1]})" if self.via else ""
        return Cause(self.cell.index, self.line, text + via)

    def once(self, reason: str) -> None:
        """Note that the current statement must not run twice."""
        if self.statement.once is None:
            self.statement.once = reason

    # names

    def use(self, name: str, text: str) -> Binding | None:
        """Read a name; None if it has no binding now."""
        binding = self.names.get(name)
        if binding is not None:
            self._note_use(binding.version, text)
        return binding

    def _note_use(self, number: int, text: str) -> None:
        """Note a use of a version; what was changed here, perhaps through another name, is needed as it was before."""
        todo = [number]
        while todo:
            version = self.versions[todo.pop()]
            if version.number in self.statement.walked:
                continue
            self.statement.walked.add(version.number)
            if (version.cell, version.statement) != self.here:
                self.statement.uses.setdefault(version.number, Use(version.number, self.cause(text)))
            elif version.change in ("kept", "changed"):
                todo.extend(version.previous)
        todo = [number]
        while todo:
            version = self.versions[todo.pop()]
            if version.number in self.cell.walked:
                continue
            self.cell.walked.add(version.number)
            if version.cell != self.cell.index:
                self.cell.uses.setdefault(version.number, Use(version.number, self.cause(text)))
            elif version.change in ("kept", "changed"):
                todo.extend(version.previous)

    def bind(self, name: str, value: Val, text: str, *, maybe: bool = False) -> None:
        """Bind a name anew, or (``maybe``) perhaps."""
        old = self.names.get(name)
        if maybe and old is not None:
            number = self._version(name, join_values([old.value, value]), "kept", text, (old.version,))
            self.names[name] = Binding(join_values([old.value, value]), number, old.maybe)
            return
        number = self._version(name, value, "bound", text, ())
        self.names[name] = Binding(value, number, maybe)

    def unbind(self, name: str, text: str) -> None:
        """Delete a name."""
        self.use(name, text)
        self.names.pop(name, None)
        self.deleted[name] = self.cause(text)

    def adopt(self, name: str, owner: int) -> None:
        """A name turns out to be defined by the code that made another version."""
        made_by = self.versions[owner]
        version = replace(made_by, number=len(self.versions), name=name, change="bound", previous=())
        self.versions.append(version)
        self.names[name] = Binding(Val(), version.number)

    def change(self, objs: Iterable[int], text: str) -> None:
        """Objects change in place: every name that reaches one of them gets a new version."""
        changed = frozenset(objs)
        if not changed:
            return
        self.changes += 1
        for number in changed:
            times = self.heap.changed.setdefault(number, [])
            if not times or times[-1] != self.time:
                times.append(self.time)
        for module in sorted({self.heap.lent[number] for number in changed if number in self.heap.lent}):
            self.touch(
                f"$module:{module}", f"changes what belongs to {module}", reads=f"$module:{module}" in self.names
            )
        affected = self.heap.holders(changed)
        names = {name for number in affected for name in self.heap[number].names}
        for name in sorted(names):
            binding = self.names.get(name)
            if self.last_mention.get(name, self.time) < self.time:
                continue  # nobody can ask for it any more
            if binding is not None and not binding.value.objs.isdisjoint(affected):
                self._changed(name, binding, text)

    def _changed(self, name: str, binding: Binding, text: str) -> None:
        version = self.versions[binding.version]
        if version.cell != self.cell.index:
            self.cell.changed.setdefault(name, self.cause(text))
        if (version.cell, version.statement) == self.here:
            return
        number = self._version(name, binding.value, "changed", text, (binding.version,))
        self.names[name] = replace(binding, version=number)

    def touch(self, state: str, text: str, *, reads: bool = True, writes: bool = True) -> None:
        """Use and/or change hidden state (a name that starts with ``$``)."""
        old = self.names.get(state)
        if old is not None and reads and writes:
            version = self.versions[old.version]
            if (version.cell, version.statement) == self.here and version.change != "bound":
                return
        if reads:
            self.use(state, text)
        if writes:
            previous = (old.version,) if old is not None and reads else ()
            change: Change = "changed" if previous else "bound"
            number = self._version(state, Val(), change, text, previous)
            self.names[state] = Binding(Val(), number)

    def _version(self, name: str, value: Val, change: Change, text: str, previous: tuple[int, ...]) -> int:
        number = len(self.versions)
        kind: VersionKind = "data"
        cell, statement = self.here
        version = Version(
            number, name, cell, statement, kind, change, self.cause(text), previous, value.objs, value.type
        )
        self.versions.append(version)
        self.statement.made.append(number)
        self.cell.made.append(number)
        for obj in value.objs:
            self.heap[obj].names.add(name)
        return number

    # branches

    def join(self, branches: Sequence[Names], text: str) -> None:
        """Go on after a fork: each name means what any of the branches made of it."""
        if len(branches) == 1:
            self.names = branches[0]
            return
        merged: Names = {}
        every = dict.fromkeys(name for branch in branches for name in branch)
        for name in every:
            found = [branch.get(name) for branch in branches]
            if found[0] is not None and all(item is found[0] for item in found[1:]):
                merged[name] = found[0]
            else:
                merged[name] = self._joined(name, [item for item in found if item is not None], len(branches), text)
        self.names = merged

    def _joined(self, name: str, found: list[Binding], branches: int, text: str) -> Binding:
        versions = tuple(dict.fromkeys(item.version for item in found))
        maybe = len(found) < branches or any(item.maybe for item in found)
        value = join_values([item.value for item in found])
        if len(versions) == 1:
            return Binding(value, versions[0], maybe)
        return Binding(value, self._version(name, value, "kept", text, versions), maybe)

    def hidden_names(self) -> list[str]:
        """Hidden state that has a version now."""
        return [name for name in self.names if is_hidden(name)]
