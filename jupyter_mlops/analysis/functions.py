"""The notebook's own functions and classes: made, called, constructed, consumed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.analysis.heap import ClassInfo, FunctionInfo, Obj, Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values
from jupyter_mlops.analysis.scoping import FunctionNode, declared, free_names, is_generator

__all__ = [
    "Arguments", "call_function", "call_value", "consume", "display", "instantiate", "make_class", "make_function",
    "member", "note_yield", "run_callbacks",
]  # fmt: skip

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
    "__bool__",
    "__contains__",
    "__float__",
    "__int__",
    "__array__",
    "_repr_html_",
)
_RETURN = " return"
_YIELD = " yield"


@dataclass(frozen=True, slots=True)
class Arguments:
    """Evaluated arguments of a call; ``rest`` holds items of ``*args`` and ``**kwargs`` whose place is unknown."""

    positional: tuple[Val, ...] = ()
    keywords: tuple[tuple[str, Val], ...] = ()
    rest: tuple[Val, ...] = ()

    @property
    def every(self) -> tuple[Val, ...]:
        return (*self.positional, *(value for _, value in self.keywords), *self.rest)

    def get(self, position: int | None, name: str | None) -> Val | None:
        """The argument at this place or with this keyword."""
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return next((value for key, value in self.keywords if key == name), None)


def make_function(machine: Machine, node: FunctionNode, name: str, scope: Scope | None) -> Val:
    """The value of a ``def`` or ``lambda``; defaults are evaluated now."""
    spec = node.args
    defaults: dict[str, Val] = {}
    positional = [*spec.posonlyargs, *spec.args]
    for argument, default in zip(positional[len(positional) - len(spec.defaults) :], spec.defaults, strict=True):
        defaults[argument.arg] = machine.evaluate(default, scope)
    for argument, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if value is not None:
            defaults[argument.arg] = machine.evaluate(value, scope)
    free = free_names(node)
    obj = machine.alloc(node, "function", (item for value in defaults.values() for item in value.objs))
    obj.function = FunctionInfo(node, name, machine.recorder.cell.index, scope, defaults, late=free)
    machine.recorder.statement.late.update(free)
    _capture(machine, obj, scope, free)
    return Val("function", frozenset({obj.number}))


def _capture(machine: Machine, obj: Obj, scope: Scope | None, free: frozenset[str]) -> None:
    """Let a closure refer to the variables around it that it uses."""
    while scope is not None:
        if scope.owner is None:
            scope.owner = machine.heap.new("scope", machine.recorder.time).number
        if scope.owner >= 0:
            machine.heap.refer(obj.number, [scope.owner], machine.recorder.time)
        target = scope.owner if scope.owner >= 0 else obj.number
        for name in free & scope.names.keys():
            machine.heap.refer(target, scope.names[name].objs, machine.recorder.time)
        scope = scope.parent


def call_function(machine: Machine, function: int, arguments: Arguments, receiver: Val | None = None) -> Val:
    """Call a function of the notebook: its body is followed with these arguments."""
    info = machine.heap[function].function
    assert info is not None
    receiver = receiver if receiver is not None else info.receiver
    if receiver is not None:
        arguments = replace(arguments, positional=(receiver, *arguments.positional))
    if not machine.may_enter(function):
        return _assume_worst(machine, function, info, arguments)
    scope = Scope(
        _bind_arguments(machine, info, arguments),
        info.closure,
        declared(info.node, ast.Global),
        declared(info.node, ast.Nonlocal),
    )
    return _run(machine, function, info, scope)


def _run(machine: Machine, function: int, info: FunctionInfo, scope: Scope) -> Val:
    recorder, context = machine.recorder, machine.context
    machine.active.append(function)
    recorder.via.append(f"{info.name}()")
    machine.context = (*context[-6:], id(info.node), recorder.line)
    try:
        if isinstance(info.node, ast.Lambda):
            return machine.evaluate(info.node.body, scope)
        machine.execute(info.node.body, scope)
        if is_generator(info.node):
            return _generator(machine, info, scope)
        return scope.names.get(_RETURN, Val("NoneType"))
    finally:
        machine.context = context
        recorder.via.pop()
        machine.active.pop()


def _generator(machine: Machine, info: FunctionInfo, scope: Scope) -> Val:
    obj = machine.alloc(info.node, "generator", (item for value in scope.names.values() for item in value.objs))
    obj.iterator = True
    obj.items = scope.names.get(_YIELD, Val())
    return Val("generator", frozenset({obj.number}))


def note_yield(scope: Scope | None, value: Val) -> None:
    """A generator function yields a value."""
    while scope is not None and scope.owner == -1:
        scope = scope.parent
    if scope is not None:
        scope.names[_YIELD] = join_values([scope.names[_YIELD], value]) if _YIELD in scope.names else value


def note_return(scope: Scope, value: Val) -> None:
    """A function returns a value."""
    scope.names[_RETURN] = join_values([scope.names[_RETURN], value]) if _RETURN in scope.names else value


def _bind_arguments(machine: Machine, info: FunctionInfo, arguments: Arguments) -> dict[str, Val]:
    spec = info.node.args
    names = [item.arg for item in (*spec.posonlyargs, *spec.args)]
    bound = dict(info.defaults)
    unknown = join_values(arguments.rest) if arguments.rest else None
    if unknown is not None:
        for name in (*names, *(item.arg for item in spec.kwonlyargs)):
            bound[name] = join_values([bound[name], unknown]) if name in bound else unknown
    bound.update(zip(names, arguments.positional, strict=False))
    extra = {key: value for key, value in arguments.keywords if key not in names}
    bound.update((key, value) for key, value in arguments.keywords if key in names)
    for item in spec.kwonlyargs:
        if item.arg in extra:
            bound[item.arg] = extra.pop(item.arg)
    if spec.vararg is not None:
        bound[spec.vararg.arg] = _pack(
            machine, spec.vararg, "tuple", [*arguments.positional[len(names) :], *arguments.rest]
        )
    if spec.kwarg is not None:
        bound[spec.kwarg.arg] = _pack(machine, spec.kwarg, "dict", [*extra.values(), *arguments.rest])
    for name in names:
        bound.setdefault(name, Val())
    return bound


def _pack(machine: Machine, node: ast.arg, type: str, values: Sequence[Val]) -> Val:
    obj = machine.alloc(node, type, (item for value in values for item in value.objs))
    if values:
        obj.items = join_values(list(values))
    return Val(type, frozenset({obj.number}))


def _assume_worst(machine: Machine, function: int, info: FunctionInfo, arguments: Arguments) -> Val:
    """A call that is not followed (recursion, depth, budget): it may change all it can reach."""
    recursive = function in machine.active
    values = [*arguments.every]
    if not recursive:
        machine.report(
            "MLO023", f"The call of {info.name}() is too deeply nested to follow; it is assumed to change all it uses"
        )
        recorder = machine.recorder
        for name in sorted(info.late):
            binding = recorder.use(name, f"may be read by {info.name}()")
            if binding is not None:
                values.append(binding.value)
        machine.recorder.change(machine.reach(values), f"{info.name}() may change it")
    elif _changes_things(info.node):
        recorder = machine.recorder
        recorder.change(machine.reach(values), f"{info.name}() calls itself and may change it")
    return Val(None, machine.reach(values))


def _changes_things(node: ast.AST) -> bool:
    """Tell whether a body has anything that looks like a change of an object."""
    for item in ast.walk(node):
        if isinstance(item, (ast.Subscript, ast.Attribute)) and not isinstance(item.ctx, ast.Load):
            return True
        if isinstance(item, (ast.AugAssign, ast.Delete)):
            return True
        if (
            isinstance(item, ast.Expr)
            and isinstance(item.value, ast.Call)
            and isinstance(item.value.func, ast.Attribute)
        ):
            return True
    return False


# classes


def make_class(machine: Machine, node: ast.ClassDef, scope: Scope | None) -> Val:
    """The value of a ``class`` statement; its body is executed now."""
    bases = tuple(machine.evaluate(base, scope) for base in node.bases)
    for keyword in node.keywords:
        machine.evaluate(keyword.value, scope)
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
    factories = _factories(node)
    members = {name: value for name, value in inner.names.items() if name not in factories}
    obj.klass = ClassInfo(node.name, machine.recorder.cell.index, members, bases, tuple(fields), factories)
    machine.recorder.statement.late.update(free_names(node))
    value = Val("type", frozenset({obj.number}))
    if (library_base(machine, obj.number) or "").startswith("enum."):
        _make_members(machine, obj, node)
    _subclass(machine, obj.number, value, node)
    return value


def _factories(node: ast.ClassDef) -> dict[str, str | None]:
    """Fields of a dataclass whose default is made anew for each instance, with the type that is made."""
    found: dict[str, str | None] = {}
    for item in node.body:
        call = item.value if isinstance(item, ast.AnnAssign) else None
        if isinstance(call, ast.Call) and isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            made = next((part.value for part in call.keywords if part.arg == "default_factory"), None)
            if made is not None:
                found[item.target.id] = made.id if isinstance(made, ast.Name) and made.id in _MAKERS else None
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
    value = Val(obj.type, frozenset({obj.number}))
    initializer = find_member(machine, klass, "__init__")
    if initializer is not None:
        call_value(machine, initializer, arguments, node, receiver=value)
        return value
    machine.heap.refer(
        obj.number, (item for argument in arguments.every for item in argument.objs), machine.recorder.time
    )
    given = {*info.fields[: len(arguments.positional)], *(name for name, _ in arguments.keywords)}
    for name, kind in info.factories.items():
        if name not in given:
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


# uses that run code of the notebook


def consume(machine: Machine, values: Iterable[Val]) -> None:
    """Values are iterated over or handed on: iterators among them advance."""
    for value in values:
        for number in value.objs:
            if machine.heap[number].iterator:
                machine.recorder.change([number], "is consumed here")


def display(machine: Machine, value: Val) -> None:
    """A value is printed, compared or measured: the special methods of the notebook's classes may run."""
    for number in value.objs:
        obj = machine.heap[number]
        if obj.instance_of and number not in machine.active:
            for name in _DISPLAY:
                method = member(machine, obj, name)
                if method is not None:
                    call_value(machine, method, Arguments(), obj_node(obj), receiver=Val(obj.type, frozenset({number})))


