"""Calls: of the notebook's functions, of libraries, of what is not known."""

from __future__ import annotations

import ast
from dataclasses import replace

from jupyter_mlops.analysis import (
    callbacks,
    classes,
    configuring,
    containers,
    dynamic,
    hidden,
    library,
    namespace,
    project,
    shell,
)
from jupyter_mlops.analysis.apply import apply_effect, assume_worst
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import NOTHING, Scope, Val
from jupyter_mlops.analysis.machine import PURE_METHOD, Machine
from jupyter_mlops.analysis.recorder import join_values
from jupyter_mlops.analysis.results import refined_result

__all__ = ["call_node"]

_BACKENDS = frozenset({"matplotlib.use", "matplotlib.pyplot.switch_backend", "matplotlib.pyplot.ioff"})
_COPY_FLAGS = frozenset({"copy", "copy_X", "copy_x"})
_CLASSMETHOD = frozenset({"classmethod"})
_HAND_ON = frozenset({"sorted", "reversed", "enumerate", "iter", "zip", "map", "filter", "next"})
_STAYS_FUNCTION = frozenset(
    {"functools.wraps", "functools.lru_cache", "functools.cache", "staticmethod", "classmethod", "property"}
)


def call_node(machine: Machine, node: ast.Call, scope: Scope | None) -> Val:
    """The value of a call expression."""
    if isinstance(node.func, ast.Attribute) and not _is_super(node.func.value):
        base = machine.evaluate(node.func.value, scope)
        return _method_call(machine, base, node.func.attr, _arguments(machine, node, scope), node, scope)
    if isinstance(node.func, ast.Attribute):
        return _super_call(machine, node.func.attr, _arguments(machine, node, scope), node, scope)
    function = machine.evaluate(node.func, scope)
    return call(machine, function, _arguments(machine, node, scope), node, scope)


def _arguments(machine: Machine, node: ast.Call, scope: Scope | None) -> Arguments:
    positional: list[Val] = []
    rest: list[Val] = []
    for item in node.args:
        if isinstance(item, ast.Starred):
            value = machine.evaluate(item.value, scope)
            exact = library.elements(machine, value)
            if exact is not None and not rest:
                positional += exact
            else:
                rest.append(library.items_of(machine, value, item, advance=True))
        elif rest:
            rest.append(machine.evaluate(item, scope))
        else:
            positional.append(machine.evaluate(item, scope))
    keywords = []
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            keywords.append((keyword.arg, value))
        else:
            rest += _unpacked(machine, value, keywords)
    return Arguments(tuple(positional), tuple(keywords), tuple(rest))


def _unpacked(machine: Machine, value: Val, keywords: list[tuple[str, Val]]) -> list[Val]:
    """Add the items of ``**value`` to the keywords; those whose names are not known are returned."""
    for number in value.objs:
        obj = machine.heap[number]
        if len(value.objs) == 1 and obj.keys is not None and not obj.opaque:
            keywords += [(str(key), item) for key, item in obj.keys.items()]
            return []
    return [Val(None, machine.reach([value]))]


