"""Whether a call of a library draws from a global random generator: by its arguments, or by estimators it runs."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlops.analysis import hidden
from jupyter_mlops.analysis.effects.spec import Effect
from jupyter_mlops.analysis.functions import Arguments
from jupyter_mlops.analysis.heap import Obj, Val
from jupyter_mlops.analysis.machine import Machine

__all__ = ["apply_draws", "is_given"]

_WHEN = "random-when: "
_SELF = "self"
_CONTAINERS = frozenset({"list", "tuple", "dict", "set", "frozenset"})
_USES = ("transform", "predict", "predict_proba", "decision_function", "score_samples", "score")
_ALL = ("fit", "fit_transform", "split", *_USES)


def apply_draws(
    machine: Machine, effect: Effect, receiver: Val | None, arguments: Arguments, name: str, *, holders: Iterable[Val]
) -> None:
    """Record what a call draws.

    Args:
        name: How the call is named in explanations (``fit()``).
        holders: Arguments that may hold a generator.
    """
    for generator in effect.draws:
        hidden.draws(machine, generator)
    for argument, generator in effect.draws_unless:
        if not is_given(machine, argument, receiver, arguments) and _may_be_random(machine, receiver):
            hidden.draws(machine, generator)
    methods = _USES if name.removesuffix("()") in _USES else _ALL
    for (place, keyword), generator in effect.draws_if:
        value = receiver if keyword == _SELF else arguments.get(place, keyword)
        if value is None and keyword != _SELF and not arguments.rest:
            continue
        if value is None or _runs_random(machine, value, methods, set()):
            hidden.draws(machine, generator)
    for value in holders:
        machine.recorder.change(value.objs, "is drawn from")


def is_given(machine: Machine, argument: str, receiver: Val | None, arguments: Arguments) -> bool:
    """Tell whether a generator or seed is given, so that the global one is left alone."""
    if argument.startswith("self."):
        keyword = argument[len("self.") :]
        objs = receiver.objs if receiver is not None else frozenset()
        return bool(objs) and all(_is_set(machine.heap[number], keyword) for number in objs)
    value = arguments.get(None, argument)
    return value is not None and not (value.known and value.const is None)


def _is_set(obj: Obj, keyword: str) -> bool:
    value = obj.constructed_with.get(keyword)
    return value is not None and not (value.known and value.const is None)


def _may_be_random(machine: Machine, receiver: Val | None) -> bool:
    if receiver is None or not receiver.objs:
        return True
    return any(_is_random(machine, machine.heap[number]) for number in receiver.objs)


def _is_random(machine: Machine, obj: Obj) -> bool:
    """Tell whether an estimator's options, or its defaults, let it draw."""
    conditions = [flag[len(_WHEN) :] for flag in machine.effects.flags(obj.type or "") if flag.startswith(_WHEN)]
    return not conditions or any(_holds(obj, condition) for condition in conditions)


def _holds(obj: Obj, condition: str) -> bool:
    if obj.given is None:
        return True  # nobody knows what it was made with
    option, _, values = condition.partition("=")
    value = obj.constructed_with.get(option.strip())
    if value is None:
        return False
    if not value.known:
        return True
    wanted = [item.strip() for item in values.split(",")]
    return bool(value.const) if wanted == ["*"] else str(value.const) in wanted


def _runs_random(machine: Machine, value: Val, methods: tuple[str, ...], seen: set[int]) -> bool:
    """Tell whether running this estimator, or any that it was made of, may draw."""
    if value.qual is not None:
        effect = machine.effects.function(value.qual)
        return effect is not None and bool(effect.draws or effect.draws_unless)
    return any(_object_runs_random(machine, number, methods, seen) for number in value.objs)


def _object_runs_random(machine: Machine, number: int, methods: tuple[str, ...], seen: set[int]) -> bool:
    if number in seen:
        return False
    seen.add(number)
    obj = machine.heap[number]
    if obj.instance_of or obj.function is not None or obj.klass is not None:
        return False  # code of the notebook, which is followed by itself
    if obj.type is None:
        return True
    if obj.type in _CONTAINERS:
        return any(_object_runs_random(machine, item, methods, seen) for item in obj.refs)
    effects = [effect for name in methods if (effect := machine.effects.method(obj.type, name)) is not None]
    if any(effect.draws for effect in effects):
        return True
    if any(effect.draws_unless for effect in effects) and not _is_set(obj, "random_state") and _is_random(machine, obj):
        return True
    if not any(effect.draws_if for effect in effects):
        return False
    return obj.given is None or any(_runs_random(machine, item, methods, seen) for item in obj.given)
