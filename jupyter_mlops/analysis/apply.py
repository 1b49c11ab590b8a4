"""Applies an effect of the table, or the worst there can be, to a call."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from jupyter_mlops.analysis import callbacks, drawing, hidden, project
from jupyter_mlops.analysis.effects import Effect
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import NOTHING, Obj, Val
from jupyter_mlops.analysis.machine import PLAIN_HOLDERS, PURE_METHOD, Machine
from jupyter_mlops.analysis.namespace import barrier
from jupyter_mlops.analysis.recorder import join_values

__all__ = ["apply_effect", "assume_worst"]

_BUILTIN_HOLDERS = frozenset({"list", "dict", "set", "tuple", "generator", "function", "type", "scope"})
_PATHLIKE = re.compile(r"[^\s<>|*?\"']*[/.][A-Za-z0-9_]{1,12}")
_WORD = re.compile(r"[^\W\d]\w*")
_SELF = "self"
_WORKERS = ("multiprocessing.", "concurrent.futures.", "joblib.")
"""What calls functions with the items it is given, never with itself."""
_COPIED = frozenset({"list", "tuple", "set", "dict", "generator", "iterator"})
_WORKS_ON_ITS_INPUT = frozenset(
    {"normalize", "scale", "minmax_scale", "maxabs_scale", "robust_scale", "binarize", "nan_to_num"}
)


def apply_effect(
    machine: Machine,
    effect: Effect,
    receiver: Val | None,
    arguments: Arguments,
    node: ast.AST,
    name: str,
    *,
    library: bool = False,
) -> Val:
    """Do to the arguments what the table says a call does.

    Args:
        name: How the call is named in explanations (``drop()``).
        library: Whether the code called may call back methods of the notebook's objects given to it.

    Returns:
        The value of the call.
    """
    if _is_void(effect, arguments):
        return assume_worst(machine, receiver, arguments, node, name)
    recorder = machine.recorder
    callbacks.consume(machine, [*arguments.every, *([receiver] if receiver is not None else [])])
    for value in (*arguments.every, *([receiver] if receiver is not None else [])):
        callbacks.display(machine, value)
    _run_kept_code(machine, receiver, arguments, library)
    holders = _selected(effect.draws_from, receiver, arguments)
    drawing.apply_draws(machine, effect, receiver, arguments, name, holders=holders)
    _hidden_effects(machine, effect, receiver, arguments)
    for value in _selected(effect.mutates, receiver, arguments):
        recorder.change(_changed_with(machine, value), f"changed in place by {name}")
    _keywords_that_change(machine, receiver, arguments, name, library and name.split("(")[0] in _WORKS_ON_ITS_INPUT)
    if receiver is not None and any(machine.heap[number].works_in_place for number in receiver.objs):
        for value in arguments.every:
            recorder.change(value.objs, f"may be changed by {name}, since nothing is copied (copy=False)")
    if receiver is not None and name == "set_params()":
        _set_again(machine, receiver, arguments)
    if effect.keeps:
        kept = [
            item
            for value in _selected(effect.keeps, receiver, arguments)
            for item in _held(machine, effect, value, arguments)
        ]
        keepers = [receiver] if receiver is not None else _selected(effect.mutates, receiver, arguments)
        for number in (item for value in keepers for item in value.objs):
            machine.heap.refer(number, kept, recorder.time)
            if machine.heap[number].type in _BUILTIN_HOLDERS:
                machine.heap[number].opaque = machine.heap[number].opaque or receiver is None
    if effect.calls:
        for value in _selected(effect.calls, receiver, arguments):
            if value.qual is not None:
                project.handed_over(machine, value.qual)
            if value.type != PURE_METHOD:
                # a bound method of a container, say: calling it may change what it is bound to
                plain = [
                    item for item in value.objs if machine.heap[item].function is None and not machine.heap[item].klass
                ]
                recorder.change(plain, f"may be changed by a function that {name} calls")
        gives_itself = receiver is not None and not (receiver.type or "").startswith(_WORKERS)
        given = [*arguments.every, *([receiver] if receiver is not None and gives_itself else [])]
        callbacks.run_callbacks(machine, _selected(effect.calls, receiver, arguments), given)
    return _result(machine, effect, receiver, arguments, node)


def _set_again(machine: Machine, receiver: Val, arguments: Arguments) -> None:
    """Options of an estimator are set; those of its parts are not followed."""
    for number in receiver.objs:
        obj = machine.heap[number]
        obj.constructed_with = {**obj.constructed_with, **dict(arguments.keywords)}
        if arguments.rest or any("__" in key for key, _ in arguments.keywords):
            obj.given = None
        elif obj.given is not None:
            obj.given = (*obj.given, *arguments.every)


def _run_kept_code(machine: Machine, receiver: Val | None, arguments: Arguments, library: bool) -> None:
    """A library's object that holds functions or objects of the notebook (a pipeline's step) may call them."""
    values = [*arguments.every, *([receiver] if receiver is not None else [])]
    holding = []
    for value in values:
        for number in value.objs:
            obj = machine.heap[number]
            if obj.instance_of:
                if library and value is not receiver:
                    holding.append(number)
            elif obj.refs and obj.type is not None and "." in obj.type:
                holding.append(number)
    if holding:
        callbacks.run_callbacks(machine, [Val(None, frozenset(holding))], values)


def _is_void(effect: Effect, arguments: Arguments) -> bool:
    for place, keyword, literal in effect.void:
        value = arguments.get(place, keyword)
        if value is not None and not (value.known and str(value.const) == literal):
            return True
    return False


def _selected(selectors: Iterable[int | str], receiver: Val | None, arguments: Arguments) -> list[Val]:
    found: list[Val] = []
    for selector in selectors:
        if selector == _SELF:
            found += [receiver] if receiver is not None else []
        elif selector == "*":
            found += arguments.every
        else:
            value = arguments.get(selector, None) if isinstance(selector, int) else arguments.get(None, selector)
            found += [value] if value is not None else []
            found += arguments.rest
    return found


def _held(machine: Machine, effect: Effect, value: Val, arguments: Arguments) -> frozenset[int]:
    """The objects of an argument that a result shares or keeps: of a container that is copied, what is in it."""
    if effect.copies_plain and value.type in _COPIED and not any(key == "copy" for key, _ in arguments.keywords):
        return machine.parts(value) - value.objs
    return value.objs


def _changed_with(machine: Machine, value: Val) -> frozenset[int]:
    """The objects that change when a library changes this one: parts of it that are no plain data change too."""
    parts = {number for number in machine.heap.reach(value.objs) if _is_part(machine, machine.heap[number])}
    return value.objs | parts


def _is_part(machine: Machine, obj: Obj) -> bool:
    if obj.type is None or obj.instance_of:
        return not (obj.function or obj.klass)
    return "sklearn.base.BaseEstimator" in machine.effects.bases(obj.type)


def _keywords_that_change(
    machine: Machine, receiver: Val | None, arguments: Arguments, name: str, library: bool
) -> None:
    for key, value in arguments.keywords:
        if key == "copy" and receiver is None and library and value.const is not True and arguments.positional:
            machine.recorder.change(arguments.positional[0].objs, f"may be changed by {name} (copy=)")
        elif key == "out":
            machine.recorder.change(value.objs, f"written to by {name} (out=)")
        elif key == "inplace" and receiver is not None and value.const is not False:
            machine.recorder.change(receiver.objs, f"changed in place by {name} (inplace=)")


def _hidden_effects(machine: Machine, effect: Effect, receiver: Val | None, arguments: Arguments) -> None:
    for generator in effect.seeds:
        if arguments.every and arguments.every[0].const is not None:
            hidden.seeds(machine, generator)
        else:
            hidden.volatile(machine, "entropy")
    for selectors, action in (
        (effect.reads, hidden.reads),
        (effect.writes, hidden.writes),
        (effect.appends, hidden.appends),
    ):
        for place, keyword in selectors:
            path = receiver if keyword == _SELF else arguments.get(place, keyword)
            if path is None or (path.known and path.const is None) or _is_buffer(machine, path):
                continue
            if action is hidden.writes and _adds(arguments):
                hidden.appends(machine, hidden.path_of(path))
                continue
            action(machine, _with_suffix(hidden.path_of(path), effect.suffix if action is not hidden.reads else None))
    for place, keyword in effect.takes:
        value = arguments.get(place, keyword)
        if value is not None and _may_be_path(value):
            hidden.takes(machine, hidden.path_of(value))
    for place, keyword in effect.evaluates:
        text = arguments.get(place, keyword)
        if text is not None:
            _evaluate_names(machine, text)
    if effect.files:
        hidden.any_file(machine, "may touch any file")
    for reason in effect.volatile:
        hidden.volatile(machine, reason)
    for state in effect.sets:
        if state == "cwd":
            hidden.enters(machine, hidden.path_of(arguments.get(0, "path") or Val()))
        else:
            hidden.sets(machine, state)
    for state in effect.uses:
        machine.recorder.use("$" + state, f"uses {state}")
    if effect.plots:
        machine.recorder.use("$options:matplotlib", "draws after it was set")
        machine.recorder.touch("$figures", "draws into the current figure")


def _may_be_path(value: Val) -> bool:
    """Tell whether a value may be a text or a path; of what has a known type, or was made here, that is known."""
    return value.type is None or value.type == "str" or value.type.startswith("pathlib.")


def _adds(arguments: Arguments) -> bool:
    """``mode="a"`` (or a mode only known at run time) keeps what the file holds."""
    mode = arguments.get(None, "mode")
    return mode is not None and not (isinstance(mode.const, str) and mode.const[:1] in ("w", "x"))


def _with_suffix(path: str | None, suffix: str | None) -> str | None:
    return path + suffix if path is not None and suffix is not None and not path.endswith(suffix) else path


def _evaluate_names(machine: Machine, text: Val) -> None:
    """A text in which variables are looked up (``query("a > @limit")``, formulas)."""
    if not isinstance(text.const, str):
        barrier(machine, "may be named in a text only known at run time", changes=False)
        return
    for name in dict.fromkeys(_WORD.findall(text.const)):
        if name in machine.recorder.names:
            machine.recorder.use(name, f"is named in the text {text.const!r:.60}")


def _is_buffer(machine: Machine, value: Val) -> bool:
    """Files that are open, and buffers in memory, are objects of their own."""
    if value.type is not None and value.type.startswith("io."):
        machine.recorder.change(value.objs, "is read or written")
        return True
    return False


def _result(machine: Machine, effect: Effect, receiver: Val | None, arguments: Arguments, node: ast.AST) -> Val:
    if effect.returns_self:
        return receiver if receiver is not None else Val()
    shared = [_held(machine, effect, value, arguments) for value in _selected(effect.shares, receiver, arguments)]
    if effect.view and receiver is not None:
        shared.append(receiver.objs)
    objs = machine.bounded(frozenset().union(*shared))
    if effect.calls:
        # what comes out of map or apply is data; the function that made it stays behind
        objs = frozenset(number for number in objs if machine.heap[number].function is None)
    if effect.splits:
        return _split(machine, arguments, node)
    type = _result_type(machine, effect, receiver, arguments)
    if effect.results:
        items = [
            Val(item) if machine.is_immutable(item) else _new(machine, node, item, objs, f"item {place}")
            for place, item in enumerate(effect.results)
        ]
        obj = machine.alloc(node, "tuple", (number for item in items for number in item.objs))
        _connect(machine, [number for item in items for number in item.objs])
        obj.elements = tuple(items)
        obj.items = join_values(items)
        return Val("tuple", frozenset({obj.number}))
    if machine.is_immutable(type):
        return Val(type, qual=None)
    given = tuple(arguments.every) if receiver is None else (receiver,) if effect.view else None
    return _new(machine, node, type, objs, "result", given)


def _new(
    machine: Machine,
    node: ast.AST,
    type: str | None,
    shared: frozenset[int],
    tag: str,
    given: tuple[Val, ...] | None = None,
) -> Val:
    if machine.is_immutable(type):
        return Val(type)
    obj = machine.alloc(node, type, shared, tag=f"{tag} {type}")
    obj.iterator = obj.iterator or (type is not None and "iterator" in machine.effects.flags(type))
    obj.opaque = True
    obj.given = given
    if type is not None and type.startswith("matplotlib."):
        _connect(machine, [*shared, obj.number])
    return Val(type, shared | {obj.number})


def _connect(machine: Machine, objs: Sequence[int]) -> None:
    """A figure knows its axes, axes know their figure and what is drawn in them."""
    drawn = [number for number in objs if (machine.heap[number].type or "").startswith("matplotlib.")]
    for number in drawn:
        machine.heap.refer(number, drawn, machine.recorder.time)


def _result_type(machine: Machine, effect: Effect, receiver: Val | None, arguments: Arguments) -> str | None:
    if effect.like == _SELF:
        return receiver.type if receiver is not None else None
    if effect.like is not None:
        value = arguments.get(effect.like, None) if isinstance(effect.like, int) else arguments.get(None, effect.like)
        return machine.effects.result_like(effect, value.type) if value is not None else None
    return effect.result


def _split(machine: Machine, arguments: Arguments, node: ast.AST) -> Val:
    items: list[Val] = []
    for place, value in enumerate(arguments.positional):
        kind = value.type if value.type is not None else None
        items += [machine.fresh_tagged(node, kind, f"split {place} {half}") for half in ("a", "b")]
    obj = machine.alloc(node, "list", (number for item in items for number in item.objs))
    obj.elements = tuple(items) if not arguments.rest else None
    obj.items = join_values(items) if items else None
    return Val("list", frozenset({obj.number}))


# the worst


def assume_worst(machine: Machine, receiver: Val | None, arguments: Arguments, node: ast.AST, name: str) -> Val:
    """A call nothing is known of: it may change all it is given, and keep and return any of it."""
    values = [*([receiver] if receiver is not None else []), *arguments.every]
    callbacks.consume(machine, values)
    callbacks.run_callbacks(machine, values, values)
    for value in values:
        if value.qual is not None and "." in value.qual:
            project.handed_over(machine, value.qual)
    origins = project.made_by(machine, values)
    for top in sorted(origins):
        project.called(machine, f"{top}.{name.removesuffix('()')}")
    objs = frozenset(number for number in machine.reach(values) if _may_change(machine, machine.heap[number]))
    machine.recorder.change(objs, f"may be changed by {name}, which is not known")
    direct = frozenset(number for value in values for number in value.objs)
    hidden.may_draw(machine)
    _paths_given(machine, arguments)
    result = _mingled(machine, direct, node)
    for top in sorted(origins):
        project.mark(machine, result, top)
    return result


def _mingled(machine: Machine, direct: frozenset[int], node: ast.AST) -> Val:
    """What an unknown call returns; it may be any argument, and arguments may have got hold of each other."""
    result = machine.alloc(node, None, direct, tag="result of unknown call")
    plain = []
    for number in direct:
        obj = machine.heap[number]
        if not _may_hold(obj):
            plain.append(number)
            continue
        machine.heap.refer(number, [result.number], machine.recorder.time)
        obj.opaque = obj.opaque or obj.type in _BUILTIN_HOLDERS
        obj.elements = obj.keys = None
    return Val(None, machine.bounded(frozenset({result.number, *plain})))


def _may_change(machine: Machine, obj: Obj) -> bool:
    return obj.function is None and obj.klass is None and not machine.is_immutable(obj.type)


def _may_hold(obj: Obj) -> bool:
    return obj.type is None or not obj.type.startswith(PLAIN_HOLDERS)


def _paths_given(machine: Machine, arguments: Arguments) -> None:
    """A string that looks like a file's name, given to unknown code, is taken for one that is read and written."""
    for value in arguments.every:
        text = value.const
        if text is not NOTHING and isinstance(text, str) and _PATHLIKE.fullmatch(text) and "://" not in text:
            hidden.appends(machine, hidden.path_of(value))
