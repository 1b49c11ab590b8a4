"""Lists, tuples, dicts and sets: what is known of their items."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import NOTHING, Obj, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values

__all__ = ["BUILTIN", "add_item", "builtin_item", "builtin_items", "method_result", "spoil", "values_of"]

BUILTIN = frozenset({"list", "tuple", "dict", "set", "generator", "frozenset"})
_ADDS = frozenset({"append", "add", "appendleft"})
_ITEM_METHODS = frozenset({"pop", "get", "setdefault", "popleft", "__getitem__"})
_VIEW_METHODS = frozenset({"values", "copy"})


def add_item(machine: Machine, obj: Obj, value: Val, key: object = NOTHING) -> None:
    """An item is stored into a container."""
    obj.items = value if obj.items is None else join_values([obj.items, value])
    obj.elements = None
    if obj.keys is not None and isinstance(key, (str, int)):
        obj.keys[key] = join_values([obj.keys[key], value]) if key in obj.keys else value
    elif obj.keys is not None:
        obj.keys = None
    machine.heap.refer(obj.number, value.objs, machine.recorder.time)


def spoil(obj: Obj) -> None:
    """Something unknown happens to a container: nothing is known of its items any more."""
    obj.opaque, obj.elements, obj.keys = True, None, None


def _anything_in(obj: Obj) -> Val:
    return Val(None, frozenset({obj.number, *obj.refs}))


def _summary(obj: Obj) -> Val:
    if obj.opaque:
        return _anything_in(obj)
    return obj.items if obj.items is not None else Val()


def builtin_items(machine: Machine, value: Val) -> Val | None:
    """An item of a list, tuple, dict (its keys), set or generator; None for other values."""
    if value.known and isinstance(value.const, (str, bytes)):
        return Val(value.type)
    if value.known and isinstance(value.const, tuple):
        kinds = {type(item).__name__ for item in value.const}
        return Val(kinds.pop() if len(kinds) == 1 else None)
    found = []
    for number in sorted(value.objs):
        obj = machine.heap[number]
        if obj.type not in BUILTIN or (value.type is not None and value.type not in BUILTIN):
            return None
        found.append(Val("str") if obj.type == "dict" and not obj.opaque else _summary(obj))
    return join_values(found) if found else None


def values_of(machine: Machine, value: Val) -> Val | None:
    """A value of a dict; None for other values."""
    found = [_summary(machine.heap[number]) for number in sorted(value.objs) if machine.heap[number].type == "dict"]
    return join_values(found) if found else None


def builtin_item(machine: Machine, value: Val, index: Val) -> Val | None:
    """``value[index]`` of a builtin container; None for other values."""
    if value.known and isinstance(value.const, (str, tuple)):
        if (
            isinstance(value.const, tuple)
            and isinstance(index.const, int)
            and -len(value.const) <= index.const < len(value.const)
        ):
            item = value.const[index.const]
            return Val(type(item).__name__, const=item)
        return Val("str" if isinstance(value.const, str) else None)
    found = []
    for number in sorted(value.objs):
        obj = machine.heap[number]
        if obj.type not in BUILTIN or (value.type is not None and value.type not in BUILTIN):
            return None
        found.append(_item(obj, index, value))
    return join_values(found) if found else None


def _item(obj: Obj, index: Val, value: Val) -> Val:
    if index.type == "slice":
        return Val(obj.type, frozenset({obj.number}))
    if (
        obj.elements is not None
        and isinstance(index.const, int)
        and -len(obj.elements) <= index.const < len(obj.elements)
    ):
        return obj.elements[index.const]
    if obj.keys is not None and not obj.opaque and isinstance(index.const, (str, int)) and index.const in obj.keys:
        return obj.keys[index.const]
    return _summary(obj)


def method_result(machine: Machine, receiver: Val, name: str, arguments: Arguments, node: ast.AST) -> Val | None:
    """What is known of the result of a container's method beyond the effect table; keeps the items' summary."""
    result: Val | None = None
    for number in sorted(receiver.objs):
        obj = machine.heap[number]
        if obj.type not in BUILTIN:
            return None
        found = _one_method(machine, obj, name, arguments, node)
        if found is not None:
            result = found if result is None else join_values([result, found])
    return result


def _one_method(machine: Machine, obj: Obj, name: str, arguments: Arguments, node: ast.AST) -> Val | None:
    if name in _ADDS or (name == "insert" and len(arguments.positional) == 2):
        add_item(machine, obj, arguments.positional[-1] if arguments.positional else Val())
    elif name == "setdefault" and len(arguments.positional) == 2:
        add_item(machine, obj, arguments.positional[1], arguments.positional[0].const)
    elif name in ("extend", "update"):
        _add_all(machine, obj, arguments)
    if name in ("send", "throw", "__next__") and obj.type == "generator":
        return obj.items if obj.items is not None else Val()
    if name in _ITEM_METHODS:
        default = [arguments.positional[1]] if name == "get" and len(arguments.positional) > 1 else []
        key = arguments.positional[0] if arguments.positional else Val()
        return join_values([_item(obj, key, Val()) if obj.type == "dict" else _summary(obj), *default])
    if name in _VIEW_METHODS or (name == "items" and obj.type == "dict"):
        return _view(machine, obj, name, node)
    return None


def _add_all(machine: Machine, obj: Obj, arguments: Arguments) -> None:
    for value in arguments.positional:
        if obj.type == "dict":
            _update(machine, obj, value)
            continue
        item = builtin_items(machine, value)
        add_item(machine, obj, item if item is not None else Val(None, value.objs))
    for key, value in arguments.keywords:
        add_item(machine, obj, value, key)


def _update(machine: Machine, obj: Obj, value: Val) -> None:
    for number in sorted(value.objs):
        other = machine.heap[number]
        if other.type == "dict" and not other.opaque:
            for key, item in (other.keys or {}).items():
                add_item(machine, obj, item, key)
            if other.keys is None:
                add_item(machine, obj, _summary(other))
        else:
            machine.heap.refer(obj.number, [number], machine.recorder.time)
            spoil(obj)


def _view(machine: Machine, obj: Obj, name: str, node: ast.AST) -> Val:
    items = _summary(obj)
    if name == "items":
        pair = machine.alloc(node, "tuple", items.objs, tag="pair")
        pair.elements, pair.items = (Val("str"), items), items
        items = Val("tuple", frozenset({pair.number}))
    kind = obj.type if name == "copy" else "list"
    view = machine.alloc(node, kind, items.objs, tag=f"{name} view")
    view.items = items
    view.keys = dict(obj.keys) if name == "copy" and obj.keys is not None else None
    view.opaque = obj.opaque
    if name != "copy":
        # a view of a dict shows later changes of it
        machine.heap.refer(view.number, [obj.number], machine.recorder.time)
    return Val(kind, frozenset({view.number}))
