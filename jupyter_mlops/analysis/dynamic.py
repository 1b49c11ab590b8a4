"""Builtins that reach into the namespace: ``exec``, ``eval``, ``globals``, ``getattr`` and their like; ``open``."""

from __future__ import annotations

import ast

from jupyter_mlops.analysis import callbacks, hidden, library
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import NOTHING, Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.namespace import NAMESPACE, barrier

__all__ = ["call"]


def call(machine: Machine, qual: str, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val | None:
    """Call one of these builtins; None for all other functions."""
    handler = _HANDLERS.get(qual.removeprefix("builtins."))
    return handler(machine, arguments, node, scope) if handler is not None else None


def _exec(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    code = arguments.get(0, None)
    private = len(arguments.positional) > 1 or bool(arguments.keywords)
    text = code.const if code is not None else NOTHING
    if isinstance(text, str) and not private:
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Val("NoneType")
        machine.retain(body)
        machine.execute(body, scope)
        return Val("NoneType")
    machine.report(
        "MLO022",
        "exec() runs code that is only known at run time; it is assumed to read and change everything",
        hint="Write the code into a cell, or keep the names it defines inside one step.",
    )
    barrier(machine, "exec() may read or change it")
    return Val("NoneType")


def _eval(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    code = arguments.get(0, None)
    private = len(arguments.positional) > 1 or bool(arguments.keywords)
    text = code.const if code is not None else NOTHING
    if isinstance(text, str) and not private:
        try:
            body = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Val()
        machine.retain([body])
        return machine.evaluate(body, scope)
    machine.report(
        "MLO022",
        "eval() evaluates an expression that is only known at run time; it is assumed to use everything",
        hint="Look the value up in a dictionary instead.",
    )
    barrier(machine, "eval() may read or change it")
    return Val(None, machine.reach(binding.value for binding in machine.recorder.names.values()))


def _namespace(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    if arguments.every:
        return Val(None, machine.parts(arguments.every[0]))
    return Val("namespace", qual=NAMESPACE)


def _getattr(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val | None:
    name = arguments.get(1, None)
    if name is None or not isinstance(name.const, str):
        target = arguments.get(0, None)
        return Val("module", qual=f"{target.qual}.?") if target is not None and target.qual is not None else None
    value = library.attribute(machine, arguments.positional[0], name.const, node)
    return value if len(arguments.positional) < 3 else Val(None, value.objs | arguments.positional[2].objs)


def _setattr(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val | None:
    if len(arguments.positional) != 3:
        return None
    target, name, value = arguments.positional
    library.store_attribute(machine, target, name.const if isinstance(name.const, str) else "?", value)
    return Val("NoneType")


def _open(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    path = arguments.get(0, "file")
    mode = arguments.get(1, "mode")
    text = mode.const if mode is not None else "r"
    where = hidden.path_of(path) if path is not None else None
    if not isinstance(text, str):
        hidden.appends(machine, where)
    elif "w" in text or "x" in text:
        hidden.writes(machine, where)
    elif "a" in text or "+" in text:
        hidden.appends(machine, where)
    else:
        hidden.reads(machine, where)
    obj = machine.alloc(node, "io.TextIOWrapper")
    obj.iterator = True
    obj.items = Val("str")
    return Val("io.TextIOWrapper", frozenset({obj.number}))


def _input(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    hidden.volatile(machine, "asks the user")
    return Val("str")


def _type(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val | None:
    if len(arguments.positional) != 1:
        return None
    klasses = frozenset(klass for number in arguments.positional[0].objs for klass in machine.heap[number].instance_of)
    return Val("type", klasses) if klasses else Val("builtin", qual=arguments.positional[0].type)


def _str(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    for given in arguments.every:
        callbacks.display(machine, given)
        callbacks.consume(machine, [given])
    value = arguments.get(0, "object")
    return (
        Val("str", const=str(value.const)) if value is not None and isinstance(value.const, (str, int)) else Val("str")
    )


def _reload(machine: Machine, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    module = arguments.get(0, "module")
    top = (module.qual or "").partition(".")[0] if module is not None else ""
    hidden.reads(machine, f"{top}.py" if top else None)
    hidden.sets(machine, f"module:{top}")
    machine.recorder.once("reloads a module")
    return module if module is not None else Val()


_HANDLERS = {
    "exec": _exec, "eval": _eval, "globals": _namespace, "locals": _namespace, "vars": _namespace,
    "getattr": _getattr, "setattr": _setattr, "open": _open, "io.open": _open, "input": _input, "type": _type,
    "str": _str, "importlib.reload": _reload, "imp.reload": _reload,
}  # fmt: skip
