"""The pipeline as a self-contained SVG image."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape

from jupyter_mlops.pipeline.drawing.labels import display_width, edge_pairs, flow_names, one_line, summary, truncate
from jupyter_mlops.pipeline.drawing.layout import Layering, coordinates, layering, spread
from jupyter_mlops.pipeline.drawing.palette import STATUS_COLORS, step_color
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step

__all__ = ["svg"]

_MARGIN = 16.0
_GAP = 18.0
_NAME_WIDTH = 32
_LABEL_WIDTH = 26
_NAME_CHAR, _SMALL_CHAR = 7.4, 6.0
_BOX, _BOX_WITH_STATUS, _LABEL, _SPACE = 32.0, 46.0, 18.0, 16.0
_MOST_SPACE = 30.0  # added where lines go far sideways, so that they don't run flat
_ICON = 26.0

# Attributes carry the light colours for viewers without CSS variables; a page that shows the
# image inline can set --mlops-… to its own theme's colours.
_STYLE = """
.mlops-graph{--g-page:var(--mlops-page,#ffffff);--g-box:var(--mlops-box,#ffffff);--g-border:var(--mlops-border,#c4c4c9);\
--g-text:var(--mlops-text,#212121);--g-soft:var(--mlops-soft,#5f5f66);--g-line:var(--mlops-line,#8c8c94);\
--g-pill:var(--mlops-pill,#f0f0f3)}
@media (prefers-color-scheme:dark){.mlops-graph{--g-page:var(--mlops-page,#161618);--g-box:var(--mlops-box,#222226);\
--g-border:var(--mlops-border,#4a4a52);--g-text:var(--mlops-text,#ececec);--g-soft:var(--mlops-soft,#b4b4bc);\
--g-line:var(--mlops-line,#82828c);--g-pill:var(--mlops-pill,#2c2c31)}}
.mlops-graph text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.mlops-graph .page{fill:var(--g-page)}.mlops-graph .box{fill:var(--g-box);stroke:var(--g-border)}
.mlops-graph .name{fill:var(--g-text)}.mlops-graph .sub,.mlops-graph .label{fill:var(--g-soft)}
.mlops-graph .line{stroke:var(--g-line)}.mlops-graph .head{fill:var(--g-line)}.mlops-graph .pill{fill:var(--g-pill)}
"""

_ICONS = {
    "succeeded": "M-5,0 L-1.5,3.5 L5,-4",
    "failed": "M-4,-4 L4,4 M4,-4 L-4,4",
    "cancelled": "M-4.5,0 L4.5,0",
    "skipped": "M-4,-4 L0,0 L-4,4 M1,-4 L5,0 L1,4",
    "reused": "M4.2,-2.6 A5,5 0 1 0 5,1 M4.8,-5.6 L4.4,-2.2 L1.2,-2.8",
    "running": "M-2.4,-4.4 L4.4,0 L-2.4,4.4 Z",
}


def svg(pipeline: Pipeline, *, status: Mapping[str, str] | None = None) -> str:
    """Draw the steps on layers with what flows between them.

    The same pipeline gives the same text. The image stands alone (no scripts, fonts or
    links) and follows the reader's light or dark theme.

    Args:
        pipeline: May have errors; edges that lead nowhere are left out.
        status: For steps by slug, a line such as ``succeeded · 0.4 s``; its first word
            is the status and gives the box its mark.

    Returns:
        The ``<svg>`` element with a newline at the end.
    """
    return _Drawing(pipeline, status).render()


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


class _Drawing:
    """One picture: places first, then elements from back to front."""

    def __init__(self, pipeline: Pipeline, status: Mapping[str, str] | None) -> None:
        self.pipeline = pipeline
        self.status = status
        self.pairs = edge_pairs(pipeline)
        self.names = [truncate(one_line(step.name), _NAME_WIDTH) for step in pipeline.steps]
        self.labels = [truncate(summary(flow_names(edge)), _LABEL_WIDTH) for edge, *_ in self.pairs]
        pairs = [(upper, lower) for _, upper, lower, _ in self.pairs]
        self.layout: Layering = layering(len(pipeline.steps), pairs, bundle=True)
        self.box = _BOX if status is None else _BOX_WITH_STATUS
        self.halves = [self._half(node) for node in range(len(self.layout.nodes))]
        xs = coordinates(self.layout, [(half, half) for half in self.halves], _GAP, 8.0)
        self.xs = [x + _MARGIN for x in xs]
        self.width = max([x + half for x, half in zip(self.xs, self.halves, strict=True)] or [140.0]) + _MARGIN
        self.arrivals, self.departures = self._ports()
        self.tops, self.height = self._rows()

    def _half(self, index: int) -> float:
        """Half the width of a node."""
        node = self.layout.nodes[index]
        if node.step is not None:
            name = display_width(self.names[node.step]) * _NAME_CHAR + 32
            line = self._status_line(self.pipeline.steps[node.step])
            if line:
                name = max(name + _ICON, display_width(line) * _SMALL_CHAR + 32 + _ICON)
            return max(name, 88.0) / 2
        if node.label is not None and self.labels[node.label]:
            return (display_width(self.labels[node.label]) * _SMALL_CHAR + 14) / 2
        return 1.0

    def _status_line(self, step: Step) -> str:
        if self.status is None:
            return ""
        return truncate(one_line(self.status.get(step.slug, "")), _NAME_WIDTH + 8)

    def _rows(self) -> tuple[list[float], float]:
        """The top of each layer, and the height of the picture."""
        farthest = [0.0] * len(self.layout.layers)
        for upper, lower in self.layout.links():
            layer = self.layout.nodes[upper].layer
            farthest[layer] = max(farthest[layer], abs(self.departures[upper, lower] - self.arrivals[lower, upper]))
        tops, y, space = [], _MARGIN, 0.0
        for number, sideways in enumerate(farthest):
            tops.append(y)
            space = _SPACE + min(_MOST_SPACE, sideways * 0.1)
            y += (self.box if number % 2 == 0 else _LABEL) + space
        return tops, (y - space if tops else 40.0) + _MARGIN

    def _ports(self) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]]:
        """Where lines reach the top and leave the bottom of each box, keyed by box and other node."""
        above: dict[int, list[int]] = {}
        below: dict[int, list[int]] = {}
        for upper, lower in self.layout.links():
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
        arrivals = {key: x for node, others in above.items() for key, x in self._side(node, others).items()}
        departures = {key: x for node, others in below.items() for key, x in self._side(node, others).items()}
        return arrivals, departures

    def _side(self, node: int, others: Sequence[int]) -> dict[tuple[int, int], float]:
        if self.layout.nodes[node].step is None:
            return {(node, other): self.xs[node] for other in others}
        ordered = sorted(others, key=lambda other: (self.xs[other], other))
        reach = self.halves[node] - 14
        step = min(14.0, 2 * reach / max(len(ordered) - 1, 1))
        wanted = spread([self.xs[other] for other in ordered], [step] * (len(ordered) - 1))
        low, high = self.xs[node] - reach, self.xs[node] + reach - step * (len(ordered) - 1)
        return {
            (node, other): min(max(x - place * step, low), high) + place * step
            for place, (other, x) in enumerate(zip(ordered, wanted, strict=True))
        }

    def render(self) -> str:
        width, height = _number(self.width), _number(self.height)
        title = escape(one_line(self.pipeline.name))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mlops-graph" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-label="Pipeline {title}">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}" fill="#ffffff"/>',
        ]
        for number, (edge, *_, upwards) in enumerate(self.pairs):
            parts.append(self._edge(edge, self.layout.chains[number], upwards))
        for index, node in enumerate(self.layout.nodes):
            if node.label is not None and self.labels[node.label]:
                parts.append(self._label(index, node.layer, node.label))
        for number, step in enumerate(self.pipeline.steps):
            parts.append(self._step(number, step))
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _edge(self, edge: Edge, chain: Sequence[int], upwards: bool) -> str:
        """A smooth line through the points of the edge, and its arrow head."""
        x, y = self.departures[chain[0], chain[1]], self._bottom(chain[0])
        path = [f"M{_number(x)},{_number(y)}"]
        for before, node in itertools.pairwise(chain):
            last = node == chain[-1]
            new_x = self.arrivals[node, before]
            new_y = self.tops[self.layout.nodes[node].layer] - (4 if last and not upwards else 0)
            middle = _number((y + new_y) / 2)
            path.append(f"C{_number(x)},{middle} {_number(new_x)},{middle} {_number(new_x)},{_number(new_y)}")
            x, y = new_x, new_y
            if not last:
                y = self._bottom(node)
                path.append(f"V{_number(y)}")
        if upwards:
            x, y = self.departures[chain[0], chain[1]], self._bottom(chain[0])
            head = f"M{_number(x - 4)},{_number(y + 6.5)}h8l-4,-6.5z"
        else:
            head = f"M{_number(x - 4)},{_number(y - 2.5)}h8l-4,6.5z"
        names = flow_names(edge)
        title = f"{self._name(edge.source)} → {self._name(edge.target)}: {', '.join(names) or 'order only'}"
        dash = "" if names else ' stroke-dasharray="4 3"'
        return (
            f'<g class="edge" data-source="{escape(edge.source)}" data-target="{escape(edge.target)}">'
            f"<title>{escape(title)}</title>"
            f'<path class="line" d="{" ".join(path)}" fill="none" stroke="#8c8c94" stroke-width="1.3"{dash}/>'
            f'<path class="head" d="{head}" fill="#8c8c94"/></g>'
        )

    def _name(self, slug: str) -> str:
        return one_line(self.pipeline.step(slug).name)

    def _bottom(self, index: int) -> float:
        layer = self.layout.nodes[index].layer
        return self.tops[layer] + (self.box if layer % 2 == 0 else _LABEL)

    def _label(self, index: int, layer: int, number: int) -> str:
        x, half, top = self.xs[index], self.halves[index], self.tops[layer]
        return (
            f"<g><title>{escape(', '.join(flow_names(self.pairs[number][0])))}</title>"
            f'<rect class="pill" x="{_number(x - half)}" y="{_number(top)}" width="{_number(2 * half)}" '
            f'height="{_number(_LABEL)}" rx="9" fill="#f0f0f3"/>'
            f'<text class="label" x="{_number(x)}" y="{_number(top + 12.5)}" font-size="10.5" text-anchor="middle" '
            f'fill="#5f5f66">{escape(self.labels[number])}</text></g>'
        )

    def _step(self, number: int, step: Step) -> str:
        x, half = self.xs[number], self.halves[number]
        left, top = x - half, self.tops[self.layout.nodes[number].layer]
        line = self._status_line(step)
        state = line.split(" ")[0] if line else ""
        name_y = top + (20 if line else self.box / 2 + 4.5)
        waiting = ' stroke-dasharray="4 3"' if state in {"queued", "skipped", "cancelled"} else ""
        outline = f' style="stroke:{STATUS_COLORS[state]};stroke-width:1.8"' if state in {"running", "failed"} else ""
        parts = [
            f'<g class="step" data-step="{escape(step.slug)}"><title>{escape(_tooltip(step, line))}</title>',
            f'<rect class="box" x="{_number(left)}" y="{_number(top)}" width="{_number(2 * half)}" '
            f'height="{_number(self.box)}" rx="6" fill="#ffffff" stroke="#c4c4c9"{waiting}{outline}/>',
            f'<path d="M{_number(left + 6)},{_number(top)} h-0.5 a5.5,5.5 0 0 0 -5.5,5.5 v{_number(self.box - 11)} '
            f'a5.5,5.5 0 0 0 5.5,5.5 h0.5 z" fill="{step_color(number)}"/>',
            f'<text class="name" x="{_number(left + 16)}" y="{_number(name_y)}" font-size="13" '
            f'fill="#212121">{escape(self.names[number])}</text>',
        ]
        if line:
            parts.append(
                f'<text class="sub" x="{_number(left + 16)}" y="{_number(top + 36)}" font-size="10.5" '
                f'fill="#5f5f66">{escape(line)}</text>'
            )
        if state in _ICONS:
            color = STATUS_COLORS[state]
            fill = color if state == "running" else "none"
            parts.append(
                f'<path transform="translate({_number(x + half - 16)} {_number(top + self.box / 2)})" '
                f'd="{_ICONS[state]}" '
                f'fill="{fill}" stroke="{color}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>'
            )
        return "".join([*parts, "</g>"])


def _tooltip(step: Step, line: str) -> str:
    """The step's full name, state, inputs and outputs."""
    texts = [one_line(step.name) + (f" · {line}" if line else "")]
    if step.inputs:
        texts.append(f"takes {', '.join(step.inputs)}")
    if step.outputs:
        texts.append(f"gives {', '.join(step.outputs)}")
    return "\n".join(texts)
