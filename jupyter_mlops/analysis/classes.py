"""The notebook's own classes: made, constructed, looked into."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis.functions import Arguments, call_function
from jupyter_mlops.analysis.heap import ClassInfo, Obj, Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values
from jupyter_mlops.analysis.scoping import free_names

__all__ = [
    "call_value",
    "find_member",
    "instantiate",
    "is_decorated",
    "library_base",
    "make_class",
    "member",
    "store_field",
]


def make_class(machine: Machine, node: ast.ClassDef, scope: Scope | None) -> Val:
    """The value of a ``class`` statement; its body is executed now."""
    bases = tuple(machine.evaluate(base, scope) for base in node.bases)
    metaclasses = [machine.evaluate(keyword.value, scope) for keyword in node.keywords]
    inner = Scope({}, scope, owner=-1)
    machine.execute(node.body, inner)
    obj = machine.alloc(node, "type")
    for base in bases:
        machine.heap.refer(obj.number, base.objs, machine.recorder.time)
    for value in inner.names.values():
        machine.heap.refer(obj.number, value.objs, machine.recorder.time)
    fields = [
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]
    factories = _factories(machine, node, scope)
    members = {name: value for name, value in inner.names.items() if name not in factories}
    obj.klass = ClassInfo(node.name, machine.recorder.cell.index, members, bases, tuple(fields), factories)
    machine.recorder.statement.late.update(free_names(node))
    value = Val("type", frozenset({obj.number}))
    if (library_base(machine, obj.number) or "").startswith("enum."):
        _make_members(machine, obj, node)
    changes = machine.recorder.changes
    _subclass(machine, obj.number, value, node)
    for metaclass in metaclasses:
        _run_metaclass(machine, metaclass, value, node)
    if machine.recorder.changes > changes:
        obj.unpicklable = f"making the class {node.name} again would have its effects again"
    return value


def _run_metaclass(machine: Machine, metaclass: Val, value: Val, node: ast.AST) -> None:
    """A metaclass of the notebook sees the class being made."""
    for number in metaclass.objs:
        for name in ("__new__", "__init__", "__prepare__"):
            hook = find_member(machine, number, name) if machine.heap[number].klass is not None else None
            if hook is not None:
                call_value(machine, hook, Arguments(rest=(value,)), node, receiver=value)


def is_decorated(machine: Machine, value: Val, names: frozenset[str]) -> bool:
    """Tell whether a function of the notebook has a decorator of one of these names, however it was imported."""
    for number in value.objs:
        info = machine.heap[number].function
        for item in getattr(info.node, "decorator_list", []) if info is not None else []:
            target = item.func if isinstance(item, ast.Call) else item
            if isinstance(target, ast.Name) and target.id in names:
                return True
            if isinstance(target, ast.Attribute) and target.attr in names:
                return True
    return False


def _factories(machine: Machine, node: ast.ClassDef, scope: Scope | None) -> dict[str, Val]:
    """Fields of a dataclass whose default is made anew for each instance, with what makes it."""
    found: dict[str, Val] = {}
    for item in node.body:
        call = item.value if isinstance(item, ast.AnnAssign) else None
        if isinstance(call, ast.Call) and isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            made = next((part.value for part in call.keywords if part.arg == "default_factory"), None)
            if made is not None:
                found[item.target.id] = machine.evaluate(made, scope)
    return found


_MAKERS = frozenset({"list", "dict", "set"})


def _make_members(machine: Machine, klass: Obj, node: ast.ClassDef) -> None:
    """The values in an enum's body become instances of it."""
    info = klass.klass
    assert info is not None
    for name, value in list(info.members.items()):
        if any(machine.heap[number].function is not None for number in value.objs):
            continue
        obj = machine.alloc(node, info.name, [klass.number, *value.objs], tag=f"member {name}")
        obj.instance_of |= {klass.number}
        obj.fields["value"] = value
        info.members[name] = Val(info.name, frozenset({obj.number}))
        machine.heap.refer(klass.number, [obj.number], machine.recorder.time)


