"""The notebook's own functions: made and called."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.analysis import project
from jupyter_mlops.analysis.heap import FunctionInfo, Obj, Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values
from jupyter_mlops.analysis.scoping import FunctionNode, declared, free_names, is_generator

__all__ = ["Arguments", "call_function", "late_values", "make_function", "note_return", "note_yield"]

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
    machine.heap.mark_code(obj.number)
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
    module = machine.heap[function].module
    if module is not None:  # decorated by code of the project, which runs with each call
        project.called(machine, f"{module}.{info.name}")
    # the same call again, in the same statement, tells nothing new unless values have become connected since
    key = (function, arguments, machine.heap.edges, len(machine.recorder.versions))
    known = machine.followed.get(key)
    if known is not None:
        return known
    scope = Scope(
        _bind_arguments(machine, info, arguments),
        info.closure,
        declared(info.node, ast.Global),
        declared(info.node, ast.Nonlocal),
    )
    changes = machine.recorder.changes
    value = _run(machine, function, info, scope)
    if machine.recorder.changes > changes and _is_cached(info.node):
        # that it ran, and need not run again, is state of the function itself
        machine.recorder.change([function], f"{info.name}() remembers its results")
        machine.heap[function].unpicklable = "a function that remembers its results forgets them when it is saved"
    machine.followed[key] = value
    return value


def _is_cached(node: FunctionNode) -> bool:
    for item in getattr(node, "decorator_list", []):
        target = item.func if isinstance(item, ast.Call) else item
        name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
        if name in ("lru_cache", "cache"):
            return True
    return False


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
    values = [*arguments.every]
    objs = machine.reach(values)
    key = ("worst", function, objs)
    if key in machine.followed:
        return machine.followed[key]
    recorder = machine.recorder
    if function in machine.active:
        if _changes_things(info.node):
            recorder.change(objs, f"{info.name}() calls itself and may change it")
    else:
        machine.report(
            "MLO023", f"The call of {info.name}() is too deeply nested to follow; it is assumed to change all it uses"
        )
        values += late_values(machine, [function], f"may be read by {info.name}()")
        recorder.change(machine.reach(values), f"{info.name}() may change it")
    machine.followed[key] = Val(None, objs)
    return machine.followed[key]


def late_values(machine: Machine, functions: Iterable[int], text: str) -> list[Val]:
    """Read all that functions name, and what functions among that name in turn; return the values."""
    names = sorted({name for number in functions for name in _late_names(machine, number)}, reverse=True)
    seen: set[str] = set()
    values: list[Val] = []
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        binding = machine.recorder.use(name, text)
        if binding is not None and binding.value.qual is None:
            values.append(binding.value)
            for number in machine.heap.reach(binding.value.objs):
                names.extend(_late_names(machine, number))
    return values


def _late_names(machine: Machine, number: int) -> frozenset[str]:
    info = machine.heap[number].function
    return info.late if info is not None else frozenset()


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
