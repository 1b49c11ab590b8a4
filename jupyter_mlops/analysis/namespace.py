"""The namespace as a whole: ``globals()``, and code only known at run time."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis import hidden
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.model import is_hidden

__all__ = ["NAMESPACE", "barrier", "namespace_item", "namespace_method", "store_namespace"]

BARRIER = "$namespace"
NAMESPACE = "globals()"


def barrier(machine: Machine, text: str, *, changes: bool = True) -> None:
    """Code runs that is only known at run time: it may read, change and define any name."""
    recorder = machine.recorder
    recorder.once("runs code only known at run time")
    every = [name for name in recorder.names if not is_hidden(name)]
    values = [binding.value for name in every if (binding := recorder.use(name, text)) is not None]
    if changes:
        recorder.change(machine.reach(values), text)
        for name in every:
            if recorder.versions[recorder.names[name].version].kind == "data" and not recorder.names[name].value.qual:
                recorder.bind(name, Val(None, recorder.names[name].value.objs), text, maybe=True)
        recorder.touch(BARRIER, text)
        machine.barrier = BARRIER
        hidden.may_draw(machine)
        hidden.any_file(machine, text)


def namespace_item(machine: Machine, index: Val) -> Val:
    """``globals()[index]``."""
    if isinstance(index.const, str):
        return machine.evaluate(ast.Name(index.const, ast.Load()), None)
    barrier(machine, "globals() is read with a name only known at run time", changes=False)
    return Val(None, machine.reach(binding.value for binding in machine.recorder.names.values()))


def store_namespace(machine: Machine, index: Val, value: Val) -> None:
    """``globals()[index] = value``."""
    if isinstance(index.const, str):
        machine.recorder.bind(
            index.const, value, f"defines {index.const} through globals()", maybe=machine.conditional > 0
        )
        return
    machine.report(
        "MLO022",
        "globals() is written to with a name only known at run time",
        hint="Keep the values in a dictionary of your own.",
    )
    barrier(machine, "globals() is written to")


def namespace_method(machine: Machine, name: str, arguments: Arguments) -> Val:
    """A method of ``globals()``."""
    if name in ("get", "__getitem__", "pop") and arguments.positional:
        return namespace_item(machine, arguments.positional[0])
    if name == "update" and not arguments.positional and not arguments.rest:
        for key, value in arguments.keywords:
            store_namespace(machine, Val("str", const=key), value)
        return Val("NoneType")
    changes = name not in ("keys", "values", "items", "copy", "__contains__", "get")
    barrier(machine, f"globals().{name}() may use it", changes=changes)
    return Val(None, machine.reach(binding.value for binding in machine.recorder.names.values()))
