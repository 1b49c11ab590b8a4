"""Executes statements abstractly."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jupyter_mlops.analysis import callbacks, classes, configuring, functions, library, project
from jupyter_mlops.analysis.expressions import iterate
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Scope, Val
from jupyter_mlops.analysis.imports import bind_imports
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.patterns import bind_pattern
from jupyter_mlops.analysis.recorder import Names, join_values
from jupyter_mlops.analysis.targets import assign, bind_name, delete

__all__ = ["execute", "run_statement"]

_ROUNDS = 6
_CATCHES_NAMES = frozenset({"NameError", "Exception", "BaseException"})


def execute(machine: Machine, body: Sequence[ast.stmt], scope: Scope | None) -> None:
    """Execute statements one after the other."""
    for statement in body:
        run_statement(machine, statement, scope)


def run_statement(machine: Machine, node: ast.stmt, scope: Scope | None) -> None:
    """Execute one statement."""
    if not machine.active and scope is None and hasattr(node, "lineno"):
        machine.follow_line(node)
    machine.tick()
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        handler(machine, node, scope)


def _expression(machine: Machine, node: ast.Expr, scope: Scope | None) -> None:
    machine.discarded = node.value
    value = machine.evaluate(node.value, scope)
    if scope is None:
        callbacks.display(machine, value)


def _assign(machine: Machine, node: ast.Assign, scope: Scope | None) -> None:
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        assign(machine, target, value, scope)


def _annotated(machine: Machine, node: ast.AnnAssign, scope: Scope | None) -> None:
    if scope is None or scope.owner == -1:
        machine.evaluate(node.annotation, scope)
    if node.value is not None:
        assign(machine, node.target, machine.evaluate(node.value, scope), scope)


def _augmented(machine: Machine, node: ast.AugAssign, scope: Scope | None) -> None:
    load = _as_load(node.target)
    machine.retain([load])
    old = machine.evaluate(load, scope)
    value = machine.evaluate(node.value, scope)
    callbacks.consume(machine, [value])
    if not old.objs:
        binary = ast.copy_location(ast.BinOp(load, node.op, node.value), node)
        machine.retain([binary])
        new = library.operate(machine, old, value, binary)
        assign(machine, node.target, new if not value.objs or old.type is not None else value, scope)
        return
    for number in old.objs:
        obj = machine.heap[number]
        if obj.type == "list":
            item = library.items_of(machine, value, node)
            machine.heap.refer(number, item.objs, machine.recorder.time)
            obj.opaque, obj.elements = True, None
        elif obj.type is None or obj.instance_of:
            machine.heap.refer(number, value.objs, machine.recorder.time)
    machine.recorder.change(old.objs, "changed in place by an augmented assignment")
    assign(machine, node.target, old, scope)


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    assert isinstance(target, ast.Subscript)
    return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)


def _delete(machine: Machine, node: ast.Delete, scope: Scope | None) -> None:
    for target in node.targets:
        delete(machine, target, scope)


def _import(machine: Machine, node: ast.Import | ast.ImportFrom, scope: Scope | None) -> None:
    bind_imports(machine, node, scope)


def _function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope | None) -> None:
    value = functions.make_function(machine, node, node.name, scope)
    _bind_definition(machine, node, value, scope)


def _class(machine: Machine, node: ast.ClassDef, scope: Scope | None) -> None:
    value = classes.make_class(machine, node, scope)
    _bind_definition(machine, node, value, scope)


def _bind_definition(
    machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, value: Val, scope: Scope | None
) -> None:
    for number in value.objs:
        obj = machine.heap[number]
        obj.definition = node.name if scope is None else None
        obj.static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list)
    for decorator in reversed(node.decorator_list):
        if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
            value = join_values([machine.evaluate(decorator.value, scope), value])
        else:
            machine.discarded = decorator
            value = _decorated(machine, node, machine.evaluate(decorator, scope), value)
            _register(machine, decorator, value, scope)
            _call_at_once(machine, decorator, value, scope)
    bind_name(machine, node.name, value, scope, f"defines {node.name}")


def _register(machine: Machine, decorator: ast.expr, value: Val, scope: Scope | None) -> None:
    """``@f.register`` changes the function ``f`` of the notebook."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Attribute) and target.attr == "register":
        owner = machine.evaluate(target.value, scope)
        functions = [number for number in owner.objs if machine.heap[number].function is not None]
        for number in functions:
            machine.heap.refer(number, value.objs, machine.recorder.time)
        machine.recorder.change(functions, "gets another implementation")


