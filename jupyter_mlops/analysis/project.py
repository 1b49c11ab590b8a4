"""Modules of the project: what importing and calling them does to the process, by what their source touches."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlops.analysis import hidden
from jupyter_mlops.analysis.heap import Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.local_modules import Touched

__all__ = ["called", "handed_over", "imported", "made_by", "mark"]


def imported(machine: Machine, top: str) -> None:
    """A module is imported: its top level runs, at the first import of the process."""
    module = machine.environment.modules.get(top)
    if module is not None:
        _touch(machine, module.on_import)


def called(machine: Machine, qual: str) -> None:
    """A function, class or method that the table doesn't list is called; only the project's own are known."""
    top, _, inner = qual.partition(".")
    module = machine.environment.modules.get(top)
    if module is None:
        return
    if module.touches_files:
        hidden.any_file(machine, f"calls {qual}() of the project, which may touch any file")
    if module.keeps_state or "." in inner:
        # a function that keeps count in its module, or a method of one of the module's objects
        hidden.sets(machine, f"module:{top}")
    _touch(machine, module.ever)


def handed_over(machine: Machine, qual: str) -> None:
    """A function is given to code that may call it: what it does beside changing its arguments may happen."""
    qual = machine.effects.canonical(machine.resolve(qual))
    if machine.effects.function(qual) is None:
        called(machine, qual)
    else:
        _call(machine, qual)


def made_by(machine: Machine, values: Iterable[Val]) -> set[str]:
    """The project's modules that these values, or the bases of their classes, come from: methods are their code."""
    numbers = {number for value in values for number in value.objs}
    found = {machine.heap[number].module for number in numbers}
    for number in numbers:
        for klass in machine.heap[number].instance_of:
            info = machine.heap[klass].klass
            found |= {(base.qual or "").partition(".")[0] for base in info.bases} if info is not None else set()
    return {name for name in found if name is not None and name in machine.environment.modules}


def mark(machine: Machine, value: Val, qual: str) -> Val:
    """Note that a value is what a function or class of the project has returned."""
    top = qual.partition(".")[0]
    module = machine.environment.modules.get(top)
    for number in value.objs if module is not None else ():
        machine.heap[number].module = machine.heap[number].module or top
        if module is not None and module.lends:
            machine.heap.lent.setdefault(number, top)
    return value


def _touch(machine: Machine, touched: Touched) -> None:
    for qual in sorted(touched.stores):
        state = hidden.state_of(machine, qual)
        top = qual.partition(".")[0]
        if state is not None:
            hidden.sets(machine, state)
        elif "." in qual and top not in machine.environment.modules:
            hidden.sets(machine, f"module:{top}")
    for qual in sorted(touched.calls):
        _call(machine, machine.effects.canonical(machine.resolve(qual)))


def _call(machine: Machine, qual: str) -> None:
    owner, _, method = qual.rpartition(".")
    state = hidden.state_of(machine, owner)
    if state is not None and method not in hidden.READERS:
        hidden.sets(machine, state)
    effect = machine.effects.function(qual)
    if effect is None:
        return
    for generator in effect.seeds:
        hidden.seeds(machine, generator)
    for generator in (*effect.draws, *(generator for _, generator in effect.draws_unless)):
        hidden.draws(machine, generator)
    for name in effect.sets:
        hidden.sets(machine, name)
