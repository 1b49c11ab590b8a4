"""The pipeline as a drawing for a terminal."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_mlops.pipeline.drawing.labels import (
    display_width,
    edge_pairs,
    flow_names,
    one_line,
    shorten,
    truncate,
)
from jupyter_mlops.pipeline.drawing.layout import Layering, coordinates, layering, spread
from jupyter_mlops.pipeline.model import Edge, Pipeline

__all__ = ["text_graph"]

_MOST_BOXES = 12
_MOST_EDGES = 18
_KEEP = "\u00a0"  # textwrap does not break here
_NAME_WIDTH = 30
_LABEL_WIDTH = 18
_LABEL_LINES = 3
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_UNICODE_LINES = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
_ASCII_LINES = " |||-+++-+++-+++"


class _CannotRouteError(Exception):
    """Two lines want the same place."""


def text_graph(pipeline: Pipeline, *, width: int = 80, unicode: bool = True) -> str:
    """Draw the steps as boxes and what flows between them.

    A pipeline that is too wide or too long for boxes gets one line per step with what
    it takes from where.

    Args:
        pipeline: May have errors; edges that lead nowhere are left out.
        width: Columns at hand.
        unicode: Whether box characters can be shown; plain ASCII otherwise.

    Returns:
        Lines without trailing blanks, without a newline at the end.
    """
    if not pipeline.steps:
        return "(no steps)"
    boxes = len(pipeline.steps) <= _MOST_BOXES and len(pipeline.edges) <= _MOST_EDGES
    drawing = _draw_boxes(pipeline, unicode) if boxes else None
    if drawing is None or max(map(display_width, drawing)) > width:
        drawing = _step_lines(pipeline, width, unicode)
    return "\n".join(drawing)


def _draw_boxes(pipeline: Pipeline, unicode: bool) -> list[str] | None:
    """Draw boxes, with the lines' ends moved a little where lines would be in each other's way."""
    for shift in (0, 1, -1):
        try:
            return _Boxes(pipeline, unicode, shift).draw()
        except _CannotRouteError:
            continue
    return None


def _step_lines(pipeline: Pipeline, width: int, unicode: bool) -> list[str]:
    """One line per step: its name and what it takes from where."""
    arrow, ellipsis = ("←", "…") if unicode else ("<-", "...")
    names = {step.slug: truncate(one_line(step.name), _NAME_WIDTH, ellipsis) for step in pipeline.steps}
    column = max(display_width(name) for name in names.values())
    digits = len(str(len(pipeline.steps)))
    place = {slug: number for number, slug in enumerate(names)}
    incoming: dict[str, list[Edge]] = {slug: [] for slug in names}
    for edge in sorted(pipeline.edges, key=lambda edge: place.get(edge.source, -1)):
        if edge.source in names and edge.target in names:
            incoming[edge.target].append(edge)
    lines = []
    for number, step in enumerate(pipeline.steps, 1):
        name = names[step.slug]
        start = f"{number:>{digits}}  {name}{' ' * (column - display_width(name))} "
        sources = ", ".join(_source(names[edge.source], flow_names(edge)) for edge in incoming[step.slug])
        text = f"{arrow} {sources}" if sources else ""
        indent = " " * (digits + column + 4 + len(arrow))
        room = max(width - len(indent) - 1, 24)
        wrapped = textwrap.wrap(text, room + len(arrow) + 1, subsequent_indent="", break_on_hyphens=False) or [""]
        lines.append(f"{start} {wrapped[0]}".rstrip())
        lines += [f"{indent} {line}" for line in wrapped[1:]]
    return [line.replace(_KEEP, " ") for line in lines]


def _source(name: str, names: Sequence[str]) -> str:
    """``split (X_train, y_train)``, with the blanks inside names kept from being broken."""
    kept = name.replace(" ", _KEEP)
    return f"{kept} ({', '.join(item.replace(' ', _KEEP) for item in names) or 'order'})"


@dataclass
class _Canvas:
    """A grid of characters; lines that meet join."""

    lines: str
    marks: dict[tuple[int, int], int] = field(default_factory=dict)
    chars: dict[tuple[int, int], str] = field(default_factory=dict)

    def mark(self, x: int, y: int, directions: int) -> None:
        self.marks[x, y] = self.marks.get((x, y), 0) | directions

    def write(self, x: int, y: int, text: str) -> None:
        for char in text:
            if unicodedata.combining(char) or display_width(char) == 0:
                self.chars[x - 1, y] = self.chars.get((x - 1, y), "") + char
                continue
            self.chars[x, y] = char
            if display_width(char) == 2:
                self.chars[x + 1, y] = ""
            x += display_width(char)

    def horizontal(self, x1: int, x2: int, y: int) -> None:
        for x in range(min(x1, x2), max(x1, x2)):
            self.mark(x, y, _RIGHT)
            self.mark(x + 1, y, _LEFT)

    def vertical(self, x: int, y1: int, y2: int) -> None:
        """From the middle of one row to the middle of a lower one."""
        for y in range(y1, y2):
            self.mark(x, y, _DOWN)
            self.mark(x, y + 1, _UP)

    def rows(self) -> list[str]:
        places = [*self.marks, *self.chars]
        width, height = max(x for x, _ in places) + 1, max(y for _, y in places) + 1
        return ["".join(self._at(x, y) for x in range(width)).rstrip() for y in range(height)]

    def _at(self, x: int, y: int) -> str:
        return self.chars.get((x, y), self.lines[self.marks.get((x, y), 0)])


class _Boxes:
    """Draws steps as boxes on layers, with a line and a label for each edge."""

    def __init__(self, pipeline: Pipeline, unicode: bool, shift: int) -> None:
        self.shift = shift
        ellipsis = "…" if unicode else "..."
        self.heads = ("▼", "▲") if unicode else ("v", "^")
        self.canvas = _Canvas(_UNICODE_LINES if unicode else _ASCII_LINES)
        self.names = [truncate(one_line(step.name), _NAME_WIDTH, ellipsis) for step in pipeline.steps]
        self.pairs = edge_pairs(pipeline)
        self.labels = [shorten(flow_names(edge), _LABEL_WIDTH, _LABEL_LINES, ellipsis) for edge, *_ in self.pairs]
        self.layout: Layering = layering(len(self.names), [(upper, lower) for _, upper, lower, _ in self.pairs])
        self.above: list[list[int]] = [[] for _ in self.layout.nodes]
        self.below: list[list[int]] = [[] for _ in self.layout.nodes]
        for upper, lower in self.layout.links():
            self.above[lower].append(upper)
            self.below[upper].append(lower)
        self.extents = [self._extent(node) for node in range(len(self.layout.nodes))]
        self.xs = [math.floor(x + 0.5) for x in coordinates(self.layout, self.extents, 3, 2)]
        self.tops: dict[int, int] = {}

    def _extent(self, index: int) -> tuple[int, int]:
        node = self.layout.nodes[index]
        if node.step is not None:
            ports = max(len(self.above[index]), len(self.below[index]))
            width = max(display_width(self.names[node.step]) + 4, 4 * ports - 1)
            return (width - 1) // 2, width // 2
        if node.label is not None and self.labels[node.label]:
            return 0, max(map(display_width, self.labels[node.label])) + 1
        return 0, 0

    def draw(self) -> list[str]:
        y = 0
        for number, layer in enumerate(self.layout.layers):
            height = self._draw_layer(layer, y)
            y += height
            if number + 1 < len(self.layout.layers):
                y += self._draw_channel(layer, self.layout.layers[number + 1], y)
        for chain, (*_, upwards) in zip(self.layout.chains, self.pairs, strict=True):
            self._draw_head(chain, upwards)
        return self.canvas.rows()

    def _draw_layer(self, layer: Sequence[int], y: int) -> int:
        """Draw boxes, or labels beside their lines; return the rows used."""
        if any(self.layout.nodes[node].step is not None for node in layer):
            height = 3
        else:
            labels = [self.layout.nodes[node].label for node in layer]
            height = max([1, *(len(self.labels[label]) for label in labels if label is not None)])
        for node in layer:
            step, label = self.layout.nodes[node].step, self.layout.nodes[node].label
            if step is not None:
                self._draw_box(node, self.names[step], y)
                continue
            self.canvas.vertical(self.xs[node], y, y + height - 1)
            self.canvas.mark(self.xs[node], y, _UP | _DOWN)
            self.canvas.mark(self.xs[node], y + height - 1, _UP | _DOWN)
            for row, text in enumerate(self.labels[label] if label is not None else ()):
                self.canvas.write(self.xs[node] + 2, y + row, text)
        return height

    def _draw_box(self, node: int, name: str, y: int) -> None:
        left, right = self.xs[node] - self.extents[node][0], self.xs[node] + self.extents[node][1]
        for row in (y, y + 2):
            self.canvas.horizontal(left, right, row)
        for x in (left, right):
            self.canvas.vertical(x, y, y + 2)
        self.canvas.write(left + 2 + (right - left - 3 - display_width(name)) // 2, y + 1, name)
        for port in self._ports(node, self.below[node]).values():
            self.canvas.mark(port, y + 2, _DOWN)
        for port in self._ports(node, self.above[node]).values():
            self.canvas.mark(port, y, _UP)
            self.canvas.write(port, y, self.heads[0])
        self.tops[node] = y

    def _ports(self, node: int, others: Sequence[int]) -> dict[int, int]:
        """Where on a box the lines to or from these nodes begin, at least two columns apart."""
        if self.layout.nodes[node].step is None:
            return dict.fromkeys(others, self.xs[node])
        ordered = sorted(others, key=lambda other: self.xs[other])
        low = self.xs[node] - self.extents[node][0] + 1
        high = self.xs[node] + self.extents[node][1] - 1 - 2 * (len(ordered) - 1)
        low, high = min(low + max(-self.shift, 0), high), max(high - max(self.shift, 0), low)
        wanted = spread([float(self.xs[other]) for other in ordered], [2.0] * (len(ordered) - 1))
        return {
            other: min(max(round(x) - 2 * place, low), high) + 2 * place
            for place, (other, x) in enumerate(zip(ordered, wanted, strict=True))
        }

    def _draw_channel(self, upper: Sequence[int], lower: Sequence[int], y: int) -> int:
        """Draw the lines between two layers; return the rows used."""
        members = set(lower)
        arrivals = {node: self._ports(node, self.above[node]) for node in lower}
        lines = [
            (start, arrivals[other][node])
            for node in upper
            for other, start in self._ports(node, self.below[node]).items()
            if other in members
        ]
        tracks = _tracks(lines)
        height = max([0, *(track + 1 for track in tracks.values())])
        for start, end in lines:
            track = tracks.get((start, end))
            if height == 0:
                continue
            if track is None:
                self._down(start, y, y + height - 1)
                continue
            self._down(start, y, y + track, last=False)
            self._down(end, y + track, y + height - 1, first=False)
            self.canvas.horizontal(start, end, y + track)
        return height

    def _down(self, x: int, y1: int, y2: int, *, first: bool = True, last: bool = True) -> None:
        """A vertical line that also joins the rows above and below it."""
        self.canvas.vertical(x, y1, y2)
        if first:
            self.canvas.mark(x, y1, _UP)
        if last:
            self.canvas.mark(x, y2, _DOWN)

    def _draw_head(self, chain: Sequence[int], upwards: bool) -> None:
        """Turn the arrow of an edge that points upwards."""
        if not upwards:
            return
        top, bottom = chain[0], chain[-1]
        arrival = self._ports(bottom, self.above[bottom])[chain[-2]]
        self.canvas.chars.pop((arrival, self.tops[bottom]), None)
        self.canvas.write(self._ports(top, self.below[top])[chain[1]], self.tops[top] + 2, self.heads[1])


def _tracks(lines: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Give each line that moves sideways a row of its own where it would touch another."""
    bent = sorted(
        (line for line in lines if line[0] != line[1]),
        key=lambda line: (line[0] < line[1], line[0] if line[0] > line[1] else -line[0]),
    )
    tracks: dict[tuple[int, int], int] = {}
    while len(tracks) < len(bent):
        ready = [
            line
            for line in bent
            if line not in tracks and all(other in tracks for other in bent if other != line and other[0] == line[1])
        ]
        if not ready:
            raise _CannotRouteError
        line = ready[0]
        track = max([0, *(tracks[other] + 1 for other in bent if other != line and other[0] == line[1])])
        while any(row == track and _touch(line, other) for other, row in tracks.items()):
            track += 1
        tracks[line] = track
    return tracks


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(min(one), min(other)) <= min(max(one), max(other)) + 1
