"""Joins cells to steps: along the headings of the page where it has them, along the flow of data where not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.pipeline.suggest.code import CellCode, Stage
from jupyter_mlops.pipeline.suggest.flow import Flow, Tie
from jupyter_mlops.pipeline.suggest.headings import Heading

__all__ = ["Page", "Segment", "cut", "merge_at"]

_MOST_STEPS = 12
_MANY_STEPS = 8
_ENOUGH_STEPS = 6
_FEWEST_STEPS = 3
_SMALL_STEP = 2
_LONG_SECTION = 8
_TOO_MANY_TIES = 12
_SMALL_LOOK = 4
_MOST_CROSSING = 8
_RANK: tuple[Stage, ...] = (
    "train", "split", "load", "evaluate", "predict", "save", "prepare", "compute", "explore",
)  # fmt: skip
_JOINED_ALWAYS = frozenset({"load", "explore", "evaluate", "predict", "save"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Cells that are to be one step.

    Args:
        cells: Their indexes, in order.
        heading: The heading they stand below, if that made them a step.
        fixed: Whether tags of the user make it a step already.
    """

    cells: tuple[int, ...]
    heading: Heading | None = None
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is known of the cells that belong to steps.

    Args:
        work: Their indexes, in order.
        fixed: Those that are steps of their own by the user's tags.
    """

    work: Sequence[int]
    codes: Mapping[int, CellCode]
    stages: Mapping[int, Stage]
    flow: Flow
    headings: Sequence[Heading]
    fixed: frozenset[int] = frozenset()

    def stage(self, cells: Iterable[int]) -> Stage:
        """The stage of a step: that of its most telling cell."""
        every = list(cells)
        telling = [cell for cell in every if not self.codes[cell].is_trivial] or every
        return min((self.stages[cell] for cell in telling), key=_RANK.index)

    def weight(self, cells: Iterable[int]) -> int:
        """How much code the cells have: their statements."""
        return sum(max(1, len(self.codes[cell].kinds)) for cell in cells)

    def is_trivial(self, cells: Iterable[int]) -> bool:
        """Whether the cells do nothing that would be worth a step."""
        return all(self.codes[cell].is_trivial for cell in cells)

    def waits_more(self, first: Sequence[int], second: Iterable[int]) -> bool:
        """Whether the first cells would have to wait for more if the second ones were in one step with them."""
        sources = {source for cell in second for source in self.flow.takes[cell]}
        known = set(first)
        todo = list(first)
        while todo and not sources <= known:
            for source in self.flow.takes[todo.pop()]:
                if source not in known:
                    known.add(source)
                    todo.append(source)
        return not sources <= known


def cut(page: Page, ties: Sequence[Tie]) -> list[Segment]:
    """Cut the page into steps."""
    sections = _by_headings(page)
    if sections is not None:
        segments = _tied(_side_by_side(page, sections), [tie for tie in ties if tie.always])
        return _fewer(page, _without_trifles(page, segments), _MOST_STEPS)
    segments = _by_flow(page, page.work)
    whole = _shaped(page, _tied(segments, ties))
    if len(whole) < _FEWEST_STEPS and len(page.work) >= _TOO_MANY_TIES:
        # ties through half of the page say more about the analysis than about the notebook
        whole = _shaped(page, segments)
    busy = sum(not page.codes[cell].is_trivial for cell in page.work)
    whole = _fewer(page, _without_small(page, whole), min(_MOST_STEPS, max(_MANY_STEPS, busy // 3 + 2)))
    return _rejoined(page, whole)


def merge_at(segments: Sequence[Segment], place: int) -> list[Segment]:
    """Merge a segment with the next one; the first one's heading stays."""
    first, second = segments[place], segments[place + 1]
    merged = Segment(first.cells + second.cells, first.heading or second.heading)
    return [*segments[:place], merged, *segments[place + 2 :]]


# --- headings ---------------------------------------------------------------------------------------------------------


def _by_headings(page: Page) -> list[Segment] | None:
    """One segment for each section, at the highest level that gives enough; None if the headings give too few."""
    best: tuple[list[Segment], int] = ([], 0)
    for level in sorted({heading.level for heading in page.headings}):
        sections = _sections(page, page.work, level)
        count = sum(not page.is_trivial(item.cells) for item in sections if item.heading is not None)
        if count > best[1]:
            best = (sections, count)
        if count >= _FEWEST_STEPS:
            break
    sections, count = best
    return _subdivided(page, sections) if count >= 2 else None


