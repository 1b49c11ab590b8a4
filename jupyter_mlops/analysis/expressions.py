"""Evaluates expressions abstractly: what they may refer to, and what evaluating them does."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Any

from jupyter_mlops.analysis import callbacks, calls, containers, functions, hidden, library
from jupyter_mlops.analysis.heap import NOTHING, Obj, Scope, Val
from jupyter_mlops.analysis.machine import Machine
from jupyter_mlops.analysis.model import is_hidden
from jupyter_mlops.analysis.recorder import join_values
from jupyter_mlops.analysis.targets import assign
from jupyter_mlops.notebook.names import nearest

__all__ = ["evaluate", "iterate"]

_MODULE_NAMES = frozenset(
    {"__name__", "__doc__", "__file__", "__builtins__", "__spec__", "__package__", "__loader__", "__debug__"}
)
_IPYTHON_NAMES = frozenset(
    {"get_ipython", "In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_dh", "_ih", "_oh", "exit", "quit", "display"}
)
_LIMIT = 64


def evaluate(machine: Machine, node: ast.expr, scope: Scope | None) -> Val:
    """The value of an expression; what it reads and changes is recorded."""
    machine.tick()
    handler = _HANDLERS.get(type(node))
    if handler is None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                evaluate(machine, child, scope)
        return Val()
    return handler(machine, node, scope)


def _constant(machine: Machine, node: ast.Constant, scope: Scope | None) -> Val:
    return Val(type(node.value).__name__, const=node.value)


def _name(machine: Machine, node: ast.Name, scope: Scope | None) -> Val:
    local = machine.lookup(scope, node.id)
    if local is not None:
        return local
    return read_global(machine, node.id)


def read_global(machine: Machine, name: str) -> Val:
    """Read a variable of the notebook, a builtin, or one of IPython's names."""
    recorder = machine.recorder
    binding = recorder.use(name, f"reads {name}")
    if binding is not None:
        hidden.uses_library(machine, (binding.value.qual, binding.value.type))
        return binding.value
    if machine.is_builtin(name) or name in _MODULE_NAMES:
        for star in (item for item in machine.recorder.names if item.startswith("$star:")):
            machine.recorder.use(star, f"reads {name}, which an import of everything may define")
        return Val("type" if machine.effects.class_of(name) else "builtin", qual=name)
    if name == "get_ipython":
        return Val("builtin", qual="get_ipython")
    if name in _IPYTHON_NAMES or _is_numbered(name):
        return _history(machine, name)
    return _undefined(machine, name)


def _is_numbered(name: str) -> bool:
    return name.startswith("_") and name.lstrip("_i").isdigit()


def _history(machine: Machine, name: str) -> Val:
    if name in ("display", "exit", "quit"):
        return Val("builtin", qual=f"IPython.display.{name}" if name == "display" else name)
    recorder = machine.recorder
    if recorder.cell.history is None:
        recorder.cell.history = recorder.cause(f"reads {name}, which depends on what was shown before")
    return Val()


def _undefined(machine: Machine, name: str) -> Val:
    stars = [item for item in machine.recorder.names if item.startswith("$star:")]
    if stars:
        for star in stars:
            machine.recorder.use(star, f"reads {name}, which only an import of everything can define")
        return Val("module", qual=machine.resolve(f"{stars[-1].partition(':')[2]}.{name}"))
    if machine.barrier is not None:
        # code only known at run time may have defined it: the name belongs to that barrier
        recorder = machine.recorder
        recorder.adopt(name, recorder.names[machine.barrier].version)
        recorder.use(name, f"reads {name}, which only code known at run time can define")
        return Val(None, frozenset({machine.heap.new(None, recorder.time).number}))
    if name in machine.recorder.deleted:
        machine.report(
            "MLO017",
            f"The name {name!r} is read after it was deleted",
            hint="Remove the `del`, or define the name again.",
            soften=machine.conditional > 0,
        )
        return Val()
    if re.search(rf"\b{re.escape(name)}\b", machine.unparsed):
        return Val()  # a cell that is not valid Python may define it: that one is reported
    hint = None
    if name in machine.skipped:
        hint = f"Cell {machine.skipped[name] + 1} defines it but is tagged `skip`."
    elif name in machine.defined_later:
        hint = f"Cell {machine.defined_later[name] + 1}, further down, defines it: move that cell up."
    machine.report(
        "MLO012",
        f"The name {name!r} is read, but no cell above defines it",
        hint=hint or _near(machine, name) or "Define it in a cell above, or correct the spelling.",
        soften=machine.conditional > 0,
    )
    return Val()


