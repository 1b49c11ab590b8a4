"""Results whose type depends on literal arguments, which a line of the effect table can't say."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values

__all__ = ["refined_result"]

_LOADERS = "sklearn.datasets.load_"
_FETCHERS = "sklearn.datasets.fetch_"
_FRAME, _SERIES, _ARRAY = "pandas.DataFrame", "pandas.Series", "numpy.ndarray"


def refined_result(machine: Machine, qual: str, arguments: Arguments, value: Val, node: ast.AST) -> Val:
    """What is known of a call's result from its literal arguments; the value itself where nothing is."""
    if qual.startswith((_LOADERS, _FETCHERS)):
        return _dataset(machine, arguments, value, node)
    if qual == "numpy.frombuffer":
        _looks_into(machine, arguments)
    return value


def _looks_into(machine: Machine, arguments: Arguments) -> None:
    """An array over memory that is not NumPy's own would be cut off from it when both are saved."""
    buffer = arguments.get(0, "buffer")
    for number in buffer.objs if buffer is not None else ():
        machine.heap[number].unpicklable = "an array made with frombuffer() shares its memory"


def _dataset(machine: Machine, arguments: Arguments, value: Val, node: ast.AST) -> Val:
    flags = {}
    for name in ("as_frame", "return_X_y"):
        given = arguments.get(None, name)
        flags[name] = given.const if given is not None else False
        if not isinstance(flags[name], bool) or arguments.rest:
            return value
    data, target = (_FRAME, _SERIES) if flags["as_frame"] else (_ARRAY, _ARRAY)
    if flags["return_X_y"]:
        items = [machine.fresh_tagged(node, data, "X"), machine.fresh_tagged(node, target, "y")]
        obj = machine.alloc(node, "tuple", (number for item in items for number in item.objs), tag="X, y")
        obj.elements, obj.items = tuple(items), join_values(items)
        return Val("tuple", frozenset({obj.number}))
    for number in value.objs:
        bunch = machine.heap[number]
        fields = {
            "data": data,
            "target": target,
            "images": _ARRAY,
            "frame": _FRAME if flags["as_frame"] else "NoneType",
        }
        for name, type in fields.items():
            field = machine.fresh_tagged(node, type, f"field {name}")
            bunch.fields[name] = field
            machine.heap.refer(number, field.objs, machine.recorder.time)
        if flags["as_frame"]:
            # the columns of the frame and the data taken out of it are the same values
            parts = [item for name in ("data", "target") for item in bunch.fields[name].objs]
            for owner in bunch.fields["frame"].objs:
                machine.heap.refer(owner, parts, machine.recorder.time)
    return value