def _sections(page: Page, cells: Sequence[int], level: int) -> list[Segment]:
    headings = [heading for heading in page.headings if heading.level <= level]
    found: list[Segment] = []
    for cell in cells:
        above = [heading for heading in headings if heading.cell < cell]
        heading = above[-1] if above else None
        last = found[-1] if found else None
        if last is not None and last.heading == heading and not last.fixed and cell not in page.fixed:
            found[-1] = replace(last, cells=(*last.cells, cell))
        else:
            found.append(Segment((cell,), heading, cell in page.fixed))
    return found


def _subdivided(page: Page, sections: list[Segment]) -> list[Segment]:
    """Cut long sections at their own headings, as long as there are not too many steps."""
    found: list[Segment] = []
    for number, section in enumerate(sections):
        parts = [section]
        inner = [item for item in page.headings if section.cells[0] < item.cell < section.cells[-1]]
        if len(section.cells) > _LONG_SECTION and inner:
            parts = _sections(page, section.cells, min(item.level for item in inner))
        room = _MOST_STEPS - len(found) - (len(sections) - number - 1)
        found += parts if len(parts) <= room else [section]
    return found


def _side_by_side(page: Page, sections: Sequence[Segment]) -> list[Segment]:
    """Cut sections that train several things which don't need each other, as long as there are not too many steps."""
    found: list[Segment] = []
    for number, section in enumerate(sections):
        parts = _trained_apart(page, section)
        room = _MOST_STEPS - len(found) - (len(sections) - number - 1)
        found += parts if len(parts) <= room else [section]
    return found


def _trained_apart(page: Page, section: Segment) -> list[Segment]:
    trained = [cell for cell in section.cells if page.stages[cell] == "train"]
    apart = [
        cell
        for place, cell in enumerate(trained)
        if not any(page.flow.between([other], [cell]) for other in trained[:place])
    ]
    if len(apart) < 2 or section.fixed:
        return [section]
    parts = _without_trifles(page, _by_flow(page, section.cells))
    return [replace(part, heading=None) for part in parts] if len(parts) > 1 else [section]


# --- flow -------------------------------------------------------------------------------------------------------------


def _by_flow(page: Page, cells: Sequence[int]) -> list[Segment]:
    found: list[Segment] = []
    for cell in cells:
        fixed = cell in page.fixed
        if found and not fixed and not found[-1].fixed and _joins(page, found[-1], cell):
            found[-1] = replace(found[-1], cells=(*found[-1].cells, cell))
        else:
            found.append(Segment((cell,), None, fixed))
    return found


def _joins(page: Page, segment: Segment, cell: int) -> bool:
    """Whether a cell goes on with what the segment above it does."""
    if page.codes[cell].is_trivial:
        return not page.waits_more(segment.cells, [cell])
    if page.is_trivial(segment.cells) and not any(page.flow.takes[item] for item in segment.cells):
        return True
    above, stage = page.stage(segment.cells), page.stages[cell]
    direct = page.flow.between(segment.cells, [cell])
    if stage == "explore":
        small = page.weight([cell]) < _SMALL_LOOK and not page.waits_more(segment.cells, [cell])
        return above in ("explore", "evaluate") or small
    if above == "predict" and stage == "evaluate":
        return True
    if above == stage:
        return stage in _JOINED_ALWAYS or (stage in ("prepare", "train") and bool(direct))
    return False


def _shaped(page: Page, segments: list[Segment]) -> list[Segment]:
    return _without_floods(page, _without_trifles(page, segments))


def _without_floods(page: Page, segments: list[Segment]) -> list[Segment]:
    """Merge where very much would have to be handed over."""
    place = 0
    while place < len(segments) - 1:
        first, second = segments[place], segments[place + 1]
        many = len(page.flow.between(first.cells, second.cells)) > _MOST_CROSSING
        if many and not first.fixed and not second.fixed and len(segments) > _FEWEST_STEPS:
            segments = merge_at(segments, place)
        else:
            place += 1
    return segments