def obj_node(obj: Obj) -> ast.AST:
    """A node that stands for calls made on behalf of an object."""
    return obj.function.node if obj.function is not None else _ANYWHERE


_ANYWHERE = ast.Pass()


def run_callbacks(machine: Machine, values: Iterable[Val], given: Sequence[Val]) -> None:
    """Functions and objects of the notebook are handed to code we can't see: all they can do may happen."""
    data = frozenset(item for value in given for item in value.objs)
    unknown = Val(None, data)
    for number in sorted(machine.reach(values)):
        obj = machine.heap[number]
        if obj.function is not None and number not in machine.active:
            machine.conditional += 1
            call_function(machine, number, Arguments(rest=(unknown,)))
            machine.conditional -= 1
        elif obj.instance_of and number not in machine.active:
            machine.conditional += 1
            _run_methods(machine, obj, unknown)
            machine.conditional -= 1


def _run_methods(machine: Machine, obj: Obj, unknown: Val) -> None:
    machine.active.append(obj.number)
    receiver = Val(obj.type, frozenset({obj.number}))
    for klass in obj.instance_of:
        info = machine.heap[klass].klass
        for name, value in (info.members if info is not None else {}).items():
            if name not in ("__init__", "__post_init__"):
                call_value(machine, value, Arguments(rest=(unknown,)), _ANYWHERE, receiver=receiver)
    machine.active.pop()