def _call_at_once(machine: Machine, decorator: ast.expr, value: Val, scope: Scope | None) -> None:
    """``@interact(x=3)`` calls what it decorates, as other functions do that the table says it of."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(target, (ast.Name, ast.Attribute)):
        return
    qual = machine.evaluate(target, scope).qual
    effect = machine.effects.function(machine.resolve(qual)) if qual is not None else None
    if effect is not None and effect.calls:
        machine.recorder.once("calls the function that it defines")
        callbacks.run_callbacks(machine, [value], [])


def _decorated(machine: Machine, node: ast.AST, decorator: Val, value: Val) -> Val:
    """A decorator of a library hands the function on, wrapped; one of the notebook is called."""
    if decorator.qual is not None:
        configuring.configure(machine, decorator.qual)
        project.handed_over(machine, decorator.qual)
        return project.mark(machine, value, decorator.qual)
    if decorator.type is not None and not decorator.objs:
        return value
    found = classes.call_value(machine, decorator, Arguments((value,)), node)
    if found is not None:
        return found
    if decorator.qual is None and decorator.type is None:
        machine.heap_refer_all(decorator, [value])
        machine.recorder.change(decorator.objs, "is used as a decorator")
        return Val("function", value.objs | decorator.objs)
    return value


def _return(machine: Machine, node: ast.Return, scope: Scope | None) -> None:
    value = machine.evaluate(node.value, scope) if node.value is not None else Val("NoneType")
    while scope is not None and scope.owner == -1:
        scope = scope.parent
    if scope is not None:
        functions.note_return(scope, value)


# control flow


def _fork(machine: Machine) -> Names:
    return dict(machine.recorder.names)


def _branch(machine: Machine, body: Sequence[ast.stmt], scope: Scope | None, before: Names) -> Names:
    machine.recorder.names = dict(before)
    machine.conditional += 1
    execute(machine, body, scope)
    machine.conditional -= 1
    return machine.recorder.names


def _if(machine: Machine, node: ast.If, scope: Scope | None) -> None:
    test = machine.evaluate(node.test, scope)
    callbacks.display(machine, test)
    if machine.active:
        _weakly(machine, (node.body, node.orelse), scope)
        return
    before = _fork(machine)
    outcomes = [_branch(machine, body, scope, before) for body in (node.body, node.orelse)]
    machine.recorder.join(outcomes, "depends on a condition")


def _weakly(machine: Machine, bodies: Iterable[Sequence[ast.stmt]], scope: Scope | None) -> None:
    """Inside functions branches are not kept apart: what is bound in one of them is perhaps bound."""
    machine.conditional += 1
    for body in bodies:
        execute(machine, body, scope)
    machine.conditional -= 1


def _loop(machine: Machine, body: Callable[[], None], orelse: Sequence[ast.stmt], scope: Scope | None) -> None:
    """Run a loop's body until nothing new comes of it, then join with never having run it."""
    recorder = machine.recorder
    if machine.active:
        machine.conditional += 1
        body()
        body()
        machine.conditional -= 1
        execute(machine, orelse, scope)
        return
    before = _fork(machine)
    for _ in range(_ROUNDS):
        edges = machine.heap.edges
        machine.conditional += 1
        body()
        machine.conditional -= 1
        known = {name: binding.value for name, binding in before.items()}
        recorder.join([before, recorder.names], "depends on a loop")
        if machine.heap.edges == edges and all(known.get(name) == item.value for name, item in recorder.names.items()):
            break
        before = _fork(machine)
    execute(machine, orelse, scope)


def _for(machine: Machine, node: ast.For | ast.AsyncFor, scope: Scope | None) -> None:
    source = machine.evaluate(node.iter, scope)

    def body() -> None:
        assign(machine, node.target, iterate(machine, source, node.iter), scope)
        execute(machine, node.body, scope)

    _loop(machine, body, node.orelse, scope)


