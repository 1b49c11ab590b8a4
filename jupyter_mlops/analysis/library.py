"""Attributes, items, operators and stores: on libraries' objects, on containers, on instances."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis import callbacks, classes, containers, hidden, namespace
from jupyter_mlops.analysis.apply import apply_effect
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Obj, Val
from jupyter_mlops.analysis.machine import PURE_METHOD, Machine
from jupyter_mlops.analysis.recorder import join_values

__all__ = ["attribute", "elements", "entered", "item", "items_of", "operate", "store_attribute", "store_item"]

_LABELLED = frozenset({"pandas.DataFrame", "pandas.Series"})
_CACHED = frozenset({"cached_property"})
_PROPERTIES = frozenset({"property", "cached_property"})
_STATE_OBJECTS = {"decimal.Context": "decimal"}
_NUMBERS = frozenset({"int", "float", "bool", "complex"})


def attribute(machine: Machine, base: Val, name: str, node: ast.AST) -> Val:
    """``base.name``, read."""
    if base.qual == "__main__":
        return namespace.namespace_item(machine, Val("str", const=name))
    if base.qual is not None:
        return _library_attribute(machine, f"{base.qual}.{name}")
    found = [value for number in sorted(base.objs) if (value := _own_member(machine, number, name, node)) is not None]
    if found:
        return join_values(found)
    if base.type in _LABELLED and name in ("index", "columns"):
        return Val("pandas.Index", base.objs)  # its values never change, but it shares its name with the frame
    if base.type is not None:
        effect = machine.effects.attribute(base.type, name)
        if effect is not None:
            return apply_effect(machine, effect, base, Arguments(), node, f".{name}")
        method = machine.effects.method(base.type, name)
        if method is not None and not method.mutates and not method.keeps:
            return Val(PURE_METHOD, machine.parts(base))
        if machine.is_immutable(base.type):
            return Val()
    return Val(None, machine.parts(base))


def _library_attribute(machine: Machine, qual: str) -> Val:
    qual = machine.resolve(qual)
    hidden.uses_library(machine, (qual,))
    canonical = machine.effects.canonical(qual)
    state = hidden.STATES.get(canonical)
    if state is not None:
        machine.recorder.use("$" + state, f"reads {qual}")
        return Val("state", qual=canonical)
    if machine.effects.class_of(qual) is not None:
        return Val("type", qual=canonical)
    value = machine.effects.value(qual)
    if value is not None:
        for used in value.uses:
            machine.recorder.use("$" + used, f"reads {qual}")
        return Val(value.result, qual=canonical if value.result is None else None)
    if hidden.state_of(machine, canonical) is not None:
        return Val("state", qual=canonical)
    return Val("module", qual=qual)


def _own_member(machine: Machine, number: int, name: str, node: ast.AST) -> Val | None:
    obj = machine.heap[number]
    if obj.klass is not None:
        return classes.find_member(machine, number, name)
    if not obj.instance_of:
        return obj.fields.get(name)
    if name == "__class__":
        return Val("type", obj.instance_of)
    receiver = Val(obj.type, frozenset({number}))
    found = classes.member(machine, obj, name)
    if found is None:
        missing = classes.member(machine, obj, "__getattr__")
        arguments = Arguments((Val("str", const=name),))
        return classes.call_value(machine, missing, arguments, node, receiver=receiver) if missing is not None else None
    if name not in obj.fields and _is_property(machine, found):
        value = classes.call_value(machine, found, Arguments(), node, receiver=receiver)
        if value is not None and classes.is_decorated(machine, found, _CACHED):
            classes.store_field(obj, name, value)
            machine.heap.refer(number, value.objs, machine.recorder.time)
            machine.recorder.change([number], f"keeps the value of .{name}")
        return value
    described = _descriptor(machine, found, "__get__", (receiver, Val("type", obj.instance_of)), node)
    return described if described is not None else found


def _is_property(machine: Machine, value: Val) -> bool:
    return classes.is_decorated(machine, value, _PROPERTIES)


def _descriptor(machine: Machine, value: Val, name: str, arguments: tuple[Val, ...], node: ast.AST) -> Val | None:
    """An attribute of the class that has ``__get__`` or ``__set__`` stands in for the instance's."""
    if machine.heap.holds_code.isdisjoint(value.objs):
        return None
    return _special(machine, value, name, arguments, node)