def _subclass(machine: Machine, klass: int, value: Val, node: ast.AST) -> None:
    """The base classes hear of a new subclass."""
    info = machine.heap[klass].klass
    for base in info.bases if info is not None else ():
        for number in base.objs:
            hook = find_member(machine, number, "__init_subclass__")
            if hook is not None:
                call_value(machine, hook, Arguments(), node, receiver=value)


def instantiate(machine: Machine, klass: int, arguments: Arguments, node: ast.AST) -> Val:
    """Construct an instance of a class of the notebook."""
    info = machine.heap[klass].klass
    assert info is not None
    obj = machine.alloc(node, library_base(machine, klass), [klass], tag=f"instance of {klass}")
    obj.instance_of |= {klass}
    machine.heap.mark_code(obj.number)
    value = Val(obj.type, frozenset({obj.number}))
    initializer = find_member(machine, klass, "__init__")
    if initializer is not None:
        call_value(machine, initializer, arguments, node, receiver=value)
        return value
    machine.heap.refer(
        obj.number, (item for argument in arguments.every for item in argument.objs), machine.recorder.time
    )
    given = {*info.fields[: len(arguments.positional)], *(name for name, _ in arguments.keywords)}
    for name, maker in info.factories.items():
        if name not in given:
            made = call_value(machine, maker, Arguments(), node)
            if made is None:
                kind = maker.qual if maker.qual in _MAKERS else None
                made = machine.fresh_tagged(node, kind, f"field {name}")
            machine.heap.refer(obj.number, made.objs, machine.recorder.time)
            store_field(obj, name, made)
    for name, argument in (*zip(info.fields, arguments.positional, strict=False), *arguments.keywords):
        store_field(obj, name, argument)
    post = find_member(machine, klass, "__post_init__")
    if post is not None:
        call_value(machine, post, Arguments(), node, receiver=value)
    return value


def store_field(obj: Obj, name: str, value: Val) -> None:
    """Note that an attribute may have this value."""
    obj.fields[name] = join_values([obj.fields[name], value]) if name in obj.fields else value


def library_base(machine: Machine, klass: int) -> str | None:
    """The first base that comes from a library; the class's own name where there is none."""
    info = machine.heap[klass].klass
    assert info is not None
    for base in info.bases:
        if base.qual is not None:
            return machine.effects.class_of(base.qual) or base.qual
        for number in base.objs:
            if machine.heap[number].klass is not None:
                return library_base(machine, number)
    return f"__main__.{info.name}"


def find_member(machine: Machine, klass: int, name: str, seen: frozenset[int] = frozenset()) -> Val | None:
    """A class's attribute, its bases' included."""
    info = machine.heap[klass].klass
    if info is None or klass in seen:
        return None
    if name in info.members:
        return info.members[name]
    for base in info.bases:
        for number in base.objs:
            found = find_member(machine, number, name, seen | {klass})
            if found is not None:
                return found
    return None


def member(machine: Machine, obj: Obj, name: str) -> Val | None:
    """An instance's attribute or method; None if the notebook's code doesn't tell."""
    found = [obj.fields[name]] if name in obj.fields else []
    for klass in obj.instance_of:
        value = find_member(machine, klass, name)
        if value is not None:
            found.append(value)
    return join_values(found) if found else None


def call_value(
    machine: Machine, value: Val, arguments: Arguments, node: ast.AST, receiver: Val | None = None
) -> Val | None:
    """Call whatever functions and classes of the notebook a value may be; None if it may be none."""
    results = []
    for number in sorted(value.objs):
        obj = machine.heap[number]
        if obj.function is not None:
            bound = None if obj.function.receiver is not None or obj.static else receiver
            results.append(call_function(machine, number, arguments, bound))
        elif obj.klass is not None:
            results.append(instantiate(machine, number, arguments, node))
        elif obj.instance_of and (method := member(machine, obj, "__call__")) is not None:
            found = call_value(machine, method, arguments, node, receiver=Val(obj.type, frozenset({number})))
            if found is not None:
                results.append(found)
    return join_values(results) if results else None