def _while(machine: Machine, node: ast.While, scope: Scope | None) -> None:
    def body() -> None:
        machine.evaluate(node.test, scope)
        execute(machine, node.body, scope)

    machine.evaluate(node.test, scope)
    _loop(machine, body, node.orelse, scope)


def _try(machine: Machine, node: Any, scope: Scope | None) -> None:
    if machine.active:
        _try_inside(machine, node, scope)
        execute(machine, node.finalbody, scope)
        return
    before = _fork(machine)
    catches = any(_catches_names(handler) for handler in node.handlers)
    machine.conditional += catches
    execute(machine, node.body, scope)
    machine.conditional -= catches
    after = _fork(machine)
    machine.recorder.join([dict(before), dict(after)], "depends on whether an exception is raised")
    interrupted = _fork(machine)
    outcomes = [_handled(machine, handler, scope, interrupted) for handler in node.handlers]
    machine.recorder.names = after
    execute(machine, node.orelse, scope)
    machine.recorder.join([machine.recorder.names, *outcomes], "depends on whether an exception is raised")
    execute(machine, node.finalbody, scope)


def _try_inside(machine: Machine, node: Any, scope: Scope | None) -> None:
    """A ``try`` in a function."""
    machine.conditional += 1
    execute(machine, node.body, scope)
    for handler in node.handlers:
        if handler.type is not None:
            machine.evaluate(handler.type, scope)
        if handler.name:
            bind_name(machine, handler.name, Val("BaseException"), scope)
        execute(machine, handler.body, scope)
    execute(machine, node.orelse, scope)
    machine.conditional -= 1


def _catches_names(handler: ast.ExceptHandler) -> bool:
    names = (
        {item.id for item in ast.walk(handler.type) if isinstance(item, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(names & _CATCHES_NAMES)


def _handled(machine: Machine, handler: ast.ExceptHandler, scope: Scope | None, before: Names) -> Names:
    machine.recorder.names = dict(before)
    machine.conditional += 1
    if handler.type is not None:
        machine.evaluate(handler.type, scope)
    if handler.name:
        bind_name(machine, handler.name, Val("BaseException"), scope)
    execute(machine, handler.body, scope)
    if handler.name:
        if scope is None:
            machine.recorder.names.pop(handler.name, None)
        else:
            scope.names.pop(handler.name, None)
    machine.conditional -= 1
    return machine.recorder.names


def _with(machine: Machine, node: ast.With | ast.AsyncWith, scope: Scope | None) -> None:
    for item in node.items:
        manager = machine.evaluate(item.context_expr, scope)
        value = library.entered(machine, manager, node)
        if item.optional_vars is not None:
            assign(machine, item.optional_vars, value, scope)
    execute(machine, node.body, scope)


def _match(machine: Machine, node: ast.Match, scope: Scope | None) -> None:
    subject = machine.evaluate(node.subject, scope)
    before = _fork(machine)
    outcomes = []
    for case in node.cases:
        machine.recorder.names = machine.recorder.names if machine.active else dict(before)
        machine.conditional += 1
        bind_pattern(machine, case.pattern, subject, scope)
        if case.guard is not None:
            machine.evaluate(case.guard, scope)
        execute(machine, case.body, scope)
        machine.conditional -= 1
        outcomes.append(machine.recorder.names)
    if machine.active:
        return
    last = node.cases[-1]
    if not (isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None):
        outcomes.append(before)
    machine.recorder.join(outcomes, "depends on a match")


def _raise(machine: Machine, node: ast.Raise, scope: Scope | None) -> None:
    for part in (node.exc, node.cause):
        if part is not None:
            machine.evaluate(part, scope)


def _assert(machine: Machine, node: ast.Assert, scope: Scope | None) -> None:
    machine.evaluate(node.test, scope)
    if node.msg is not None:
        machine.evaluate(node.msg, scope)


_HANDLERS: dict[type[ast.AST], Callable[[Machine, Any, Scope | None], None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Return: _return,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Match: _match,
    ast.Raise: _raise,
    ast.Assert: _assert,
}
if hasattr(ast, "TryStar"):
    _HANDLERS[ast.TryStar] = _try
