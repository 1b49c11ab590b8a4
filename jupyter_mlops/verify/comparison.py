"""Finds what differs between two runs, and where it shows first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.verify.evidence import Evidence, Item, Key

__all__ = ["Found", "Varying", "compare", "varying"]

WIDTH = 200
_ORDER = ("input", "failure", "value", "state", "file", "output")

Varying = Mapping[Key, "frozenset[str] | None"]
"""What differs from run to run, with the parts that do; None if it differs as a whole."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference.

    Args:
        cell: Where it shows first.
        step: Slug, where known.
        first: What the first run has; None if it has no such thing.
        second: What the second has.
        sharing: Whether only the way in which variables share objects differs.
    """

    key: Key
    cell: str | None
    step: str | None
    first: str | None
    second: str | None
    sharing: bool = False


def varying(pipeline: Pipeline, runs: Iterable[Evidence]) -> Varying:
    """Find what differs between runs of the whole notebook."""
    first, *others = runs
    found: dict[Key, frozenset[str] | None] = {}
    for other in others:
        for key in first.items.keys() | other.items.keys():
            one, two = first.items.get(key), other.items.get(key)
            if one is not None and two is not None and one.digest == two.digest:
                continue
            parts = _differing_parts(one, two)
            known = found.get(key, frozenset())
            found[key] = None if parts is None or known is None else known | parts
    return found


def compare(pipeline: Pipeline, notebook: Notebook, first: Evidence, second: Evidence, ignored: Varying) -> list[Found]:
    """Find what differs between two runs, in the order of the page.

    Args:
        first: The whole notebook.
        second: The same again, or its pipeline.
        ignored: What differs by itself.
    """
    numbers = {cell.id: cell.index for cell in notebook.cells}
    step_of = {cell: step.slug for step in pipeline.steps for cell in step.cells}
    reached = {cell for step in pipeline.steps if step.slug in second.ends for cell in step.cells}
    apart = {cell for cell in numbers if cell not in step_of}
    found: list[Found] = []
    for key in dict.fromkeys((*first.items, *second.items)):
        one, two = first.items.get(key), second.items.get(key)
        if not _is_compared(pipeline, key, one, two, second, reached | apart):
            continue
        if one is not None and two is not None and one.digest == two.digest:
            continue
        parts = _differing_parts(one, two)
        if key in ignored:
            allowed = ignored[key]
            if allowed is None or parts is None:
                continue
            parts = frozenset(label for label in parts if not _differs_by_itself(label, allowed))
            if not parts:
                continue
        found.append(_found(pipeline, key, one, two, parts, first, second, step_of))
    found = _without_repetition(found)
    return sorted(found, key=lambda item: (numbers.get(item.cell or "", -1), _ORDER.index(item.key.kind)))


def _is_compared(
    pipeline: Pipeline, key: Key, one: Item | None, two: Item | None, second: Evidence, reached: Collection[str]
) -> bool:
    """Tell whether both runs should have this."""
    if key.kind == "output":
        return key.owner in reached
    step = pipeline.step(key.owner)
    if key.kind == "file":
        return _file_is_compared(key, step, one, second)
    if one is None:
        return False  # the whole notebook has deleted it, or nobody can tell what it is
    if two is not None:
        return True
    if key.kind == "input":
        return key.owner in second.begins and key.name not in second.begins[key.owner].values
    if key.owner not in second.ends or key.kind == "state":
        return False
    return key.name in step.outputs and key.name not in second.ends[key.owner].values


def _file_is_compared(key: Key, step: Step, one: Item | None, second: Evidence) -> bool:
    """Another step may have changed the file meanwhile where the cells of steps stand between each other."""
    elsewhere = any(key.name in end.files for slug, end in second.ends.items() if slug != step.slug)
    return step.slug in second.ends and (one is not None or not elsewhere)


def _differing_parts(one: Item | None, two: Item | None) -> frozenset[str] | None:
    """Labels of the parts that differ; None if that is not all that differs."""
    if one is None or two is None or not one.parts or one.parts.keys() != two.parts.keys():
        return None
    parts = frozenset(label for label, (digest, _) in one.parts.items() if two.parts[label][0] != digest)
    return parts or None


def _differs_by_itself(label: str, allowed: Collection[str]) -> bool:
    """What an estimator has learnt (its attributes that end in ``_``) comes of one computation: all or none of it."""
    return label in allowed or (label.endswith("_") and any(item.endswith("_") for item in allowed))


def _found(
    pipeline: Pipeline,
    key: Key,
    one: Item | None,
    two: Item | None,
    parts: frozenset[str] | None,
    first: Evidence,
    second: Evidence,
    step_of: Mapping[str, str],
) -> Found:
    texts = _texts(key, one, two, parts)
    sharing = ", " in key.name and key.kind == "value"
    if key.kind == "output":
        return Found(key, key.owner, step_of.get(key.owner), *texts)
    step = pipeline.step(key.owner)
    if key.kind == "input":
        return Found(key, step.cells[0], step.slug, *texts)
    cell = _first_cell(key, step, first, second) if key.kind == "value" and not sharing else None
    return Found(key, cell or step.cells[-1], step.slug, *texts, sharing)


def _first_cell(key: Key, step: Step, first: Evidence, second: Evidence) -> str | None:
    """The cell from which on a variable differs until its step ends."""
    others = {item.cell: item for item in second.moments_of(step.slug)}
    place = None
    for moment in reversed(first.moments_of(step.slug)):
        other = others.get(moment.cell)
        one, two = moment.values.get(key.name), None if other is None else other.values.get(key.name)
        if other is None:
            continue
        if one is None or two is None or one.digest == two.digest:
            break
        place = moment.cell
    return place


def _texts(key: Key, one: Item | None, two: Item | None, parts: frozenset[str] | None) -> tuple[str | None, str | None]:
    if parts and one is not None and two is not None:
        label = next(label for label in one.parts if label in parts)
        first, second = one.parts[label][1], two.parts[label][1]
        is_place = key.kind != "output" and label[0] in ".["
        prefix = f"{key.name}{label} = " if is_place else f"{label}: "
        if first == second and key.kind != "output":
            first, second = f"{first} ({one.parts[label][0][:8]})", f"{second} ({two.parts[label][0][:8]})"
        return _short(prefix + first), _short(prefix + second)
    first_text = None if one is None else _short(one.text)
    second_text = None if two is None else _short(two.text)
    if first_text == second_text and one is not None and two is not None and key.kind != "output":
        return f"{first_text} ({one.digest[:8]})", f"{second_text} ({two.digest[:8]})"
    return first_text, second_text


def _short(text: str) -> str:
    text = text.strip("\n")
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _without_repetition(found: list[Found]) -> list[Found]:
    """Leave out what follows from something in the list: sharing of values that differ, other forms of one output."""
    keys = {item.key for item in found}
    displays: set[tuple[str, str]] = set()
    kept = []
    for item in found:
        key = item.key
        if item.sharing and any(Key("value", key.owner, name) in keys for name in key.name.split(", ")):
            continue
        if key.kind == "value" and Key("input", key.owner, key.name) in keys:
            continue
        if key.kind == "output" and key.name.startswith("display"):
            number = (key.owner, key.name.partition(" (")[0])
            if number in displays:
                continue
            displays.add(number)
        kept.append(item)
    return kept