def _near(machine: Machine, name: str) -> str | None:
    near = nearest(name, [known for known in machine.recorder.names if not is_hidden(known)])
    return f"Did you mean `{near}`?" if near is not None else None


def _attribute(machine: Machine, node: ast.Attribute, scope: Scope | None) -> Val:
    return library.attribute(machine, evaluate(machine, node.value, scope), node.attr, node)


def _subscript(machine: Machine, node: ast.Subscript, scope: Scope | None) -> Val:
    base = evaluate(machine, node.value, scope)
    index = evaluate(machine, node.slice, scope)
    callbacks.consume(machine, [base, index])
    callbacks.display(machine, index)
    return library.item(machine, base, index, node)


def _sequence(machine: Machine, node: ast.Tuple | ast.List | ast.Set, scope: Scope | None) -> Val:
    elements: list[Val] = []
    exact = True
    for item in node.elts:
        if isinstance(item, ast.Starred):
            exact = False
            elements.append(iterate(machine, evaluate(machine, item.value, scope), item))
        else:
            elements.append(evaluate(machine, item, scope))
    kind = type(node).__name__.lower()
    for element in elements if kind == "set" else ():
        callbacks.display(machine, element)
    return _container(machine, node, kind, elements, exact=exact)


def _container(machine: Machine, node: ast.AST, kind: str, elements: list[Val], *, exact: bool) -> Val:
    objs = frozenset().union(*(item.objs for item in elements))
    if kind == "tuple":
        constants = tuple(item.const for item in elements)
        if not objs and all(item is not NOTHING for item in constants):
            return Val("tuple", const=constants)
    obj = machine.alloc(node, kind, objs)
    _summarise(obj, elements)
    if exact and len(elements) <= _LIMIT:
        obj.elements = tuple(elements) if kind == "tuple" else None
    return Val(kind, frozenset({obj.number}))


def _summarise(obj: Obj, elements: Iterable[Val]) -> None:
    every = [*([obj.items] if obj.items is not None else []), *elements]
    if every:
        obj.items = join_values(every)


def _dict(machine: Machine, node: ast.Dict, scope: Scope | None) -> Val:
    values: list[Val] = []
    keys: dict[Any, Val] | None = {}
    for key, value in zip(node.keys, node.values, strict=True):
        found = evaluate(machine, value, scope)
        if key is None:
            keys = None
            inner = containers.values_of(machine, found)
            values.append(inner if inner is not None else Val(None, machine.parts(found)))
            continue
        name = evaluate(machine, key, scope)
        callbacks.display(machine, name)
        values.append(found)
        if keys is not None and isinstance(name.const, (str, int)):
            keys[name.const] = found
        else:
            keys = None
    obj = machine.alloc(node, "dict", frozenset().union(*(item.objs for item in values)))
    _summarise(obj, values)
    obj.keys = keys
    return Val("dict", frozenset({obj.number}))


def _binary(machine: Machine, node: ast.BinOp, scope: Scope | None) -> Val:
    # long chains (a + b + c …) lean to the left: walk them without recursion
    chain = [node]
    while isinstance(chain[-1].left, ast.BinOp):
        chain.append(chain[-1].left)
    value = evaluate(machine, chain[-1].left, scope)
    for item in reversed(chain):
        value = library.operate(machine, value, evaluate(machine, item.right, scope), item)
    return value


def _unary(machine: Machine, node: ast.UnaryOp, scope: Scope | None) -> Val:
    value = evaluate(machine, node.operand, scope)
    if isinstance(node.op, ast.Not):
        return Val("bool")
    if value.known and isinstance(value.const, (int, float)) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return Val(value.type, const=-value.const if isinstance(node.op, ast.USub) else value.const)
    return library.operate(machine, value, Val("int"), node)


def _boolean(machine: Machine, node: ast.BoolOp, scope: Scope | None) -> Val:
    values = [evaluate(machine, node.values[0], scope)]
    machine.conditional += 1
    values += [evaluate(machine, item, scope) for item in node.values[1:]]
    machine.conditional -= 1
    return join_values(values)


