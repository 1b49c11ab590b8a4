"""Sets that iterate in the order in which the notebook's set does.

The order of a set depends on its history, so that a set rebuilt from its elements may iterate
differently, and whatever is computed from that order would differ from the notebook. The element
positions are read from CPython's table; from them follows an order of insertion (and the places that
must be occupied meanwhile) that leads to the same table. The plan is tried out before it is used: where
it does not hold, on other interpreters for example, the elements are stored in plain order.
"""

from __future__ import annotations

import ctypes
import operator
import sys
from collections.abc import Iterator, Sequence, Set
from typing import Any, NamedTuple

__all__ = ["SetPlan", "build", "plan"]

LIMIT = 200_000
"""Larger sets are stored in plain order."""
LINEAR_PROBES = 9
PERTURB_SHIFT = 5
WORD = ctypes.sizeof(ctypes.c_void_p)

STABLE_HASH = frozenset({str, bytes, int, float, bool, complex, tuple, frozenset})


class SetPlan(NamedTuple):
    """How to rebuild a set.

    Args:
        size: Number of places in its table.
        elements: In the order of insertion.
        places: One entry per insertion: None for the next element, a number for a stand-in at that place.
            None as a whole: plain insertion does.
    """

    size: int
    elements: list[Any]
    places: list[int | None] | None


class _StandIn:
    """Occupies one place of a table for a while."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __hash__(self) -> int:
        return self.place


def plan(elements: Set[Any]) -> SetPlan | None:
    """Return how to rebuild a set in its order of iteration, None if inserting in that order does it."""
    order = list(elements)
    if len(order) < 2 or _same(list(frozenset(order) if isinstance(elements, frozenset) else set(order)), order):
        return None
    if len(order) > LIMIT or not all(type(item) in STABLE_HASH for item in order):
        return None
    for candidate in _candidates(elements):
        if _same(list(build(candidate, frozen=isinstance(elements, frozenset))), order):
            return candidate
    return None


def build(plan: SetPlan, *, frozen: bool = False, into: set[Any] | None = None) -> Set[Any]:
    """Rebuild a set from its plan.

    Args:
        frozen: Whether to make a frozenset.
        into: An empty set to fill.
    """
    size, steps, places = plan
    if places is None:
        return frozenset(steps) if frozen else _filled(into, steps)
    standing: list[_StandIn] = []
    sequence: list[Any] = []
    elements = iter(steps)
    for place in places:
        item = next(elements) if place is None else _StandIn(place)
        if place is not None:
            standing.append(item)
        sequence.append(item)
    half = size // 2
    # What is made from a dict gets its table at once, large enough for twice the dict.
    first = sequence[: half - 1]
    spare = [_StandIn(i) for i in range(size // 4 - len(first))]
    prepared = dict.fromkeys([*first, *spare])
    if frozen:
        # Taken from a list, the difference is a copy of the table with places freed.
        return frozenset(prepared).difference([*standing, *spare]) if standing or spare else frozenset(prepared)
    result = _filled(into, prepared)
    for item in sequence[half - 1 :]:
        result.add(item)
    result.difference_update(standing, spare)
    return result


def _filled(into: set[Any] | None, elements: Any) -> set[Any]:
    result = set() if into is None else into
    result.update(elements)
    return result


def _candidates(elements: Set[Any]) -> Iterator[SetPlan]:
    table = _read_table(elements)
    if table is not None:
        exact = _insertion_plan(table)
        if exact is not None:
            if not isinstance(elements, frozenset) or len(exact.places or ()) < len(table) // 2:
                yield exact
            yield _growing_plan(exact.elements, table)
    order = list(elements)
    for size in (4 * len(order), 2 * len(order)):  # frozensets get their size from their number of elements
        power = 8
        while power <= size:
            power *= 2
        yield SetPlan(power, order, [None] * len(order))
    yield SetPlan(0, order[::-1], None)


def _read_table(elements: Set[Any]) -> list[Any] | None:
    """Return the element (or None) at each slot, None if the table cannot be read here."""
    if sys.implementation.name != "cpython":
        return None
    header = object.__basicsize__
    _, used, mask, address = (ctypes.c_ssize_t * 4).from_address(id(elements) + header)
    size = mask + 1
    inner = sys.getsizeof(elements) - sys.getsizeof(type(elements)())
    if used != len(elements) or size < 8 or size & mask or inner != (0 if size == 8 else size * 2 * WORD):
        return None
    by_address = {id(item): item for item in elements}
    entries = memoryview((ctypes.c_char * (size * 2 * WORD)).from_address(address)).cast("B").cast("P")
    table = [by_address.get(key) for key in entries.tolist()[::2]]
    return table if sum(item is not None for item in table) == used else None


def _insertion_plan(table: Sequence[Any]) -> SetPlan | None:
    """Order the elements so that each finds the earlier places of its chain occupied."""
    mask = len(table) - 1
    needs: dict[int, list[int]] = {}
    for slot, item in enumerate(table):
        if item is None:
            continue
        chain = _chain_to(hash(item), slot, mask)
        if chain is None:
            return None
        needs[slot] = chain
    steps: list[Any] = []
    places: list[int | None] = []
    done: set[int] = set()
    for slot in needs:
        if not _insert(slot, needs, table, done, steps, places):
            return None
    return SetPlan(len(table), steps, places)


def _growing_plan(sequence: list[Any], table: Sequence[Any]) -> SetPlan:
    """An order for a table that grows with its elements.

    Each time it grows it is filled anew, in the order of the old table. Elements at their own places may come in
    any order, the others come when the table has its final size.
    """
    mask = len(table) - 1
    at_home = [table[hash(item) & mask] is item for item in sequence]
    home = [item for item, is_home in zip(sequence, at_home) if is_home]  # noqa: B905 (Python 3.9)
    displaced = [item for item, is_home in zip(sequence, at_home) if not is_home]  # noqa: B905
    return SetPlan(0, [*home, *displaced], None)


def _insert(
    slot: int,
    needs: dict[int, list[int]],
    table: Sequence[Any],
    done: set[int],
    steps: list[Any],
    places: list[int | None],
) -> bool:
    """Put the element of a slot, after all it depends on, at the end of the plan; False for a circle."""
    stack = [slot]
    waiting: set[int] = set()
    while stack:
        slot = stack[-1]
        missing = [other for other in needs.get(slot, ()) if other not in done]
        if missing and slot not in waiting:
            waiting.add(slot)
            stack.extend(missing)
            continue
        if missing:
            return False
        stack.pop()
        if slot in done:
            continue
        done.add(slot)
        if table[slot] is None:
            places.append(slot)
        else:
            steps.append(table[slot])
            places.append(None)
    return True


def _chain_to(hashed: int, slot: int, mask: int) -> list[int] | None:
    """Return the slots that are tried before ``slot``, None if it is not on the way."""
    perturb = hashed & (2 ** (8 * WORD) - 1)
    place = hashed & mask
    chain: list[int] = []
    for _ in range(64):
        probes = LINEAR_PROBES if place + LINEAR_PROBES <= mask else 0
        for candidate in range(place, place + probes + 1):
            if candidate == slot:
                return list(dict.fromkeys(chain))
            chain.append(candidate)
        perturb >>= PERTURB_SHIFT
        place = (place * 5 + 1 + perturb) & mask
    return None


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))
