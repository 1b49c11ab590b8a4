"""Uses of values that run code of the notebook: iteration, display, calls from libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from jupyter_mlops.analysis.classes import call_value, member
from jupyter_mlops.analysis.functions import Arguments, call_function, late_values
from jupyter_mlops.analysis.heap import Obj, Val
from jupyter_mlops.analysis.machine import Machine

_CONTAINERS = frozenset({"list", "tuple", "dict", "set", "generator", "frozenset"})

__all__ = ["consume", "display", "obj_node", "run_callbacks"]

_DISPLAY = (
    "__repr__",
    "__str__",
    "__format__",
    "__len__",
    "__iter__",
    "__next__",
    "__getitem__",
    "__eq__",
    "__lt__",
    "__hash__",
    "__gt__",
    "__le__",
    "__ge__",
    "__ne__",
    "__bool__",
    "__contains__",
    "__float__",
    "__int__",
    "__array__",
    "_repr_html_",
)


def consume(machine: Machine, values: Iterable[Val]) -> None:
    """Values are iterated over or handed on: iterators among them advance."""
    for value in values:
        for number in value.objs:
            if machine.heap[number].iterator:
                machine.recorder.change([number], "is consumed here")


def display(machine: Machine, value: Val) -> None:
    """A value is printed, compared, hashed or measured: special methods of the notebook's classes may run."""
    if machine.heap.holds_code.isdisjoint(value.objs):
        return
    key = ("display", value.objs, machine.heap.edges)
    if key in machine.followed:
        return
    machine.followed[key] = Val()
    for number in sorted(_shown(machine, value)):
        obj = machine.heap[number]
        for name in _DISPLAY if number not in machine.active else ():
            method = member(machine, obj, name)
            if method is not None:
                given = Arguments(rest=(Val(None, frozenset({number})),))
                call_value(machine, method, given, obj_node(obj), receiver=Val(obj.type, frozenset({number})))


def _shown(machine: Machine, value: Val) -> set[int]:
    """Instances that a value is or, as a container, holds."""
    found: set[int] = set()
    todo = list(value.objs)
    seen = set(todo)
    while todo:
        number = todo.pop()
        obj = machine.heap[number]
        if obj.instance_of:
            found.add(number)
        elif obj.type in _CONTAINERS:
            fresh = [item for item in obj.refs if item not in seen]
            seen.update(fresh)
            todo.extend(fresh)
    return found


def obj_node(obj: Obj) -> ast.AST:
    """A node that stands for calls made on behalf of an object."""
    return obj.function.node if obj.function is not None else _ANYWHERE


_ANYWHERE = ast.Pass()


def run_callbacks(machine: Machine, values: Iterable[Val], given: Sequence[Val]) -> None:
    """Functions and objects of the notebook are handed to code we can't see: all they can do may happen."""
    start = frozenset(item for value in values for item in value.objs)
    if machine.heap.holds_code.isdisjoint(start):
        return
    data = frozenset(item for value in given for item in value.objs)
    key: tuple[object, ...] = ("callbacks", start, data, machine.exhausted)
    if key in machine.followed:
        return
    machine.followed[key] = Val()
    code = [number for number in sorted(machine.heap.reach(start)) if _is_code(machine.heap[number])]
    if machine.exhausted:
        _assume_worst(machine, code, start | data)
        return
    for number in code:
        if number not in machine.active:
            _call_back(machine, machine.heap[number], data)


def _is_code(obj: Obj) -> bool:
    return obj.function is not None or bool(obj.instance_of)


def _call_back(machine: Machine, obj: Obj, data: frozenset[int]) -> None:
    key = ("callback", obj.number, data)
    if key in machine.followed:
        return
    machine.followed[key] = Val()
    machine.conditional += 1
    if obj.function is not None:
        call_function(machine, obj.number, Arguments(rest=(Val(None, data),)))
    else:
        _run_methods(machine, obj, Val(None, data))
    machine.conditional -= 1


def _assume_worst(machine: Machine, code: Sequence[int], data: frozenset[int]) -> None:
    """Too much to follow: the functions may read all they name and change all they are given."""
    objs = set(machine.heap.reach(data))
    objs |= machine.reach(late_values(machine, code, "may be read by a function handed to a library"))
    plain = (number for number in objs if machine.heap[number].function is None and machine.heap[number].klass is None)
    machine.recorder.change(plain, "may be changed by functions handed to a library")


def _run_methods(machine: Machine, obj: Obj, unknown: Val) -> None:
    machine.active.append(obj.number)
    receiver = Val(obj.type, frozenset({obj.number}))
    for klass in obj.instance_of:
        info = machine.heap[klass].klass
        for name, value in list(info.members.items()) if info is not None else ():
            if name not in ("__init__", "__post_init__"):
                call_value(machine, value, Arguments(rest=(unknown,)), _ANYWHERE, receiver=receiver)
    machine.active.pop()