def call(machine: Machine, function: Val, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    """Call a value."""
    results = []
    if any(_is_ours(machine, number) for number in function.objs):
        found = classes.call_value(machine, function, arguments, node)
        results += [found] if found is not None else []
    foreign = frozenset(number for number in function.objs if not _is_ours(machine, number))
    if function.qual is not None:
        results.append(call_qualified(machine, function.qual, arguments, node, scope))
    elif foreign or not results:
        results.append(_call_object(machine, replace(function, objs=foreign), arguments, node))
    return join_values(results)


def _is_ours(machine: Machine, number: int) -> bool:
    obj = machine.heap[number]
    if obj.function is not None or obj.klass is not None:
        return True
    return bool(obj.instance_of) and classes.member(machine, obj, "__call__") is not None


def _call_object(machine: Machine, value: Val, arguments: Arguments, node: ast.AST) -> Val:
    if value.type == PURE_METHOD:
        callbacks.consume(machine, arguments.every)
        return Val(None, machine.parts(value))
    if value.type is not None:
        effect = machine.effects.call(value.type)
        if effect is not None:
            return apply_effect(machine, effect, value, arguments, node, "its call")
    return assume_worst(machine, value, arguments, node, "a call")


def call_qualified(machine: Machine, qual: str, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    """Call something that has a qualified name: a builtin, or a function or class of a library."""
    qual = machine.resolve(qual)
    special = dynamic.call(machine, qual, arguments, node, scope)
    if special is not None:
        return special
    if qual.startswith("get_ipython"):
        return shell.call(machine, qual, arguments, node, scope)
    canonical = machine.effects.canonical(qual)
    if (
        canonical in _STAYS_FUNCTION
        and arguments.positional
        and any(_is_ours(machine, number) for number in arguments.positional[0].objs)
    ):
        return arguments.positional[0]
    hidden.uses_library(machine, (qual,))
    if canonical in _BACKENDS:
        machine.recorder.touch("$backend", "chooses a backend", reads=False)
    klass = machine.effects.class_of(qual)
    if klass is not None:
        made = _construct(machine, klass, canonical, arguments, node)
        return _known_items(machine, canonical, made, arguments, node)
    effect = machine.effects.function(qual)
    if effect is None:
        return _call_unlisted(machine, qual, arguments, node)
    path = _joined_path(canonical, arguments)
    if path is not None:
        return path
    foreign = "." in canonical
    value = apply_effect(machine, effect, None, arguments, node, f"{qual.rpartition('.')[2]}()", library=foreign)
    value = refined_result(machine, canonical, arguments, value, node)
    return _known_items(machine, canonical, value, arguments, node)


def _call_unlisted(machine: Machine, qual: str, arguments: Arguments, node: ast.AST) -> Val:
    """A function that the table doesn't list: of a library, or of the project's own modules."""
    project.called(machine, qual)
    if node is machine.discarded:
        configuring.configure(machine, qual)
    return project.mark(machine, assume_worst(machine, None, arguments, node, f"{qual}()"), qual)


def _joined_path(qual: str, arguments: Arguments) -> Val | None:
    if qual not in ("os.path.join", "posixpath.join") or arguments.rest or arguments.keywords:
        return None
    texts = [value.const for value in arguments.positional]
    if all(isinstance(text, str) for text in texts):
        return Val(
            "str",
            const="/".join(text.rstrip("/") if place < len(texts) - 1 else text for place, text in enumerate(texts)),
        )
    return None


def _construct(machine: Machine, klass: str, qual: str, arguments: Arguments, node: ast.Call) -> Val:
    if klass in containers.BUILTIN and klass != "generator":
        return _copied(machine, klass, arguments, node)
    if klass == "pathlib.Path" or klass.startswith("pathlib."):
        texts = [value.const for value in arguments.positional]
        if texts and all(isinstance(text, str) for text in texts):
            return Val("pathlib.Path", const="/".join(texts))
    effect = machine.effects.init(klass)
    if effect is None:
        return assume_worst(machine, None, arguments, node, f"{qual}()")
    machine_type = qual if machine.effects.class_of(qual) else klass
    if machine.is_immutable(machine_type):
        apply_effect(machine, effect, None, arguments, node, f"{qual}()")
        return Val(machine_type)
    obj = machine.alloc(node, machine_type)
    obj.iterator = "iterator" in machine.effects.flags(machine_type)
    obj.constructed_with = dict(arguments.keywords)
    obj.given = None if arguments.rest else tuple(arguments.every)
    obj.works_in_place = any(
        key in _COPY_FLAGS and not (value.known and value.const is True) for key, value in arguments.keywords
    )
    value = Val(machine_type, frozenset({obj.number}))
    apply_effect(machine, effect, value, arguments, node, f"{qual.rpartition('.')[2]}()")
    return value


def _copied(machine: Machine, kind: str, arguments: Arguments, node: ast.AST) -> Val:
    if kind == "dict":
        obj = machine.alloc(node, "dict")
        obj.keys = {}
        containers.method_result(machine, Val("dict", frozenset({obj.number})), "update", arguments, node)
        for value in arguments.positional:
            callbacks.consume(machine, [value])
        return Val("dict", frozenset({obj.number}))
    source = arguments.positional[0] if arguments.positional else None
    exact = library.elements(machine, source) if source is not None and kind == "tuple" else None
    item = library.items_of(machine, source, node, advance=True) if source is not None else None
    obj = machine.alloc(node, kind, item.objs if item is not None else ())
    obj.items, obj.elements = item, exact
    return Val(kind, frozenset({obj.number}))


def _known_items(machine: Machine, qual: str, value: Val, arguments: Arguments, node: ast.AST) -> Val:
    """Builtins that hand on the items of their arguments: keep what is known of those."""
    if not arguments.positional or qual not in _HAND_ON:
        return value
    items = [library.items_of(machine, source, node) for source in arguments.positional if source.qual is None]
    if qual == "next":
        return items[0] if items else value
    if qual == "map" or not items:
        return value
    if qual in ("zip", "enumerate"):
        parts = items if qual == "zip" else [Val("int"), items[0]]
        pair = machine.alloc(node, "tuple", (number for part in parts for number in part.objs), tag="pair")
        pair.elements = tuple(parts)
        pair.items = join_values(parts)
        item = Val("tuple", frozenset({pair.number}))
    else:
        item = items[-1]
    kind = "list" if qual == "sorted" else "generator"
    obj = machine.alloc(node, kind, item.objs, tag=f"{qual} result")
    obj.items = item
    obj.iterator = qual != "sorted"
    obj.unpicklable = None
    for source in arguments.positional if obj.iterator else ():
        machine.heap.refer(obj.number, source.objs, machine.recorder.time)
    return Val(kind, frozenset({obj.number}))


# methods


def _method_call(
    machine: Machine, base: Val, name: str, arguments: Arguments, node: ast.Call, scope: Scope | None
) -> Val:
    if base.qual is not None:
        return _call_of_module(machine, base, name, arguments, node, scope)
    results = []
    plain: set[int] = set()
    for number in sorted(base.objs):
        found = _own_method(machine, number, name, base, arguments, node)
        if found is not None:
            results.append(found)
        else:
            plain.add(number)
    if plain or not base.objs:
        results.append(_foreign_method(machine, replace(base, objs=frozenset(plain)), name, arguments, node))
    return join_values(results)


def _call_of_module(
    machine: Machine, base: Val, name: str, arguments: Arguments, node: ast.Call, scope: Scope | None
) -> Val:
    if base.type == "state":
        return _state_method(machine, base, name, arguments, node)
    if base.qual == namespace.NAMESPACE:
        return namespace.namespace_method(machine, name, arguments)
    return call_qualified(machine, f"{base.qual}.{name}", arguments, node, scope)


def _state_method(machine: Machine, base: Val, name: str, arguments: Arguments, node: ast.AST) -> Val:
    """A method of ``os.environ``, ``sys.path``, ``rcParams``: readers read, all others change the state."""
    assert base.qual is not None
    if name not in hidden.READERS:
        library.store_attribute(machine, base, name, Val())
    if name in ("get", "pop", "setdefault"):
        return Val("str" if base.qual == "os.environ" else None)
    return Val()


def _own_method(
    machine: Machine, number: int, name: str, base: Val, arguments: Arguments, node: ast.Call
) -> Val | None:
    """A method that the notebook's own class defines, or a function stored in an attribute."""
    obj = machine.heap[number]
    if obj.klass is not None:
        member = classes.find_member(machine, number, name)
        if member is None:
            return None
        bound = Val("type", frozenset({number})) if classes.is_decorated(machine, member, _CLASSMETHOD) else None
        return classes.call_value(machine, member, arguments, node, receiver=bound)
    if not obj.instance_of:
        return None
    member = classes.member(machine, obj, name)
    if member is None:
        return None
    receiver = None if name in obj.fields else Val(obj.type, frozenset({number}))
    if classes.is_decorated(machine, member, _CLASSMETHOD):
        receiver = Val("type", obj.instance_of)
    found = classes.call_value(machine, member, arguments, node, receiver=receiver)
    if found is None and member.qual is not None:
        return assume_worst(machine, base, arguments, node, f"{name}()")
    return found


def _foreign_method(machine: Machine, base: Val, name: str, arguments: Arguments, node: ast.Call) -> Val:
    effect = machine.effects.method(base.type, name) if base.type is not None else None
    if effect is None:
        if base.type is not None and machine.is_immutable(base.type) and machine.effects.class_of(base.type):
            return assume_worst(machine, None, arguments, node, f"{name}()")
        return assume_worst(machine, base, arguments, node, f"{name}()")
    hidden.uses_library(machine, (base.type,))
    known = containers.method_result(machine, base, name, arguments, node)
    foreign = base.type is not None and "." in base.type
    value = apply_effect(machine, effect, base, arguments, node, f"{name}()", library=foreign)
    if name == "format" and base.type == "str":
        return Val("str")
    return known if known is not None else _path_result(base, name, arguments, value)


def _path_result(base: Val, name: str, arguments: Arguments, value: Val) -> Val:
    if base.type == "pathlib.Path" and isinstance(base.const, str):
        texts = [item.const for item in arguments.positional]
        if name == "joinpath" and all(isinstance(text, str) for text in texts):
            return Val("pathlib.Path", const="/".join([base.const, *texts]))
        if name in ("as_posix", "__str__"):
            return Val("str", const=base.const)
        if name in ("absolute", "resolve", "expanduser") and value.const is NOTHING:
            return Val("pathlib.Path", const=base.const)
    return value


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _super_call(machine: Machine, name: str, arguments: Arguments, node: ast.Call, scope: Scope | None) -> Val:
    receiver = next(iter(scope.names.values()), Val()) if scope is not None else Val()
    for number in sorted(receiver.objs):
        for klass in machine.heap[number].instance_of:
            info = machine.heap[klass].klass
            for base in info.bases if info is not None else ():
                for parent in base.objs:
                    method = classes.find_member(machine, parent, name)
                    if method is not None:
                        found = classes.call_value(machine, method, arguments, node, receiver=receiver)
                        return found if found is not None else Val()
    machine.heap_refer_all(receiver, arguments.every)
    for top in sorted(project.made_by(machine, [receiver])):
        project.called(machine, f"{top}.{name}")
    if receiver.type is not None and name != "__init__":
        return _foreign_method(machine, receiver, name, arguments, node)
    return Val()
