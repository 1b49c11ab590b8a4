"""Layered layout: which step on which layer, in which order, at which x.

Steps stand on the even layers. Every edge passes the layers between its ends through a
node of its own, so that no line runs through a box, and one of these nodes on an odd
layer carries the edge's label, so that labels have room as well.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Layering", "Node", "coordinates", "layering", "spread"]

_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the drawing: a step, or a point that an edge passes.

    Args:
        layer: 0 is on top.
        step: Index of the step, or None for a point of an edge.
        label: Index of the edge whose label stands here, or None.
    """

    layer: int
    step: int | None = None
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Layering:
    """Nodes in layers, crossings reduced.

    Args:
        layers: Indices into ``nodes``, from left to right.
        chains: For each edge the nodes it passes from top to bottom, both ends included.
    """

    nodes: tuple[Node, ...]
    layers: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]

    def links(self) -> list[tuple[int, int]]:
        """Pairs of nodes on neighbouring layers that a line joins, each once, sorted."""
        return sorted({pair for chain in self.chains for pair in itertools.pairwise(chain)})


def layering(count: int, edges: Sequence[tuple[int, int]], *, bundle: bool = False) -> Layering:
    """Put steps on layers by their longest path and order each layer to cross few lines.

    Args:
        count: Number of steps.
        edges: Pairs of step indices, the smaller one first.
        bundle: Let the edges of one step share their way down until each one's last layer.
    """
    ranks = _ranks(count, edges)
    nodes = [Node(2 * rank, step=index) for index, rank in enumerate(ranks)]
    shared: dict[tuple[int, int], int] = {}
    chains = []
    for number, (source, target) in enumerate(edges):
        top, bottom = 2 * ranks[source], 2 * ranks[target]
        labelled = bottom - 1 if bundle else top + 1
        chain = [source]
        for layer in range(top + 1, bottom):
            key = (source, layer)
            if bundle and layer != labelled and key in shared:
                chain.append(shared[key])
                continue
            chain.append(len(nodes))
            if layer != labelled:
                shared[key] = len(nodes)
            nodes.append(Node(layer, label=number if layer == labelled else None))
        chains.append((*chain, target))
    layers: list[list[int]] = [[] for _ in range(max((node.layer for node in nodes), default=-1) + 1)]
    for index, node in enumerate(nodes):
        layers[node.layer].append(index)
    above, below = _neighbours(nodes, chains)
    ordered = _reduce_crossings(layers, above, below)
    return Layering(tuple(nodes), tuple(map(tuple, ordered)), tuple(chains))


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from the top; steps that need nothing stand right above their first consumer."""
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    targets = {target for _, target in edges}
    for step in range(count):
        consumers = [ranks[target] for source, target in edges if source == step]
        if step not in targets and consumers:
            ranks[step] = min(consumers) - 1
    return ranks


def _neighbours(nodes: Sequence[Node], chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """For each node the ones it is joined to on the layer above and on the layer below."""
    above: list[list[int]] = [[] for _ in nodes]
    below: list[list[int]] = [[] for _ in nodes]
    for upper, lower in sorted({pair for chain in chains for pair in itertools.pairwise(chain)}):
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def _reduce_crossings(
    layers: Sequence[Sequence[int]], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Sort layers by the mean position of their neighbours, downwards and upwards in turn; keep the best."""
    current = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in current], _crossings(current, below)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        downwards = sweep % 2 == 0
        neighbours = above if downwards else below
        numbers = range(1, len(current)) if downwards else range(len(current) - 2, -1, -1)
        for number in numbers:
            reference = current[number - 1 if downwards else number + 1]
            position = {node: place for place, node in enumerate(reference)}
            current[number] = _by_barycenter(current[number], neighbours, position)
        crossings = _crossings(current, below)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in current], crossings
    return best


def _by_barycenter(layer: Sequence[int], neighbours: Sequence[Sequence[int]], position: Mapping[int, int]) -> list[int]:
    """Sort a layer; a node without neighbours stays beside the one it stood next to."""
    keys: dict[int, float] = {}
    last = -1.0
    for node in layer:
        places = [position[other] for other in neighbours[node]]
        last = sum(places) / len(places) if places else last
        keys[node] = last
    return sorted(layer, key=lambda node: keys[node])


