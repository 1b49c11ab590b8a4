"""Lineage as a drawing: step runs, files, runs and models are boxes, what flowed between steps stands at the lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jupyter_mlops.pipeline import drawing
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step
from jupyter_mlops.tracking.lineage_model import Lineage, LineageNode
from jupyter_mlops.tracking.lineage_text import left_out, node_details, short_run

__all__ = ["lineage_mermaid", "lineage_svg"]

_FIRST_WORDS = {"file": "file", "content": "content", "artifact": "artifact", "model": "model"}


def lineage_svg(lineage: Lineage) -> str:
    """Draw a lineage as a self-contained SVG image; equal ones give the same text."""
    pipeline, status = _as_pipeline(lineage)
    return drawing.svg(pipeline, status=status)


def lineage_mermaid(lineage: Lineage) -> str:
    """Draw a lineage as a Mermaid flowchart, a dotted arrow where no data flowed."""
    pipeline, _ = _as_pipeline(lineage)
    return drawing.mermaid(pipeline)


def _as_pipeline(lineage: Lineage) -> tuple[Pipeline, dict[str, str]]:
    """The drawings know pipelines: each box is a step of one, in an order in which arrows go down."""
    boxes = {node.id: node for node in lineage.nodes if _is_box(lineage, node)}
    edges = _edges(lineage, boxes)
    names = {node.id: _name(node) for node in boxes.values()}
    status = {node.id: _status(node) for node in boxes.values()}
    for node in boxes.values():
        for up, count in ((True, node.more_up), (False, node.more_down)):
            if count:
                more = f"{node.id} {'above' if up else 'below'}"
                names[more], status[more] = left_out(count, node.at_least), ""
                edges[(more, node.id) if up else (node.id, more)] = {}
    gives: dict[str, list[str]] = {}
    for edge in lineage.edges:
        if edge.source in boxes and edge.target not in boxes:
            gives.setdefault(edge.source, []).append(lineage.node(edge.target).name)
    steps = [Step(names[slug], slug, (), outputs=tuple(gives.get(slug, ()))) for slug in _in_order(names, edges)]
    flows = [Edge(source, target, tuple(labels)) for (source, target), labels in edges.items()]
    pipeline = Pipeline(f"Lineage of {lineage.asked}", None, "", (), tuple(steps), tuple(flows), ())
    return pipeline, status


def _is_box(lineage: Lineage, node: LineageNode) -> bool:
    """An artifact between steps stands at their line; one that begins or ends the drawing is a box."""
    if node.kind != "artifact" or node.id == lineage.start or node.more_down or node.more_up:
        return True
    sources = [edge for edge in lineage.edges if edge.target == node.id]
    targets = [edge for edge in lineage.edges if edge.source == node.id]
    return not sources or any(edge.relation != "took" for edge in targets)


def _edges(lineage: Lineage, boxes: Iterable[str]) -> dict[tuple[str, str], dict[str, None]]:
    """Pairs of boxes with what stands at their line: the artifacts that flowed, else the relation."""
    known = set(boxes)
    makers: dict[str, list[str]] = {}
    for edge in lineage.edges:
        if edge.target not in known:
            makers.setdefault(edge.target, []).append(edge.source)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for edge in lineage.edges:
        if edge.target not in known:
            continue
        if edge.source in known:
            labels: dict[str, None] = {} if edge.relation == "part" else {edge.relation: None}
            found.setdefault((edge.source, edge.target), {}).update(labels)
            continue
        for maker in _makers_for(lineage, makers.get(edge.source, ()), edge.target):
            if maker in known:
                found.setdefault((maker, edge.target), {})[lineage.node(edge.source).name] = None
    return found


def _makers_for(lineage: Lineage, makers: Sequence[str], target: str) -> Sequence[str]:
    """Whoever gave an artifact to a step: the step of its own run, also if it reused it; else the one that computed."""
    run_id = lineage.node(target).run_id
    own = [maker for maker in makers if lineage.node(maker).run_id == run_id]
    return own or [maker for maker in makers if lineage.node(maker).computed_in is None] or makers


def _name(node: LineageNode) -> str:
    return f"run {short_run(node.name)}" if node.kind == "run" else node.name


def _status(node: LineageNode) -> str:
    """Begins with the status where there is one: it gives the box its mark."""
    if node.kind in ("run", "step"):
        status = "reused" if node.computed_in else node.status or "unknown"
        return f"{status} · {short_run(node.run_id)}" if node.kind == "step" and node.run_id else status
    details = [word for word in node_details(node) if not word.startswith("cell")]
    first = _FIRST_WORDS[node.kind]
    return " · ".join([first, *(word for word in details if word != first)])


def _in_order(names: Iterable[str], edges: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Sources before targets, as far as there are no circles."""
    waiting = dict.fromkeys(names)
    pairs = [pair for pair in edges if pair[0] != pair[1]]
    while waiting:
        blocked = {target for source, target in pairs if source in waiting}
        ready = [name for name in waiting if name not in blocked] or [next(iter(waiting))]
        for name in ready:
            del waiting[name]
            yield name
