"""Keeps identity across steps: values that share an object which changes later travel together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_mlops.analysis.model import Cause, is_hidden
from jupyter_mlops.pipeline.versions import Ledger

__all__ = ["groups", "share_versions"]

_CODE = frozenset({"function", "type"})


def share_versions(ledger: Ledger, steps: Sequence[Sequence[int]]) -> None:
    """Where a step makes something that refers to an older value, and either changes later, let the step provide both.

    Args:
        steps: Cells that each step runs.
    """
    for place, cells in enumerate(steps):
        if not cells:
            continue
        last = max(cells, key=ledger.time)
        time = ledger.time(last)
        changing = frozenset(number for number, times in ledger.heap.changed.items() if times[-1] > time)
        if changing:
            _share(ledger, place, cells, last, changing)


def _share(ledger: Ledger, place: int, cells: Sequence[int], last: int, changing: frozenset[int]) -> None:
    time = ledger.time(last)
    names = {ledger.versions[number].name for cell in cells for number in ledger.facts.cells[cell].made}
    shared: set[int] = set()
    for name in names:
        number = ledger.newest(name, time)
        if number is not None and ledger.provider(number).step == place:
            shared |= ledger.reach(ledger.versions[number].objects, time) & changing
    if not shared:
        return
    statement = max(len(ledger.facts.cells[last].statements) - 1, 0)
    holders = {name for obj in ledger.heap.holders(shared) for name in ledger.heap[obj].names}
    for name in sorted(holders):
        number = ledger.newest(name, time)
        if number is None or is_hidden(name) or ledger.is_code(number) or ledger.provider(number).step == place:
            continue
        if ledger.reach(ledger.versions[number].objects, time) & shared:
            cause = Cause(last, 1, "shares an object, which changes later, with a value made here")
            ledger.put_between(number, last, statement, cause)


def groups(ledger: Ledger, objects: dict[str, frozenset[int]], time: int) -> list[tuple[str, ...]]:
    """Sort names into groups that share mutable objects.

    Args:
        objects: For each name, the objects it may refer to directly.
        time: When.

    Returns:
        The groups, each sorted, in the order of their first names.
    """
    owner: dict[int, int] = {}
    members: dict[int, set[str]] = {}
    for place, (name, objs) in enumerate(sorted(objects.items())):
        members[place] = {name}
        for number in _mutable(ledger, ledger.reach(objs, time)):
            other = owner.get(number)
            if other is not None and other != place:
                members[place] |= members.pop(other)
                owner.update({key: place for key, value in owner.items() if value == other})
            owner[number] = place
    return sorted(tuple(sorted(names)) for names in members.values())


def _mutable(ledger: Ledger, objs: Iterable[int]) -> list[int]:
    return [number for number in objs if ledger.heap[number].type not in _CODE or ledger.is_stateful([number])]
