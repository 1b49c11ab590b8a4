"""Abstract objects: what names may refer to, and what objects refer to in turn.

An object stands for everything that one place in the code may create. References only
grow; each carries the time (a counter of executed cells) from which it exists, so that
"what did ``b`` reach at the end of cell 4?" can be answered afterwards.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NOTHING", "ClassInfo", "FunctionInfo", "Heap", "Obj", "Scope", "Val"]


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Any = _Nothing()
"""Stands for "no constant is known"."""


@dataclass(frozen=True, slots=True)
class Val:
    """An abstract value.

    Args:
        type: Qualified type name, None if unknown.
        objs: Mutable objects it may be (or be a view of); empty for immutable values.
        const: Its value, where known.
        qual: Qualified name, for modules and what is found in them (``pandas.read_csv``).
    """

    type: str | None = None
    objs: frozenset[int] = frozenset()
    const: Any = NOTHING
    qual: str | None = None

    @property
    def known(self) -> bool:
        return self.const is not NOTHING


@dataclass(slots=True)
class Scope:
    """Local names of a function call, with the scope around it."""

    names: dict[str, Val]
    parent: Scope | None = None
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()
    owner: int | None = None


@dataclass(slots=True)
class FunctionInfo:
    """A function or lambda of the notebook."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    name: str
    cell: int
    closure: Scope | None
    defaults: dict[str, Val]
    receiver: Val | None = None
    late: frozenset[str] = frozenset()


@dataclass(slots=True)
class ClassInfo:
    """A class of the notebook."""

    name: str
    cell: int
    members: dict[str, Val]
    bases: tuple[Val, ...]
    fields: tuple[str, ...] = ()
    factories: dict[str, Val] = field(default_factory=dict)


@dataclass(slots=True)
class Obj:
    """An abstract object.

    Args:
        refs: Objects it refers to, each with the time since when.
        works_in_place: Whether it was told not to copy what it is given (``copy=False``).
        unpicklable: Why it can't be saved, where its type tells.
        items: Value of its elements, where one summary is known.
        fields: Values of its attributes (instances of the notebook's classes).
        constructed_with: Keyword arguments it was made with.
        given: All arguments it was made with, where they are known.
        module: Module of the project whose code has made it.
    """

    number: int
    type: str | None
    born: int
    refs: dict[int, int] = field(default_factory=dict)
    parents: set[int] = field(default_factory=set)
    function: FunctionInfo | None = None
    klass: ClassInfo | None = None
    instance_of: frozenset[int] = frozenset()
    items: Val | None = None
    elements: tuple[Val, ...] | None = None
    keys: dict[Any, Val] | None = None
    fields: dict[str, Val] = field(default_factory=dict)
    constructed_with: dict[str, Val] = field(default_factory=dict)
    given: tuple[Val, ...] | None = None
    names: set[str] = field(default_factory=set)
    definition: str | None = None
    iterator: bool = False
    opaque: bool = False
    static: bool = False
    unpicklable: str | None = None
    works_in_place: bool = False
    module: str | None = None


class Heap:
    """All abstract objects of a notebook."""

    def __init__(self) -> None:
        self.objects: list[Obj] = []
        self.changed: dict[int, list[int]] = {}
        self.edges = 0
        self.work = 0
        self.holds_code: set[int] = set()
        self.lent: dict[int, str] = {}

    def new(self, type: str | None, time: int) -> Obj:
        """Make a new object."""
        obj = Obj(len(self.objects), type, time)
        self.objects.append(obj)
        return obj

    def __getitem__(self, number: int) -> Obj:
        return self.objects[number]

    def refer(self, source: int, targets: Iterable[int], time: int) -> None:
        """Note that an object refers to others from now on."""
        refs = self.objects[source].refs
        for target in targets:
            self.work += 1
            if target != source and target not in refs:
                refs[target] = time
                self.objects[target].parents.add(source)
                self.edges += 1
                if target in self.holds_code and source not in self.holds_code:
                    self.mark_code(source)

    def mark_code(self, number: int) -> None:
        """Note that an object is, or leads to, a function or an instance of the notebook's."""
        todo = [number]
        while todo:
            found = todo.pop()
            if found not in self.holds_code:
                self.holds_code.add(found)
                todo.extend(self.objects[found].parents)

    def reach(self, objs: Iterable[int], time: int | None = None) -> frozenset[int]:
        """All objects that these refer to, directly or not, themselves included.

        Args:
            time: Only count references that existed then.
        """
        seen = set(objs)
        todo = list(seen)
        while todo:
            refs = self.objects[todo.pop()].refs
            self.work += 1 + len(refs)
            for target, since in refs.items():
                if target not in seen and (time is None or since <= time):
                    seen.add(target)
                    todo.append(target)
        return frozenset(seen)

    def holders(self, objs: Iterable[int]) -> set[int]:
        """All objects that refer to any of these, directly or not, themselves included."""
        seen = set(objs)
        todo = list(seen)
        while todo:
            parents = self.objects[todo.pop()].parents
            self.work += 1 + len(parents)
            for parent in parents:
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen
