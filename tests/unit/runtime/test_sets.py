from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.runtime import sets


def check(elements):
    plan = sets.plan(elements)
    frozen = isinstance(elements, frozenset)
    rebuilt = type(elements)(list(elements)) if plan is None else sets.build(plan, frozen=frozen)
    assert type(rebuilt) is type(elements)
    assert rebuilt == elements
    assert list(rebuilt) == list(elements)
    assert sets.plan(rebuilt) == plan


@given(st.lists(st.integers(), max_size=60), st.lists(st.integers(0, 59), max_size=40))
def test_sets_with_any_history_iterate_as_before(items, removed):
    elements = set(items)
    check(elements)
    for position in removed:
        if position < len(items):
            elements.discard(items[position])
    check(elements)
    check(frozenset(elements))
    check(set(elements))
    check(elements | {1, 2, 3})


@pytest.mark.parametrize("size", [5, 100, 3000])
@pytest.mark.parametrize("kind", [int, str])
def test_large_sets(size, kind):
    source = random.Random(size)
    items = [kind(source.randrange(10**9)) for _ in range(size)]
    check(set(items))
    check(set(items[: size // 2]) | set(items[size // 2 :]))
    check({*items} - set(items[::3]))


def test_plain_insertion_is_not_planned():
    assert sets.plan({1, 2, 3}) is None
    assert sets.plan(set()) is None


def test_elements_whose_hash_varies_are_left_alone():
    assert sets.plan({object() for _ in range(50)}) is None


def test_a_set_that_contains_itself(handover):
    class Holder:
        pass

    holder = Holder()
    items = [8 * i for i in (5, 3, 0, 1)]
    holder.elements = {holder}
    holder.numbers = set(items)
    order = list(holder.numbers)
    loaded = handover(holder)
    assert loaded in loaded.elements
    assert list(loaded.numbers) == order


def test_one_set_twice_is_one_set(handover):
    numbers = {7, 15, 3}
    assert sets.plan(numbers) is not None
    loaded = handover([numbers, {"again": numbers}])
    assert loaded[0] is loaded[1]["again"]
    assert list(loaded[0]) == list(numbers)
