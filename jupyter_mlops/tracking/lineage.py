"""What made this, what used this: across steps, runs, files and models."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.tracing import FlowRecord
from jupyter_mlops.tracking.lineage_model import (
    Direction,
    Lineage,
    LineageEdge,
    LineageNode,
    LineageRun,
    Relation,
)
from jupyter_mlops.tracking.lineage_places import Places
from jupyter_mlops.tracking.lineage_read import Reader
from jupyter_mlops.tracking.lineage_target import resolve
from jupyter_mlops.tracking.lineage_ways import EMPTY, Found, Ref, above, below

__all__ = ["MOST_NODES", "trace"]

MOST_NODES = 100
"""Things that are told in each direction."""


def trace(
    database: Database,
    asked: str,
    direction: Direction = "both",
    *,
    depth: int | None = None,
    folder: Path | None = None,
) -> Lineage:
    """Find out what made something, what used it, or both.

    Args:
        asked: A run; ``RUN:NAME``, ``RUN:STEP/NAME`` or ``RUN:STEP``; the beginning of an artifact's digest; the path
            of a file.
        direction: ``up`` for what made it, ``down`` for what used it.
        depth: How many links to follow; all by default. In any case the nearest hundred things are told, and of what
            has very many users or makers, the newest.
        folder: What a path is relative to; the working directory by default.

    Raises:
        UsageError: Nothing is meant by ``asked``, or more than one thing.
    """
    reader = Reader(database)
    target = resolve(reader, asked, Path.cwd() if folder is None else folder)
    graph = _Graph(reader, Places(database))
    graph.add(target.ref)
    for way in ("up", "down"):
        if direction in (way, "both"):
            graph.follow(target.ref, up=way == "up", depth=depth)
    return Lineage(
        asked=asked,
        start=target.ref.id,
        direction=direction,
        nodes=tuple(graph.nodes.values()),
        edges=tuple(LineageEdge(*ends, relation) for ends, relation in graph.edges.items()),
        runs=graph.runs(),
        notes=(*target.notes, *_notes(reader, target.ref, direction), *graph.notes()),
        cut=graph.cut,
    )


@dataclass
class _Graph:
    """The answer while it grows, the nearest things first."""

    reader: Reader
    places: Places
    nodes: dict[str, LineageNode] = field(default_factory=dict)
    edges: dict[tuple[str, str], Relation] = field(default_factory=dict)
    cut: bool = False

    def add(self, ref: Ref) -> None:
        if ref.id not in self.nodes:
            self.nodes[ref.id] = _node(self.reader, self.places, ref)

    def follow(self, start: Ref, *, up: bool, depth: int | None) -> None:
        seen = {start.id}
        waiting = deque([(start, 0)])
        while waiting:
            ref, distance = waiting.popleft()
            found = above(self.reader, ref) if up else below(self.reader, ref)
            if depth is not None and distance >= depth:
                new = sum(neighbour.id not in seen for neighbour, _ in found.refs)
                self._left_out(ref, Found(more=found.more + new, at_least=found.at_least), up=up)
                continue
            more = found.more
            for neighbour, relation in found.refs:
                if neighbour.id not in seen and len(seen) > MOST_NODES:
                    more += 1
                    continue
                self.add(neighbour)
                ends = (neighbour.id, ref.id) if up else (ref.id, neighbour.id)
                self.edges.setdefault(ends, relation)
                if neighbour.id not in seen:
                    seen.add(neighbour.id)
                    waiting.append((neighbour, distance + 1))
            self._left_out(ref, replace(found, more=more), up=up)

    def _left_out(self, ref: Ref, found: Found, *, up: bool) -> None:
        if not found.more:
            return
        self.cut = True
        node = self.nodes[ref.id]
        at_least = node.at_least or found.at_least
        self.nodes[ref.id] = (
            replace(node, more_up=found.more, at_least=at_least)
            if up
            else replace(node, more_down=found.more, at_least=at_least)
        )

    def runs(self) -> dict[str, LineageRun]:
        found = {}
        for node in self.nodes.values():
            for run_id in (node.run_id, node.computed_in):
                head = None if run_id is None or run_id in found else self.reader.head(run_id)
                if head is not None:
                    found[head.run_id] = LineageRun(
                        *(head.run_id, head.pipeline, head.status, head.started, head.notebook, head.commit),
                        uncommitted=_uncommitted(head.documents),
                    )
        return found

    def notes(self) -> list[str]:
        gone = {
            node.computed_in
            for node in self.nodes.values()
            if node.computed_in is not None and self.reader.head(node.computed_in) is None
        }
        return [
            f"{run_id} computed some of this and is not on record here: it was removed, or ran on another machine."
            for run_id in sorted(gone)
        ]


def _uncommitted(documents: dict[str, str]) -> bool | None:
    """An empty document says that all was committed, none that nobody looked."""
    return documents["git-diff"] != EMPTY if "git-diff" in documents else None


def _node(reader: Reader, places: Places, ref: Ref) -> LineageNode:
    if ref.kind == "step":
        return _step_node(reader, places, ref)
    if ref.kind == "artifact":
        return _artifact_node(reader, places, ref)
    if ref.kind == "run":
        facts = reader.head(ref.run_id)
        return LineageNode(ref.id, "run", ref.run_id, run_id=ref.run_id, status=facts.status if facts else None)
    if ref.kind == "model":
        return _model_node(reader, ref)
    size = next((size for _, _, size in reader.keys_of(ref.digest)), None)
    name = ref.name if ref.kind == "file" else ref.digest[:16]
    return LineageNode(ref.id, ref.kind, name, digest=ref.digest, bytes=size)


def _step_node(reader: Reader, places: Places, ref: Ref) -> LineageNode:
    facts, step = reader.run(ref.run_id), reader.step(ref.run_id, ref.name)
    if facts is None or step is None:
        return LineageNode(ref.id, "step", ref.name, run_id=ref.run_id, step=ref.name)
    origin = reader.origin(ref.run_id, ref.name)
    return LineageNode(
        ref.id,
        "step",
        step.name,
        run_id=ref.run_id,
        step=ref.name,
        status=step.status,
        seconds=step.seconds,
        computed_in=None if origin == ref.run_id else origin,
        cells=places.cells(facts.head, ref.name),
    )


def _artifact_node(reader: Reader, places: Places, ref: Ref) -> LineageNode:
    facts = reader.run(ref.run_id)
    flow: FlowRecord | None = None if facts is None else facts.made.get(ref.name)
    if facts is None or flow is None:
        slug = ref.name.partition(".")[0]
        return LineageNode(
            ref.id, "artifact", ref.name, run_id=ref.run_id, step=slug, artifact=ref.name, digest=ref.digest
        )
    return LineageNode(
        ref.id,
        "artifact",
        ", ".join(flow.names) or flow.id,
        run_id=ref.run_id,
        step=flow.step,
        artifact=flow.id,
        digest=flow.digest,
        bytes=flow.bytes,
        type=flow.type,
        cells=places.origin(facts.head, flow.step, flow.kind, flow.names),
    )


def _model_node(reader: Reader, ref: Ref) -> LineageNode:
    name, _, version = ref.name.rpartition("/")
    aliases: tuple[str, ...] = ()
    for model in reader.models_of(run_id=ref.seen_in):
        if (model.model, str(model.version)) == (name, version):
            aliases = model.aliases
    shown = f" ({', '.join(aliases)})" if aliases else ""
    return LineageNode(ref.id, "model", f"{name} version {version}{shown}", run_id=ref.seen_in)


def _notes(reader: Reader, ref: Ref, direction: Direction) -> list[str]:
    facts = reader.run(ref.run_id) if ref.kind == "run" else None
    if facts is None:
        return []
    notes = []
    if facts.head.status == "running":
        notes.append("The run is in progress: what it has not done yet is missing.")
    failed = [step.name for step in facts.steps.values() if step.status == "failed"]
    if failed:
        notes.append(f"The run failed in {', '.join(failed)}.")
    reused = sum(step.cached for step in facts.steps.values())
    if reused and direction != "up":
        steps = "1 step was" if reused == 1 else f"{reused} steps were"
        notes.append(f"{steps} reused: what else used those results is told of the runs that computed them.")
    return notes