def _compare(machine: Machine, node: ast.Compare, scope: Scope | None) -> Val:
    left = evaluate(machine, node.left, scope)
    value = Val("bool")
    for operator, item in zip(node.ops, node.comparators, strict=True):
        right = evaluate(machine, item, scope)
        if isinstance(operator, (ast.In, ast.NotIn)):
            callbacks.consume(machine, [right])
            callbacks.display(machine, right)
            callbacks.display(machine, left)
        if not isinstance(operator, (ast.Is, ast.IsNot, ast.In, ast.NotIn)):
            value = library.operate(machine, left, right, node)
        left = right
    return value


def _conditional(machine: Machine, node: ast.IfExp, scope: Scope | None) -> Val:
    evaluate(machine, node.test, scope)
    machine.conditional += 1
    values = [evaluate(machine, node.body, scope), evaluate(machine, node.orelse, scope)]
    machine.conditional -= 1
    return join_values(values)


def _walrus(machine: Machine, node: ast.NamedExpr, scope: Scope | None) -> Val:
    value = evaluate(machine, node.value, scope)
    home = scope
    while home is not None and home.owner == -1:  # a comprehension's scope
        home = home.parent
    assign(machine, node.target, value, home)
    return value


def _comprehension(machine: Machine, node: Any, scope: Scope | None) -> Val:
    inner = Scope({}, scope, owner=-1)
    for position, generator in enumerate(node.generators):
        source = evaluate(machine, generator.iter, scope if position == 0 else inner)
        assign(machine, generator.target, iterate(machine, source, generator.iter), inner)
        machine.conditional += 1
        for test in generator.ifs:
            evaluate(machine, test, inner)
    parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    values = [evaluate(machine, part, inner) for part in parts]
    machine.conditional -= len(node.generators)
    value = values[-1]
    if isinstance(node, ast.GeneratorExp):
        obj = machine.alloc(
            node, "generator", frozenset().union(value.objs, *(item.objs for item in inner.names.values()))
        )
        obj.iterator = True
        _summarise(obj, [value])
        return Val("generator", frozenset({obj.number}))
    kind = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}[type(node)]
    return _container(machine, node, kind, [value], exact=False)


def iterate(machine: Machine, value: Val, node: ast.AST) -> Val:
    """The items that iterating over a value gives."""
    callbacks.consume(machine, [value])
    return library.items_of(machine, value, node)


def _lambda(machine: Machine, node: ast.Lambda, scope: Scope | None) -> Val:
    return functions.make_function(machine, node, "<lambda>", scope)


def _joined(machine: Machine, node: ast.JoinedStr, scope: Scope | None) -> Val:
    texts: list[Any] = []
    for part in node.values:
        value = evaluate(machine, part, scope)
        texts.append(value.const)
    if all(isinstance(text, (str, int, float)) for text in texts):
        return Val("str", const="".join(str(text) for text in texts))
    return Val("str")


def _formatted(machine: Machine, node: ast.FormattedValue, scope: Scope | None) -> Val:
    value = evaluate(machine, node.value, scope)
    callbacks.display(machine, value)
    if node.format_spec is not None:
        evaluate(machine, node.format_spec, scope)
        return Val("str")
    plain = value.known and isinstance(value.const, (str, int)) and node.conversion == -1
    return Val("str", const=str(value.const)) if plain else Val("str")


def _await(machine: Machine, node: ast.Await, scope: Scope | None) -> Val:
    return evaluate(machine, node.value, scope)


def _yield(machine: Machine, node: ast.Yield | ast.YieldFrom, scope: Scope | None) -> Val:
    value = machine.evaluate(node.value, scope) if node.value is not None else Val("NoneType")
    functions.note_yield(scope, iterate(machine, value, node) if isinstance(node, ast.YieldFrom) else value)
    return Val()


def _slice(machine: Machine, node: ast.Slice, scope: Scope | None) -> Val:
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            evaluate(machine, part, scope)
    return Val("slice")


def _starred(machine: Machine, node: ast.Starred, scope: Scope | None) -> Val:
    return iterate(machine, evaluate(machine, node.value, scope), node)


def _call(machine: Machine, node: ast.Call, scope: Scope | None) -> Val:
    return calls.call_node(machine, node, scope)


_HANDLERS: dict[type[ast.AST], Callable[[Machine, Any, Scope | None], Val]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.NamedExpr: _walrus,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Lambda: _lambda,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Slice: _slice,
    ast.Starred: _starred,
    ast.Call: _call,
}
