"""The answer to "what made this, what used this", as frozen values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["SCHEMA", "CellPlace", "Direction", "Lineage", "LineageEdge", "LineageNode", "LineageRun", "NodeKind"]

SCHEMA = 1

Direction = Literal["up", "down", "both"]
NodeKind = Literal["run", "step", "artifact", "file", "content", "model"]
Relation = Literal["took", "made", "reused", "part", "same", "registered"]


@dataclass(frozen=True, slots=True)
class CellPlace:
    """A cell of the notebook as it was when the run began.

    Args:
        id: The cell's id.
        number: Its place on the page, counted from 1 over all cells.
        line: 1-based line in it, where one is meant.
    """

    id: str
    number: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class LineageRun:
    """A run that the answer speaks of.

    Args:
        started: Milliseconds since the epoch, UTC.
        commit: Git commit of the project, if it had one.
        uncommitted: Whether there were changes besides it; None if that was not recorded.
    """

    run_id: str
    pipeline: str
    status: str
    started: int
    notebook: str | None = None
    commit: str | None = None
    uncommitted: bool | None = None


@dataclass(frozen=True, slots=True)
class LineageNode:
    """Something in the lineage.

    Args:
        id: Unique in the answer; what edges refer to.
        kind: ``run``; ``step``: a step of a run; ``artifact``: what a step computed; ``file``: a file that a step read
            and no step of its run made; ``content``: what several step runs made alike; ``model``: a model's version.
        name: For people.
        run_id: The run of a step; the run that computed an artifact.
        step: Slug of the step, or of the step that made the artifact.
        status: How the run or step stands.
        seconds: Wall time of the step.
        computed_in: For a step that was reused, the run that really computed.
        artifact: The artifact's id in its run.
        digest: BLAKE3 of the content.
        bytes: Size of the content.
        type: Qualified type, where known.
        cells: The step's cells; the cell that gave an artifact its value.
        more_up: How many things above were left out.
        more_down: How many things below were left out.
        at_least: Whether there may be still more than these two say.
    """

    id: str
    kind: NodeKind
    name: str
    run_id: str | None = None
    step: str | None = None
    status: str | None = None
    seconds: float | None = None
    computed_in: str | None = None
    artifact: str | None = None
    digest: str | None = None
    bytes: int | None = None
    type: str | None = None
    cells: tuple[CellPlace, ...] = ()
    more_up: int = 0
    more_down: int = 0
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """From what was there first to what came of it.

    Args:
        relation: ``took`` (artifact to step), ``made`` (step to artifact), ``reused`` (to the step or run that took
            results over), ``part`` (step to run), ``same`` (equal contents), ``registered`` (artifact or run to model).
    """

    source: str
    target: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Lineage:
    """What made something, and what used it.

    Args:
        asked: What was asked for, as it was written.
        start: Id of the node that it is.
        direction: ``up``: what made it; ``down``: what used it.
        nodes: The start first, the nearest before those that are farther away.
        runs: The runs that the nodes belong to, by id.
        notes: What else there is to know.
        cut: Whether things were left out, since there are too many or they are farther than the depth asked for.
    """

    asked: str
    start: str
    direction: Direction
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...] = ()
    runs: Mapping[str, LineageRun] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cut: bool = False

    def node(self, node_id: str) -> LineageNode:
        """Return the node with this id; KeyError if there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``lineage --format json`` prints."""
        return {
            "schema": SCHEMA,
            "asked": self.asked,
            "start": self.start,
            "direction": self.direction,
            "nodes": [_plain(node) for node in self.nodes],
            "edges": [_plain(edge) for edge in self.edges],
            "runs": [_plain(run) for run in self.runs.values()],
            "notes": list(self.notes),
            "cut": self.cut,
        }


def _plain(value: Any) -> dict[str, Any]:
    made = dataclasses.asdict(value)
    if "cells" in made:
        made["cells"] = list(made["cells"])
    return made