def _crossings(layers: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """Count pairs of lines that cross."""
    total = 0
    for upper, lower in itertools.pairwise(layers):
        position = {node: place for place, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            places = sorted(position[other] for other in below[node])
            total += sum(len(seen) - bisect_right(seen, place) for place in places)
            for place in places:
                insort(seen, place)
    return total


def coordinates(
    layout: Layering, extents: Sequence[tuple[float, float]], gap: float, line_gap: float | None = None
) -> list[float]:
    """Give every node an x such that lines are as straight as the widths allow.

    Args:
        extents: For each node how far it reaches to the left and to the right of its x.
        gap: Least distance between two neighbours on a layer.
        line_gap: Least distance of a line from its neighbours where that makes it straight; default ``gap``.

    Returns:
        For each node its x; the leftmost one begins at 0.
    """
    pulls_up, pulls_down = _pulls(layout)
    xs = [0.0] * len(layout.nodes)
    for layer in layout.layers:
        right = 0.0
        for node in layer:
            xs[node] = right + extents[node][0]
            right = xs[node] + extents[node][1] + gap
    both = [up + down for up, down in zip(pulls_up, pulls_down, strict=True)]
    passes = [(pulls_up, 1), (pulls_down, -1)] * _SWEEPS + [(both, 1), (both, -1)] * 2
    for pulls, direction in passes:
        for layer in layout.layers[::direction]:
            _settle(layer, extents, gap, xs, pulls)
    _straighten(layout, extents, gap if line_gap is None else line_gap, xs)
    leftmost = min((xs[node] - extents[node][0] for node in range(len(xs))), default=0.0)
    return [x - leftmost for x in xs]


def _pulls(layout: Layering) -> tuple[list[list[tuple[int, float]]], list[list[tuple[int, float]]]]:
    """For each node its neighbours above and below, and how strongly they pull.

    The points of one edge pull each other most, so that long edges are straight; a
    neighbour with many lines on that side pulls little, as most of them are bent anyway.
    """
    above, below = _neighbours(layout.nodes, layout.chains)

    def strength(node: int, other: int, lines: int) -> float:
        points = layout.nodes[node].step is None and layout.nodes[other].step is None
        return 12.0 if points else 4.0 / lines**2

    up = [[(other, strength(node, other, len(below[other]))) for other in above[node]] for node in range(len(above))]
    down = [[(other, strength(node, other, len(above[other]))) for other in below[node]] for node in range(len(below))]
    return up, down


def _settle(
    layer: Sequence[int],
    extents: Sequence[tuple[float, float]],
    gap: float,
    xs: list[float],
    pulls: Sequence[Sequence[tuple[int, float]]],
) -> None:
    """Move the nodes of one layer towards their neighbours, in place."""
    desired, weights = [], []
    for node in layer:
        total = sum(pull for _, pull in pulls[node])
        weights.append(total or 0.1)
        desired.append(sum(xs[other] * pull for other, pull in pulls[node]) / total if total else xs[node])
    distances = [extents[a][1] + gap + extents[b][0] for a, b in itertools.pairwise(layer)]
    for node, x in zip(layer, spread(desired, distances, weights), strict=True):
        xs[node] = x


def _straighten(layout: Layering, extents: Sequence[tuple[float, float]], gap: float, xs: list[float]) -> None:
    """Put the points of an edge below each other where their neighbours leave room, in place."""
    above, _ = _neighbours(layout.nodes, layout.chains)
    for layer in layout.layers:
        for place, node in enumerate(layer):
            points = [other for other in above[node] if layout.nodes[other].step is None]
            if layout.nodes[node].step is not None or not points:
                continue
            want = xs[points[0]]
            before, after = layer[:place][-1:], layer[place + 1 : place + 2]
            room_left = all(xs[other] + extents[other][1] + gap <= want - extents[node][0] for other in before)
            room_right = all(want + extents[node][1] + gap <= xs[other] - extents[other][0] for other in after)
            if room_left and room_right:
                xs[node] = want


def spread(desired: Sequence[float], distances: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Places in the given order, at least the given distances apart, as near to the desired ones as can be.

    Least squares under order constraints: isotonic regression by pooling adjacent violators
    (Barlow et al., Statistical Inference under Order Restrictions, 1972).

    Args:
        desired: Where each one would like to be.
        distances: Least distance between each one and the next.
        weights: How strongly each one insists.
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, float, int]] = []
    for index, want in enumerate(desired):
        mean, weight, size = want - offsets[index], weights[index] if weights else 1.0, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_size = pools.pop()
            total = weight + other_weight
            mean, weight, size = (mean * weight + other * other_weight) / total, total, size + other_size
        pools.append((mean, weight, size))
    levels = [mean for mean, _, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=False)]
