"""A witness that calls library functions and compares what they did with what the table promises."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from jupyter_mlops.analysis.effects import Effect, EffectTable

ATOMS = (int, float, complex, str, bytes, bool, type(None), range, slice, type)


def content(value: Any) -> Any:
    """Something comparable that changes whenever the value changes in place, caches left out."""
    if type(value).__module__.partition(".")[0] == "pandas":
        return _frame_content(value)
    if isinstance(value, tuple | list):
        return [content(item) for item in value]
    try:
        return pickle.dumps(value)
    except Exception:
        return repr(value)


def _frame_content(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [_frame_content(value.iloc[:, position]) for position in range(value.shape[1])]
        return [columns, _frame_content(value.columns), value.attrs]
    if isinstance(value, pd.Series):
        return [repr(list(value)), str(value.dtype), value.name, _frame_content(value.index), value.attrs]
    if isinstance(value, pd.Index | pd.Categorical):
        return [repr(list(value)), str(value.dtype), getattr(value, "names", None)]
    return repr(value)


def disturb(value: Any, seen: set[int] | None = None) -> None:
    """Change a value in place by every public means, and what it contains."""
    seen = set() if seen is None else seen
    if isinstance(value, ATOMS) or callable(value) or id(value) in seen:
        return
    seen.add(id(value))
    kind = type(value).__module__.partition(".")[0]
    if isinstance(value, tuple | frozenset):
        for item in value:
            disturb(item, seen)
    elif isinstance(value, list | dict | set):
        _disturb_container(value, seen)
    elif kind == "numpy":
        _disturb_array(value)
    elif kind == "pandas":
        _disturb_frame(value)
    elif hasattr(value, "__dict__"):
        for item in list(vars(value).values()):
            disturb(item, seen)


def _disturb_container(value: Any, seen: set[int]) -> None:
    for item in list(value.values() if isinstance(value, dict) else value):
        disturb(item, seen)
    if isinstance(value, list):
        value.append("disturbed")
    elif isinstance(value, dict):
        value["disturbed"] = 1
    else:
        value.add("disturbed")


def _disturb_array(value: Any) -> None:
    import numpy as np

    if not isinstance(value, np.ndarray) or not value.flags.writeable or value.size == 0:
        return
    if value.dtype == object:
        return
    if value.dtype.kind in "iufcb":
        np.logical_not(value, out=value, casting="unsafe")
    else:
        value[...] = np.zeros(1, dtype=value.dtype)[0]


def _disturb_frame(value: Any) -> None:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        for position in range(value.shape[1]):
            _disturb_cells(value.iloc, (slice(None), position), value.iloc[:, position])
    elif isinstance(value, pd.Series):
        _disturb_cells(value.iloc, slice(None), value)
    elif isinstance(value, pd.Categorical) and len(value):
        value[:] = value[::-1].copy()


def _disturb_cells(target: Any, key: Any, column: Any) -> None:
    import pandas as pd

    if not len(column) or isinstance(column.dtype, pd.PeriodDtype | pd.IntervalDtype):
        return
    if column.dtype.kind in "iuf":
        target[key] = (column.to_numpy() == 0).astype(column.dtype)
    elif column.dtype.kind == "b":
        target[key] = ~column.to_numpy()
    else:
        target[key] = column.to_numpy()[::-1].copy()


@dataclass
class Witness:
    """Calls and compares; the differences are collected as sentences."""

    table: EffectTable
    problems: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def see(
        self, name: str, effect: Effect | None, call: Callable[..., Any], receiver: Any, args: Any = (), **options: Any
    ) -> None:
        """Call ``call(receiver, *args, **options)`` on copies and compare with the effect.

        Args:
            name: What to call it in a message.
            effect: What the table promises.
            call: The call, with the receiver (None for a function) first.
            receiver: The object whose method it is.
            args: Positional arguments.
            options: Keyword arguments.
        """
        if effect is None:
            return
        receiver, args, options = copy.deepcopy((receiver, tuple(args), options))
        given = {**dict(enumerate(args)), **options}
        before = content(receiver), {key: content(value) for key, value in given.items()}
        states = _hidden_states()
        try:
            result = call(receiver, *args, **options)
            if "iterator" in str(effect.result):
                result = [*result]
        except Exception:
            return
        self.calls.append(name)
        self._compare_states(name, effect, states)
        self._compare_mutation(name, effect, before, receiver, given)
        self._compare_sharing(name, effect, result, receiver, given)

    def _compare_states(self, name: str, effect: Effect, before: dict[str, Any]) -> None:
        allowed = {*effect.draws, *effect.seeds, *(generator for _, generator in effect.draws_unless), *effect.sets}
        for state, value in _hidden_states().items():
            if before[state] != value and state not in allowed:
                self.problems.append(f"{name} changes the hidden state {state}")

    def _compare_mutation(self, name: str, effect: Effect, before: Any, receiver: Any, given: Any) -> None:
        own, others = before
        if "self" not in effect.mutates and content(receiver) != own and "iterator" not in str(type(receiver)):
            self.problems.append(f"{name} mutates its receiver")
        for key, value in given.items():
            if not ({key, "*"} & set(effect.mutates)) and content(value) != others[key]:
                self.problems.append(f"{name} mutates argument {key}")

    def _compare_sharing(self, name: str, effect: Effect, result: Any, receiver: Any, given: Any) -> None:
        own = content(receiver)
        others = {key: content(value) for key, value in given.items()}
        if not effect.keeps:
            for value in given.values():
                disturb(value)
            if content(receiver) != own:
                self.problems.append(f"{name} keeps an argument")
            others = {key: content(value) for key, value in given.items()}
        own = content(receiver)
        try:
            disturb(result)
        except (TypeError, ValueError):
            return
        if not (effect.view or effect.returns_self) and content(receiver) != own:
            self.problems.append(f"{name} gives a view of its receiver")
        for key, value in given.items():
            may_share = {key, "*"} & {*effect.shares, *effect.keeps}
            if not may_share and content(value) != others[key]:
                self.problems.append(f"{name} gives a view of argument {key}")


def _hidden_states() -> dict[str, Any]:
    import numpy as np

    return {
        "numpy": pickle.dumps(np.random.get_state()),
        "random": random.getstate(),
        "options:numpy": str((np.get_printoptions(), np.geterr())),
    }


@pytest.fixture(scope="session")
def table() -> EffectTable:
    """The table, loaded once."""
    return EffectTable()


@pytest.fixture
def witness(table: EffectTable) -> Iterator[Witness]:
    """A witness whose problems fail the test."""
    seen = Witness(table)
    yield seen
    assert not seen.problems, "\n".join(sorted(set(seen.problems)))
