"""A comparison as text: runs side by side, as wide as the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.drawing.labels import display_width, truncate
from jupyter_mlops.tracking.compare_model import (
    ArtifactCell,
    CellChange,
    CodeChanges,
    Comparison,
    MetricRow,
    ParameterRow,
    StepCell,
)
from jupyter_mlops.tracking.formats import duration, number, parameter, size
from jupyter_mlops.tracking.lineage_text import short_run

__all__ = ["Line", "comparison_text"]

_NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_TIMES = "\N{MULTIPLICATION SIGN}"
_NAMES = 28
_LEAST = 14
"""Columns that a run has at least; runs that don't fit stand in a further table."""

_GAP = 2
_MOST_LINES = 5
_MOST_DIFF = 60
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and whether it is a title or a line of a diff."""

    text: str
    is_title: bool = False
    is_diff: bool = False


Table = Sequence[tuple[str, Sequence[str]]]


def comparison_text(
    comparison: Comparison, *, everything: bool = False, width: int = 100, unicode: bool = True
) -> list[Line]:
    """Write how runs differ.

    Args:
        everything: Whether what is equal is shown, too.
        width: Columns at hand.
        unicode: Whether more than ASCII can be shown.
    """
    shown = comparison if everything else comparison.only_differences()
    lines = list(_lines(comparison, shown, width))
    if unicode:
        return lines
    plain = str.maketrans({_NONE: "-", "→": ">", "…": "~", "·": "-", _TIMES: "x", _MINUS: "-", "∞": "inf"})
    return [Line(line.text.translate(plain), line.is_title, line.is_diff) for line in lines]


def _lines(comparison: Comparison, shown: Comparison, width: int) -> Iterator[Line]:
    heads = _heads(comparison)
    for place, run in enumerate(comparison.runs):
        details = [printable(run.pipeline), run.status, *([duration(run.seconds)] if run.seconds is not None else [])]
        baseline = "" if place else " (baseline)"
        yield Line(truncate(f"{_letter(place)}  {run.run_id}{baseline}  {' · '.join(details)}", width))
    if not comparison.differs:
        yield from (Line(""), Line("The runs differ in nothing that is recorded.", is_title=True))
    elif not comparison.results_differ:
        yield from (Line(""), Line("Parameters, metrics, code, data and environment are equal.", is_title=True))
    names = {row.slug: row.name for row in comparison.steps}
    sections: tuple[tuple[str, Table], ...] = (
        ("Runs", [(row.name, [_text(value) for value in row.values]) for row in shown.fields]),
        ("Parameters", [(row.name, _parameters(row)) for row in shown.parameters]),
        ("Metrics", [(row.name, _metrics(row)) for row in shown.metrics]),
        ("Steps", [(row.name, [_step(cell) for cell in row.cells]) for row in shown.steps]),
        ("Data", [(_data_name(row.name, row.step, names), _artifacts(row.cells)) for row in shown.data]),
        ("Environment", [(row.name, [_text(value) for value in row.values]) for row in shown.environment]),
    )
    for title, rows in sections[:4]:
        yield from _section(title, heads, rows, width)
    for head, code in zip(heads[1:], shown.code, strict=True):
        yield from _code(head, heads[0], code, width)
    for title, rows in sections[4:]:
        yield from _section(title, heads, rows, width)
    for note in comparison.notes:
        for place, run in enumerate(comparison.runs):
            note = note.replace(run.run_id, _letter(place))
        yield from (Line(""), *(Line(line) for line in _wrapped(f"Note: {note}", width)))


def _heads(comparison: Comparison) -> list[str]:
    """Letters, with the words of the ids."""
    return [f"{_letter(place)} {short_run(run.run_id)}" for place, run in enumerate(comparison.runs)]


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"A{chr(ord('A') + place - 26)}"


def _section(title: str, heads: Sequence[str], rows: Table, width: int) -> Iterator[Line]:
    """A table, or several if the runs don't fit beside each other; the baseline is in each."""
    if not rows:
        return
    widest = max(display_width(printable(name)) for name, _ in rows)
    names = max(min(widest, _NAMES, max(width // 3, _LEAST)), display_width(title))
    together = max(2, (width - names - _GAP) // (_LEAST + _GAP))
    others = range(1, len(heads))
    yield Line("")
    for start in range(0, len(others), together - 1):
        places = [0, *others[start : start + together - 1]]
        room = (width - names - _GAP) // len(places) - _GAP
        columns = [
            min(room, max(display_width(printable(text)) for text in (heads[place], *(row[1][place] for row in rows))))
            for place in places
        ]
        columns = [max(column, min(room, _LEAST)) for column in columns]
        if start:
            yield Line("")
        yield Line(
            _join([(title, names), *((heads[place], column) for place, column in zip(places, columns, strict=True))]),
            is_title=True,
        )
        for name, texts in rows:
            yield from _row(name, [texts[place] for place in places], names, columns)


def _row(name: str, texts: Sequence[str], names: int, columns: Sequence[int]) -> Iterator[Line]:
    cells = [_wrapped(printable(name), names), *map(_wrapped, _apart([printable(text) for text in texts]), columns)]
    height = min(max(map(len, cells)), _MOST_LINES)
    for number_of_line in range(height):
        parts = []
        for cell, room in zip(cells, [names, *columns], strict=True):
            text = cell[number_of_line] if number_of_line < len(cell) else ""
            if number_of_line == height - 1 and len(cell) > height:
                text = (
                    truncate(f"{text}…", room) if display_width(text) < room else f"{truncate(text, room - 1)}…"[:room]
                )
            parts.append((text, room))
        yield Line(_join(parts))


def _apart(texts: Sequence[str]) -> list[str]:
    """Long texts that begin alike are shown from shortly before where they differ."""
    longest = max(map(len, texts))
    common = 0
    if longest > 120 and len(set(texts)) > 1:
        first, last = min(texts), max(texts)
        common = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    cut = max(0, common - 20)
    return [f"…{text[cut:]}" if cut and len(text) > cut else text for text in texts]


def _join(parts: Iterable[tuple[str, int]]) -> str:
    padded = []
    for text, room in parts:
        cut = truncate(text, room) if display_width(text) > room else text
        padded.append(cut + " " * (room - display_width(cut)))
    return (" " * _GAP).join(padded).rstrip()


def _wrapped(text: str, room: int) -> list[str]:
    """Break a text into lines of so many columns, at blanks where there are some."""
    lines, line = [], ""
    for word in text.split(" "):
        while display_width(word) > room:
            space = room - display_width(line) - (1 if line else 0)
            if space < room // 2:
                lines.append(line)
                line, space = "", room
            piece = _start(word, space)
            lines.append(f"{line} {piece}" if line else piece)
            line, word = "", word[len(piece) :]
        joined = f"{line} {word}" if line else word
        if display_width(joined) > room:
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line] if line or not lines else lines


def _start(text: str, room: int) -> str:
    """As much of a text as so many columns hold; one character at least."""
    used = 0
    for place, char in enumerate(text):
        used += display_width(char)
        if used > room:
            return text[: max(place, 1)]
    return text


def _text(value: str | None) -> str:
    return _NONE if value is None else value


def _parameters(row: ParameterRow) -> list[str]:
    """Where a value came from is told where it is not the notebook's default."""
    return [
        _NONE
        if cell is None
        else parameter(cell.value) + (f" ({cell.source})" if cell.source not in (None, "default") else "")
        for cell in row.cells
    ]


def _metrics(row: MetricRow) -> list[str]:
    texts = []
    for value, delta, percent in zip(row.values, row.deltas, row.percents, strict=True):
        if value is None:
            texts.append(_NONE)
            continue
        change = "" if not texts or not delta else f" ({_signed(delta)}{_per_cent(percent)})"
        texts.append(f"{number(value)}{change}")
    return texts


def _signed(delta: float) -> str:
    return f"{'+' if delta > 0 else _MINUS}{number(abs(delta))}"


def _per_cent(percent: float | None) -> str:
    if percent is None:
        return ""
    sign = "+" if percent > 0 else _MINUS
    return f", {sign}{abs(percent):.1f} %" if abs(percent) < 1000 else f", {sign}{abs(percent):,.0f} %"


def _step(cell: StepCell | None) -> str:
    if cell is None:
        return _NONE
    if cell.status == "reused":
        return "reused" + (f" from {short_run(cell.computed_in)}" if cell.computed_in else "")
    return cell.status + (f" {duration(cell.seconds)}" if cell.seconds is not None and cell.status != "queued" else "")


def _data_name(name: str, step: str, names: Mapping[str, str]) -> str:
    return f"{names.get(step, step)}: {name}" if step else name


def _artifacts(cells: Sequence[ArtifactCell | None]) -> list[str]:
    texts = []
    for cell in cells:
        if cell is None:
            texts.append(_NONE)
        elif not texts or cell.same is None:
            texts.append(f"{cell.digest[:_DIGEST]} {size(cell.bytes)}")
        elif cell.same:
            texts.append("same")
        else:
            changes = f" · {'; '.join(cell.changes)}" if cell.changes else ""
            texts.append(f"{cell.digest[:_DIGEST]} {size(cell.bytes)}{changes}")
    return texts


def _code(head: str, baseline: str, code: CodeChanges, width: int) -> Iterator[Line]:
    if not code.cells:
        return
    counts: Counter[str] = Counter(cell.status for cell in code.cells)
    moved = sum(cell.moved for cell in code.cells)
    words = [f"{count} {_WORDS[status]}" for status in _WORDS if (count := counts.get(status, 0))]
    if moved:
        words.append(f"{moved} moved")
    yield Line("")
    yield Line(truncate(f"Code of {head} against {baseline}: {', '.join(words)}", width), is_title=True)
    for cell in code.cells:
        yield Line(truncate(f"  {_cell(cell)}", width))
        diff = cell.diff.splitlines() if cell.status in ("changed", "added", "removed") else []
        for line in diff[:_MOST_DIFF]:
            if not line.startswith("@@") or cell.status == "changed":
                yield Line(truncate(f"      {printable(line.expandtabs(4))}", width), is_diff=True)
        if len(diff) > _MOST_DIFF:
            yield Line(f"      … {len(diff) - _MOST_DIFF} more lines: see --format json")


_WORDS = {
    "changed": "changed",
    "added": "added",
    "removed": "removed",
    "tags": "with other tags",
    "layout": "in comments or layout only",
    "text": "of text changed",
    "same": "the same",
}


def _cell(cell: CellChange) -> str:
    told = {
        "changed": "changed",
        "added": "added",
        "removed": "removed",
        "tags": "other tags or settings",
        "layout": "comments or layout only",
        "text": "text changed",
        "same": "the same",
    }[cell.status]
    numbers = f"cell {cell.other_number or cell.number}"
    if cell.number and cell.other_number and cell.number != cell.other_number:
        numbers += f" (was {cell.number})"
    owner = f", {printable(cell.step)}" if cell.step else ""
    details = [told]
    if cell.moved:
        details.append("moved")
    if cell.tags:
        details.append(f"tags: {_tags(cell.tags[0])} → {_tags(cell.tags[1])}")
    if cell.other_id is not None and cell.status != "added":
        details.append("other id")
    return f"{numbers}{owner}: {', '.join(details)}"


def _tags(tags: Sequence[str]) -> str:
    return " ".join(printable(tag) for tag in tags) or "none"
