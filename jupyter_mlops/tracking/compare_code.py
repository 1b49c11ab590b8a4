"""Two notebooks, cell by cell. Pure."""

from __future__ import annotations

import difflib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.engine.codeform import code_cells
from jupyter_mlops.steps.cells import text_of
from jupyter_mlops.tracking.compare_model import CellChange, CellStatus
from jupyter_mlops.tracking.redaction import redact_text

__all__ = ["compare_notebooks"]

_ALIKE = 0.6
"""Cells with other ids and other sources are one cell if this much of their text is common."""

_MOST_PAIRS = 4_000
_LONGEST = 20_000
"""Characters of a source that are looked at when it is asked how much is common."""

_CONTEXT = 2


@dataclass(frozen=True, eq=False)
class _Cell:
    id: str
    number: int
    kind: str
    source: str
    tags: tuple[str, ...]
    settings: str


def compare_notebooks(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    steps_before: Mapping[str, str],
    steps_after: Mapping[str, str],
) -> tuple[CellChange, ...]:
    """Find out what became of each cell.

    Args:
        before: A notebook's JSON.
        after: Another's.
        steps_before: For cells by id, the name of their step.
        steps_after: The same for ``after``.

    Returns:
        In the order of ``after``; each cell that is gone stands where it was.
    """
    old, new = _cells(before), _cells(after)
    pairs = _pairs(old, new)
    moved = _moved([pairs[place] for place in sorted(pairs)])
    changes: list[tuple[float, CellChange]] = []
    last = -1.0
    where: dict[int, float] = {}
    for place, cell in enumerate(new):
        if place in pairs:
            was = old[pairs[place]]
            where[pairs[place]] = float(place)
            step = steps_after.get(cell.id) or steps_before.get(was.id)
            changes.append((float(place), _change(was, cell, step, moved=pairs[place] in moved)))
        else:
            changes.append((float(place), _added(cell, steps_after.get(cell.id))))
    for place, cell in enumerate(old):
        if place in where:
            last = where[place]
        else:
            changes.append((last + 0.5, _removed(cell, steps_before.get(cell.id))))
    return tuple(change for _, change in sorted(changes, key=lambda item: item[0]))


def _cells(notebook: Mapping[str, Any]) -> list[_Cell]:
    found = []
    cells = notebook.get("cells")
    for number, raw in enumerate(cells if isinstance(cells, list) else (), 1):
        if not isinstance(raw, Mapping):
            continue
        kept = raw.get("metadata")
        metadata: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
        tags = tuple(str(tag) for tag in (metadata.get("tags") or ()))
        settings = json.dumps(metadata.get("mlops") or {}, sort_keys=True, default=str)
        found.append(_Cell(str(raw.get("id")), number, str(raw.get("cell_type")), text_of(raw), tags, settings))
    return found


def _pairs(old: Sequence[_Cell], new: Sequence[_Cell]) -> dict[int, int]:
    """For places in ``new`` the place in ``old`` of the same cell: by id, then by source, then by likeness."""
    found: dict[int, int] = {}
    free = dict.fromkeys(range(len(old)))
    for key in (_identity, _id, _source):
        if key is _id and not found:
            continue  # where no cell is as it was, ids such as ``cell-1`` are equal by chance
        known: dict[Any, list[int]] = {}
        for place in free:
            known.setdefault(key(old[place]), []).append(place)
        for place, cell in enumerate(new):
            waiting = known.get(key(cell))
            if place not in found and waiting:
                found[place] = waiting.pop(0)
                del free[found[place]]
    rest = [place for place in range(len(new)) if place not in found]
    for place, was in _alike(old, new, list(free), rest):
        found[place] = was
    return found


def _identity(cell: _Cell) -> Any:
    return cell.id, cell.kind, cell.source


def _id(cell: _Cell) -> Any:
    return cell.id, cell.kind


def _source(cell: _Cell) -> Any:
    # Empty cells are not each other.
    return cell.kind, cell.source if cell.source.strip() else cell


def _alike(
    old: Sequence[_Cell], new: Sequence[_Cell], gone: Sequence[int], fresh: Sequence[int]
) -> Iterable[tuple[int, int]]:
    if len(gone) * len(fresh) > _MOST_PAIRS:
        return
    scores = []
    for place in fresh:
        matcher = difflib.SequenceMatcher(b=new[place].source[:_LONGEST], autojunk=False)
        for was in gone:
            if old[was].kind != new[place].kind:
                continue
            matcher.set_seq1(old[was].source[:_LONGEST])
            if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE:
                score = _common(old[was].source, new[place].source)
                if score >= _ALIKE:
                    scores.append((-score, abs(place - was), place, was))
    used_old: set[int] = set()
    used_new: set[int] = set()
    for *_, place, was in sorted(scores):
        if place not in used_new and was not in used_old:
            used_new.add(place)
            used_old.add(was)
            yield place, was


def _common(one: str, other: str) -> float:
    """How much of two texts is common, by words: fast for long ones, too."""
    matcher = difflib.SequenceMatcher(a=_words(one), b=_words(other), autojunk=False)
    return matcher.ratio()


def _words(text: str) -> list[str]:
    return text[:_LONGEST].replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()


def _moved(places: Sequence[int]) -> set[int]:
    """Of places in the baseline, in the new order, those that are not among the most that kept their order."""
    ends: list[int] = []
    chosen: list[int] = []
    before: dict[int, int | None] = {}
    for place in places:
        at = bisect_left(ends, place)
        before[place] = chosen[at - 1] if at else None
        ends[at : at + 1] = [place]
        chosen[at : at + 1] = [place]
    kept: set[int] = set()
    last: int | None = chosen[-1] if chosen else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return set(places) - kept


def _change(was: _Cell, cell: _Cell, step: str | None, *, moved: bool) -> CellChange:
    status = _status(was, cell)
    return CellChange(
        status,
        was.id,
        cell.id if cell.id != was.id else None,
        was.number,
        cell.number,
        step,
        moved,
        "" if was.source == cell.source else _diff(was.source, cell.source),
        None if was.tags == cell.tags else (was.tags, cell.tags),
    )


def _status(was: _Cell, cell: _Cell) -> CellStatus:
    if was.source != cell.source:
        if cell.kind != "code":
            return "text"
        if _form(was) != _form(cell):
            return "changed"
    if was.tags != cell.tags or was.settings != cell.settings:
        return "tags"
    return "same" if was.source == cell.source else "layout"


def _form(cell: _Cell) -> Any:
    """What counts of a cell's code: equal forms compute and show the same."""
    plain = {"cell_type": "code", "id": "cell", "source": cell.source, "metadata": {"tags": list(cell.tags)}}
    return [dict(found.form) for found in code_cells({"cells": [plain]})]


def _added(cell: _Cell, step: str | None) -> CellChange:
    return CellChange("added", cell.id, None, None, cell.number, step, diff=_diff("", cell.source))


def _removed(cell: _Cell, step: str | None) -> CellChange:
    return CellChange("removed", cell.id, None, cell.number, None, step, diff=_diff(cell.source, ""))


def _diff(before: str, after: str) -> str:
    """A unified diff without its head; secrets are left out, so that it may be empty where only they have changed."""
    old, new = redact_text(before).splitlines(), redact_text(after).splitlines()
    lines = list(difflib.unified_diff(old, new, lineterm="", n=_CONTEXT))[2:]
    return "\n".join(lines)
