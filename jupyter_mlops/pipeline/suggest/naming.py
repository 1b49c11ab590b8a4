"""Names for steps: from the heading, from the comment above the code, or from what the code does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.names import slugify
from jupyter_mlops.pipeline.suggest.code import Stage
from jupyter_mlops.pipeline.suggest.headings import Heading, short_name
from jupyter_mlops.pipeline.suggest.segments import Page, Segment

__all__ = ["name_segments"]

_PROSE = re.compile(r"[A-Za-z][\w '&,/-]*[\w)]\.?")
_MOST_WORDS = 6
_MOST_LETTERS = 30
_FEWEST_LETTERS = 3
_UNTELLING: frozenset[Stage] = frozenset({"compute"})


def name_segments(notebook: Notebook, page: Page, segments: Sequence[Segment]) -> list[str]:
    """Give each segment a name whose slug no other has; those the user has named keep theirs.

    Args:
        segments: In the order of the page.
    """
    taken = {slugify(cell.step) for cell in notebook.cells if cell.step is not None}
    stages = [page.stage(item.cells) for item in segments]
    names: list[str] = []
    for place, segment in enumerate(segments):
        if segment.fixed:
            names.append("metrics")
            continue
        wanted = _heading_name(page, segment)
        if not wanted:
            several = sum(stage == "train" for stage in stages) > 1
            wanted = _own_name(page, segment, stages[place], detailed=several)
            if wanted == "explore" and 0 < place == len(segments) - 1:
                wanted = "report"
        name = _unused(wanted, _subject(page, segment), taken)
        taken.add(slugify(name))
        names.append(name)
    return names


def _heading_name(page: Page, segment: Segment) -> str:
    if segment.heading is None or _is_title(segment.heading, page.headings):
        return ""
    return short_name(segment.heading.text)


def _is_title(heading: Heading, headings: Sequence[Heading]) -> bool:
    """Whether it is the title of the page: the first heading, above all others in rank."""
    return heading == headings[0] and len(headings) > 1 and all(item.level > heading.level for item in headings[1:])


def _own_name(page: Page, segment: Segment, stage: Stage, *, detailed: bool) -> str:
    comment = page.codes[segment.cells[0]].comment
    if comment and _PROSE.fullmatch(comment) and len(comment.split()) <= _MOST_WORDS:
        named = short_name(comment)
        if named:
            return named
    subject = _subject(page, segment)
    if stage == "train" and detailed and subject:
        return f"train {subject}"
    if stage not in _UNTELLING:
        return stage
    return subject if len(subject) >= _FEWEST_LETTERS else "prepare"


def _subject(page: Page, segment: Segment) -> str:
    """What the step is about: the first name that later cells take from its most telling cell, in words."""
    ranked = sorted(segment.cells, key=lambda cell: page.stages[cell] != page.stage(segment.cells))
    for cell in ranked:
        trained = page.codes[cell].trained if page.stages[cell] == "train" else None
        if trained is not None:
            return trained.strip("_").replace("_", " ")[:_MOST_LETTERS].rstrip()
        bound = [name for name in page.codes[cell].bound if name in page.flow.gives[cell]]
        others = sorted(page.flow.gives[cell].difference(bound))
        for name in (*bound, *others):
            words = name.strip("_").replace("_", " ")
            return words[:_MOST_LETTERS].rstrip()
    return ""


def _unused(wanted: str, subject: str, taken: set[str]) -> str:
    if slugify(wanted) not in taken:
        return wanted
    if subject and subject not in wanted and slugify(f"{wanted} {subject}") not in taken:
        return f"{wanted} {subject}"
    number = 2
    while slugify(f"{wanted} {number}") in taken:
        number += 1
    return f"{wanted} {number}"