def _without_small(page: Page, segments: list[Segment]) -> list[Segment]:
    """Merge steps of a line or two with their neighbours, where nothing could run beside them anyway."""
    while len(segments) > _ENOUGH_STEPS:
        pairs = [place for place in _mergeable(segments) if _is_small_link(page, segments, place)]
        if not pairs:
            break
        segments = merge_at(segments, max(pairs, key=lambda place: (_affinity(page, segments, place), -place)))
    return segments


def _is_small_link(page: Page, segments: Sequence[Segment], place: int) -> bool:
    first, second = segments[place], segments[place + 1]
    small = any(
        page.weight(item.cells) <= _SMALL_STEP and page.stage(item.cells) in ("compute", "prepare", "explore")
        for item in (first, second)
    )
    if not small or not page.flow.between(first.cells, second.cells):
        return False
    depending = set(second.cells)
    for later in segments[place + 2 :]:
        if page.flow.between(depending, later.cells):
            depending.update(later.cells)
        elif page.flow.between(first.cells, later.cells):
            return False  # it could run beside the second one
    return not page.waits_more(first.cells, second.cells)


def _rejoined(page: Page, segments: list[Segment]) -> list[Segment]:
    """Merge neighbours that do the same, one with what the other gives."""
    place = 0
    while place < len(segments) - 1:
        first, second = segments[place], segments[place + 1]
        same = page.stage(first.cells) == page.stage(second.cells) in _JOINED_ALWAYS
        if same and not first.fixed and not second.fixed and page.flow.between(first.cells, second.cells):
            segments = merge_at(segments, place)
        else:
            place += 1
    return segments


# --- both -------------------------------------------------------------------------------------------------------------


def _tied(segments: list[Segment], ties: Sequence[Tie]) -> list[Segment]:
    """Merge whatever lies between two cells that must stay together."""
    for tie in ties:
        owner = {cell: place for place, item in enumerate(segments) for cell in item.cells}
        first, last = owner[tie.first], owner[tie.last]
        if any(item.fixed for item in segments[first : last + 1]):
            continue
        for _ in range(first, last):
            segments = merge_at(segments, first)
    return segments


def _without_trifles(page: Page, segments: list[Segment]) -> list[Segment]:
    """Merge what is too little for a step of its own into the step above it, or below it at the top."""
    place = 0
    while place < len(segments) and len(segments) > 1:
        item = segments[place]
        above = place > 0 and not segments[place - 1].fixed
        above = above and not page.waits_more(segments[place - 1].cells, item.cells)
        below = place + 1 < len(segments) and not segments[place + 1].fixed
        if item.fixed or not page.is_trivial(item.cells) or not (above or below):
            place += 1
        elif above:
            segments = merge_at(segments, place - 1)
        elif any(page.flow.takes[cell] for cell in item.cells):
            place += 1  # it brings together what may run side by side
        else:
            below_heading = segments[place + 1].heading
            segments = merge_at(segments, place)
            segments[place] = replace(segments[place], heading=below_heading)
    return segments


def _fewer(page: Page, segments: list[Segment], most: int) -> list[Segment]:
    """Merge neighbours until there are few enough: first those that hand over much and are small."""
    while len(segments) > most:
        pairs = _mergeable(segments)
        if not pairs:
            break
        segments = merge_at(segments, max(pairs, key=lambda place: (_affinity(page, segments, place), -place)))
    return segments


def _mergeable(segments: Sequence[Segment]) -> list[int]:
    return [place for place in range(len(segments) - 1) if not segments[place].fixed and not segments[place + 1].fixed]


def _affinity(page: Page, segments: Sequence[Segment], place: int) -> float:
    first, second = segments[place], segments[place + 1]
    direct = len(page.flow.between(first.cells, second.cells))
    stages = page.stage(first.cells), page.stage(second.cells)
    bonus = 0.5 * (stages[0] == stages[1] and stages[0] != "train") + 1.0 * _same_chapter(page, first, second)
    return (direct + bonus) / (page.weight(first.cells) + page.weight(second.cells))


def _same_chapter(page: Page, first: Segment, second: Segment) -> bool:
    """Whether the second one's heading is of a lower rank, or both stand below the same higher one."""
    if first.heading is None or second.heading is None:
        return False
    if second.heading.level > first.heading.level:
        return True
    between = [item.level for item in page.headings if first.heading.cell < item.cell <= second.heading.cell]
    return second.heading.level > 1 and first.heading.level == second.heading.level == min(between, default=9)