def item(machine: Machine, base: Val, index: Val, node: ast.Subscript) -> Val:
    """``base[index]``, read."""
    if base.qual == namespace.NAMESPACE:
        return namespace.namespace_item(machine, index)
    if base.qual == "sys.modules" and isinstance(index.const, str):
        return Val("module", qual=index.const)
    if base.qual is not None:
        top = base.qual.partition(".")[0]
        if base.type == "state" or top in machine.environment.modules or top.startswith("get_ipython()"):
            return base  # an item of the state, or of a module's variable, is a part of it
        return Val()
    found = containers.builtin_item(machine, base, index)
    if found is not None:
        return found
    for number in sorted(base.objs):
        hook = classes.find_member(machine, number, "__class_getitem__") if machine.heap[number].klass else None
        if hook is not None:
            receiver = Val("type", frozenset({number}))
            found = classes.call_value(machine, hook, Arguments((index,)), node, receiver=receiver)
            return found if found is not None else Val()
    special = _special(machine, base, "__getitem__", (index,), node)
    if special is not None:
        return special
    fields = (
        [machine.heap[number].fields.get(index.const) for number in base.objs] if isinstance(index.const, str) else []
    )
    if base.type == "sklearn.utils.Bunch" and fields and all(fields):
        return join_values([field for field in fields if field is not None])
    if base.type is not None:
        if machine.is_immutable(base.type) and machine.effects.item(base.type) is None:
            return Val()
        effect = machine.effects.item(base.type)
        if effect is not None:
            value = apply_effect(machine, effect, base, Arguments((index,)), node, "[]")
            if base.type == "pandas.DataFrame" and not isinstance(node.slice, (ast.Constant, ast.Name)):
                return Val("pandas.DataFrame", value.objs)
            return _row(base, value)
    return Val(None, machine.parts(base))


def _row(base: Val, value: Val) -> Val:
    """An item of an array is an array or a number: what holds for arrays holds for both."""
    if base.type == "numpy.ndarray" and value.type is None and value.objs:
        return Val("numpy.ndarray", value.objs)
    return value


def elements(machine: Machine, value: Val) -> tuple[Val, ...] | None:
    """The items of a tuple or list whose length is known."""
    if value.known and isinstance(value.const, tuple):
        return tuple(Val(type(part).__name__, const=part) for part in value.const)
    if len(value.objs) == 1 and value.type in ("tuple", "list"):
        return machine.heap[next(iter(value.objs))].elements
    return None


def items_of(machine: Machine, value: Val, node: ast.AST, *, advance: bool = False) -> Val:
    """An item that iterating over the value gives."""
    if advance:
        callbacks.consume(machine, [value])
    found = containers.builtin_items(machine, value)
    if found is not None:
        return found
    special = _special(machine, value, "__iter__", (), node)
    if special is not None:
        following = _special(machine, special, "__next__", (), node)
        return following if following is not None else items_of(machine, special, node) if special != value else special
    if value.type is not None:
        effect = machine.effects.iter(value.type)
        if effect is not None:
            return _row(value, apply_effect(machine, effect, value, Arguments(), node, "iteration"))
        if machine.is_immutable(value.type):
            return Val("int") if value.type == "range" else Val()
    if value.qual is not None or not value.objs:
        return Val()
    return Val(None, machine.parts(value))


def entered(machine: Machine, manager: Val, node: ast.AST) -> Val:
    """What ``with manager as x`` binds."""
    special = _special(machine, manager, "__enter__", (), node)
    if special is not None:
        _special(machine, manager, "__exit__", (Val(), Val(), Val()), node)
        return special
    if manager.type is not None:
        effect = machine.effects.enter(manager.type)
        if effect is not None:
            return apply_effect(machine, effect, manager, Arguments(), node, "with")
    return manager


def _special(machine: Machine, value: Val, name: str, arguments: tuple[Val, ...], node: ast.AST) -> Val | None:
    for number in sorted(value.objs):
        obj = machine.heap[number]
        method = classes.member(machine, obj, name) if obj.instance_of else None
        if method is not None:
            return classes.call_value(
                machine, method, Arguments(arguments), node, receiver=Val(obj.type, frozenset({number}))
            )
    return None


# operators

_METHODS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.MatMult: "matmul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "lshift", ast.RShift: "rshift",
}  # fmt: skip


def operate(machine: Machine, left: Val, right: Val, node: ast.BinOp | ast.UnaryOp | ast.Compare) -> Val:
    """A unary, binary or comparing operator."""
    constant = _fold(left, right, node)
    if constant is not None:
        return constant
    for value, other in ((left, right), (right, left)):
        if any(machine.heap[number].instance_of for number in value.objs):
            return _operate_instance(machine, value, other, node)
    kinds = {left.type, right.type}
    if kinds <= _NUMBERS:
        return Val("float" if kinds & {"float", "complex"} else "int")
    if kinds <= {"str"} or (left.type == "str" and isinstance(getattr(node, "op", None), ast.Mod)):
        return Val("str")
    if containers.BUILTIN & kinds and isinstance(node, ast.BinOp):
        return _joined_containers(machine, left, right, node)
    for value in (left, right):
        if value.type is None or machine.effects.operators(value.type) is None:
            continue
        if value.type in _NUMBERS and (left.type is None or right.type is None):
            continue
        effect = machine.effects.operators(value.type)
        if effect is not None and value.type not in _NUMBERS:
            result = apply_effect(machine, effect, value, Arguments(), node, "an operator")
            return Val(result.type or value.type, result.objs)
    if not left.objs and not right.objs:
        return Val()
    return Val(None, frozenset({machine.alloc(node, None, left.objs | right.objs, tag="operator").number}))


