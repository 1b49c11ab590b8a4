"""Lineage as a tree for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from jupyter_mlops.notebook.names import printable
from jupyter_mlops.pipeline.drawing.labels import display_width, one_line, truncate
from jupyter_mlops.store.ids import TIME_LENGTH
from jupyter_mlops.tracking.formats import duration, size
from jupyter_mlops.tracking.lineage_model import CellPlace, Lineage, LineageNode, LineageRun

__all__ = ["left_out", "lineage_text", "node_details", "short_run"]

_CUT = "Some is left out: the nearest and the newest is shown. To see more, ask for the lineage of what is there."
_DIGEST = 12
_COMMIT = 9


def short_run(run_id: str) -> str:
    """Return the words of a run's id: ``brisk-otter-1f3c``."""
    return run_id[TIME_LENGTH:] or run_id


def left_out(count: int, at_least: bool) -> str:
    """Say that things are missing: ``99,980 more``."""
    return f"{'at least ' if at_least else ''}{count:,} more"


def lineage_text(lineage: Lineage, *, width: int = 100, unicode: bool = True) -> list[str]:
    """Write what made something and what used it as two trees, each thing in full once.

    Args:
        width: Columns at hand; longer lines are cut.
        unicode: Whether box characters can be shown.
    """
    start = lineage.node(lineage.start)
    lines = list(_head(lineage, start))
    for way, title, nothing in (
        ("up", "Made from", "Nothing on record made it."),
        ("down", "Used by", "Nothing on record has used it."),
    ):
        if lineage.direction in (way, "both"):
            branches = list(
                _Tree(lineage, up=way == "up", unicode=unicode).branches(lineage.start, "", {lineage.start})
            )
            lines += ["", title, *(branches or [f"  {nothing}"])]
    if lineage.runs:
        lines += ["", "Runs", *_runs(lineage, width)]
    notes = [_CUT] if lineage.cut else []
    for note in [*notes, *(f"Note: {one_line(note)}" for note in lineage.notes)]:
        lines += ["", *textwrap.wrap(note, width, break_on_hyphens=False)]
    ellipsis = "…" if unicode else "..."
    plain = lines if unicode else [line.replace("·", "-").replace("…", "...") for line in lines]
    return [truncate(printable(line), width, ellipsis) for line in plain]


def node_details(node: LineageNode) -> list[str]:
    """Say in a few words each what is known of a thing."""
    if node.kind == "run":
        return [node.status or "not on record"]
    if node.kind == "step":
        return [f"run {short_run(node.run_id or '')}", *_step(node), *_cells(node.cells)]
    found: list[str] = [node.kind] if node.kind in ("file", "content") else []
    if node.type and node.type != "file":
        found.append(node.type)
    if node.bytes is not None:
        found.append(size(node.bytes))
    if node.digest and node.kind != "content":
        found.append(node.digest[:_DIGEST])
    return found + _cells(node.cells)


def _step(node: LineageNode) -> list[str]:
    if node.status is None:
        return ["not on record"]
    if node.computed_in is not None:
        return [f"reused, computed in {short_run(node.computed_in)}"]
    return [node.status, *([duration(node.seconds)] if node.seconds is not None else [])]


def _cells(cells: tuple[CellPlace, ...]) -> list[str]:
    if not cells:
        return []
    if len(cells) == 1:
        line = f" line {cells[0].line}" if cells[0].line is not None else ""
        return [f"cell {cells[0].number}{line}"]
    numbers = [cell.number for cell in cells]
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return [f"cells {numbers[0]} to {numbers[-1]}"]
    return [f"cells {', '.join(map(str, numbers[:8]))}{', …' if len(numbers) > 8 else ''}"]


def _line(node: LineageNode) -> str:
    name = f"run {short_run(node.name)}" if node.kind == "run" else node.name
    kind = "model " if node.kind == "model" else ""
    return "  ".join(filter(None, [f"{kind}{one_line(name) or '(no name)'}", " · ".join(node_details(node))]))


def _head(lineage: Lineage, start: LineageNode) -> Iterator[str]:
    if start.kind == "run":
        run = lineage.runs.get(start.name)
        yield f"Run {start.name}" + (f"  {one_line(run.pipeline)} · {run.status}" if run else "")
        return
    kind = "Artifact" if start.kind in ("artifact", "content") else start.kind.capitalize()
    yield f"{kind} {_line(start)}"


def _runs(lineage: Lineage, width: int) -> Iterator[str]:
    for run in sorted(lineage.runs.values(), key=lambda run: run.run_id, reverse=True):
        details = " · ".join(_run(run))
        whole = f"  {run.run_id}  {details}"
        yield from [whole] if display_width(whole) <= width else [f"  {run.run_id}", f"    {details}"]


def _run(run: LineageRun) -> list[str]:
    commit = (
        [f"commit {run.commit[:_COMMIT]}{' with uncommitted changes' if run.uncommitted else ''}"] if run.commit else []
    )
    return [one_line(run.pipeline), run.status, *commit]


class _Tree:
    """Walks the graph from its start in one direction."""

    def __init__(self, lineage: Lineage, *, up: bool, unicode: bool) -> None:
        self._nodes = {node.id: node for node in lineage.nodes}
        self._up = up
        self._next: dict[str, list[str]] = {}
        made = {edge.target for edge in lineage.edges if edge.relation == "made"}
        self._taken_over = {
            (edge.source, edge.target) for edge in lineage.edges if edge.relation == "reused" and edge.target in made
        }
        for edge in lineage.edges:
            near, far = (edge.target, edge.source) if up else (edge.source, edge.target)
            self._next.setdefault(near, []).append(far)
        self._signs = ("├─ ", "└─ ", "│  ") if unicode else ("|- ", "`- ", "|  ")
        self._shown: set[str] = set()

    def branches(self, node_id: str, indent: str, path: set[str]) -> Iterator[str]:
        """Lines for what is beyond a node; what was shown above is only named."""
        self._shown.add(node_id)
        node = self._nodes[node_id]
        more = node.more_up if self._up else node.more_down
        entries: list[str | None] = [*self._next.get(node_id, ()), *([None] if more else [])]
        for number, other in enumerate(entries, 1):
            last = number == len(entries)
            sign, further = self._signs[1 if last else 0], "   " if last else self._signs[2]
            if other is None:
                yield f"{indent}{sign}… {left_out(more, node.at_least)}"
                continue
            line = _line(self._nodes[other])
            if (node_id, other) in self._taken_over and not self._up:
                yield f"{indent}{sign}{line} (see run {short_run(self._nodes[other].run_id or '')})"
            elif other in path:
                yield f"{indent}{sign}{line} (again)"
            elif other in self._shown and self._next.get(other):
                yield f"{indent}{sign}{line} (see above)"
            else:
                yield f"{indent}{sign}{line}"
                yield from self.branches(other, indent + further, path | {other})
