"""Assignment targets: names, tuples, attributes, subscripts."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from jupyter_mlops.analysis import library
from jupyter_mlops.analysis.heap import Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.recorder import join_values

__all__ = ["assign", "bind_name", "delete"]


def assign(machine: Machine, target: ast.expr, value: Val, scope: Scope | None) -> None:
    """Store a value into a target."""
    if isinstance(target, ast.Name):
        bind_name(machine, target.id, value, scope)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(machine, target.elts, value, scope, target)
    elif isinstance(target, ast.Starred):
        assign(machine, target.value, _collected(machine, value, target), scope)
    elif isinstance(target, ast.Attribute):
        base = machine.evaluate(target.value, scope)
        library.store_attribute(machine, base, target.attr, value)
    elif isinstance(target, ast.Subscript):
        base = machine.evaluate(target.value, scope)
        index = machine.evaluate(target.slice, scope)
        library.store_item(machine, base, index, value)


def bind_name(machine: Machine, name: str, value: Val, scope: Scope | None, text: str | None = None) -> None:
    """Bind a variable in the scope it belongs to."""
    while scope is not None and name in scope.nonlocals:
        scope = scope.parent
    if scope is None or name in scope.globals:
        inside = bool(machine.active)
        machine.recorder.bind(name, value, text or f"defines {name}", maybe=inside and machine.conditional > 0)
        return
    old = scope.names.get(name)
    # branches inside functions are not kept apart: a local variable may have any value it was given
    scope.names[name] = join_values([old, value]) if old is not None and machine.conditional else value
    if scope.owner is not None and scope.owner >= 0:
        machine.heap.refer(scope.owner, value.objs, machine.recorder.time)
        machine.recorder.change([scope.owner], f"changes {name}, which a function remembers")


def _unpack(machine: Machine, targets: Sequence[ast.expr], value: Val, scope: Scope | None, node: ast.AST) -> None:
    exact = library.elements(machine, value)
    if exact is not None and len(exact) == len(targets) and not any(isinstance(item, ast.Starred) for item in targets):
        for target, item in zip(targets, exact, strict=True):
            assign(machine, target, item, scope)
        return
    item = library.items_of(machine, value, node, advance=True)
    for target in targets:
        assign(machine, target, item, scope)


def _collected(machine: Machine, item: Val, node: ast.AST) -> Val:
    obj = machine.alloc(node, "list", item.objs)
    obj.items = item
    return Val("list", frozenset({obj.number}))


def delete(machine: Machine, target: ast.expr, scope: Scope | None) -> None:
    """``del`` of a name, an item or an attribute."""
    if isinstance(target, ast.Name):
        if scope is None or target.id in scope.globals:
            if target.id not in machine.recorder.names:
                machine.evaluate(ast.copy_location(ast.Name(target.id, ast.Load()), target), scope)
            machine.recorder.unbind(target.id, f"deletes {target.id}")
        else:
            scope.names.pop(target.id, None)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            delete(machine, item, scope)
    elif isinstance(target, ast.Subscript):
        base = machine.evaluate(target.value, scope)
        index = machine.evaluate(target.slice, scope)
        library.store_item(machine, base, index, Val(), deletes=True)
    elif isinstance(target, ast.Attribute):
        library.store_attribute(machine, machine.evaluate(target.value, scope), target.attr, Val())