def _fold(left: Val, right: Val, node: ast.AST) -> Val | None:
    operator = getattr(node, "op", None)
    if not (left.known and right.known and isinstance(node, ast.BinOp)):
        return None
    if isinstance(left.const, str) and isinstance(right.const, str):
        if isinstance(operator, ast.Add) and len(left.const) + len(right.const) < 10_000:
            return Val("str", const=left.const + right.const)
        if isinstance(operator, ast.Div) and left.type != "str":
            return Val(left.type, const=f"{left.const}/{right.const}")
    return None


def _operate_instance(machine: Machine, value: Val, other: Val, node: ast.AST) -> Val:
    operator = getattr(node, "op", None)
    word = _METHODS.get(type(operator)) if operator is not None else None
    names = (
        [f"__{word}__", f"__r{word}__"]
        if word
        else ["__eq__", "__lt__", "__gt__", "__le__", "__ge__", "__ne__", "__neg__"]
    )
    results = [found for name in names if (found := _special(machine, value, name, (other,), node)) is not None]
    return join_values(results) if results else Val()


def _joined_containers(machine: Machine, left: Val, right: Val, node: ast.AST) -> Val:
    kind = left.type if left.type in containers.BUILTIN else right.type
    refs = frozenset(ref for number in left.objs | right.objs for ref in machine.heap[number].refs)
    obj = machine.alloc(node, kind, refs)
    items = containers.values_of if kind == "dict" else containers.builtin_items
    parts = [found for value in (left, right) if (found := items(machine, value)) is not None]
    if parts:
        obj.items = join_values(parts)
    return Val(kind, frozenset({obj.number}))


# stores


def store_attribute(machine: Machine, base: Val, name: str, value: Val) -> None:
    """``base.name = value``."""
    if base.qual == "__main__":
        namespace.store_namespace(machine, Val("str", const=name), value)
        return
    if base.qual is not None:
        _store_state(machine, f"{base.qual}.{name}")
        if base.qual == "sys" and name in ("stdout", "stderr"):
            machine.recorder.change(value.objs, "takes what is printed")
        return
    for number in sorted(base.objs):
        obj = machine.heap[number]
        machine.heap.refer(number, value.objs, machine.recorder.time)
        obj.constructed_with = {**obj.constructed_with, name: value}
        if obj.klass is not None:
            obj.klass.members[name] = (
                join_values([obj.klass.members[name], value]) if name in obj.klass.members else value
            )
        elif obj.instance_of:
            _store_into_instance(machine, obj, name, value)
    if base.type in _STATE_OBJECTS:
        hidden.sets(machine, _STATE_OBJECTS[base.type])
    if name == "name" and base.type in ("pandas.Series", "pandas.Index"):
        machine.recorder.change(base.objs, "gets a new name")
        return
    machine.recorder.change(base.objs, f"changed in place by setting .{name}")


def _store_into_instance(machine: Machine, obj: Obj, name: str, value: Val) -> None:
    """Setters, descriptors and ``__setattr__`` run code of the notebook."""
    receiver, node = Val(obj.type, frozenset({obj.number})), callbacks.obj_node(obj)
    hook = classes.member(machine, obj, "__setattr__")
    if hook is not None:
        classes.call_value(machine, hook, Arguments((Val("str", const=name), value)), node, receiver=receiver)
    setter = classes.member(machine, obj, name)
    if setter is not None and _is_property(machine, setter):
        classes.call_value(machine, setter, Arguments((value,)), node, receiver=receiver)
        return
    if setter is not None and name not in obj.fields:
        _descriptor(machine, setter, "__set__", (receiver, value), node)
    classes.store_field(obj, name, value)


def store_item(machine: Machine, base: Val, index: Val, value: Val, *, deletes: bool = False) -> None:
    """``base[index] = value``, or its deletion."""
    if base.qual == namespace.NAMESPACE:
        namespace.store_namespace(machine, index, value)
        return
    if base.qual is not None:
        _store_state(machine, base.qual)
        return
    for number in sorted(base.objs):
        obj = machine.heap[number]
        method = classes.member(machine, obj, "__setitem__") if obj.instance_of else None
        if method is not None:
            classes.call_value(
                machine,
                method,
                Arguments((index, value)),
                callbacks.obj_node(obj),
                receiver=Val(obj.type, frozenset({number})),
            )
        if obj.type in containers.BUILTIN:
            if not deletes:
                containers.add_item(machine, obj, value, index.const)
            else:
                obj.elements = obj.keys = None
        elif base.type is None or machine.effects.store(base.type) is None:
            machine.heap.refer(number, value.objs, machine.recorder.time)
    machine.recorder.change(
        base.objs, "changed in place by deleting an item" if deletes else "changed in place by setting an item"
    )


def _store_state(machine: Machine, qual: str) -> None:
    state = hidden.state_of(machine, qual)
    if state is not None:
        hidden.sets(machine, state)
        return
    top = machine.effects.canonical(qual).partition(".")[0]
    if top.startswith("get_ipython()") and "user_ns" in qual:
        namespace.barrier(machine, "get_ipython().user_ns may hold it")
        return
    is_ipython = top in ("IPython", "ipykernel") or top.startswith("get_ipython()")
    hidden.sets(machine, "ipython" if is_ipython else f"module:{top}")
