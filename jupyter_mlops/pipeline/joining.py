"""Joins the cells of a step that stand apart, where moving them provably changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.analysis.model import NotebookFacts
from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.placement import Placement

__all__ = ["join_apart", "page_order"]


def page_order(placement: Placement) -> list[int]:
    """All cells that are analysed, as they stand on the page."""
    every = [cell for step in placement.steps for cell in step.cells]
    every += placement.replayed
    return sorted([*every, *placement.parameters])


def join_apart(notebook: Notebook, placement: Placement, facts: NotebookFacts) -> tuple[list[int], list[Diagnostic]]:
    """Find an order in which each step's cells stand together.

    Args:
        facts: Of the cells in the order of the page.

    Returns:
        The order, and an error for each step whose cells can't be moved together.
    """
    order = page_order(placement)
    step_of = placement.step_of()
    problems: list[Diagnostic] = []
    for place, step in enumerate(placement.steps):
        for cell in step.cells[1:]:
            moved = _together(order, cell, place, step_of, facts)
            if moved is None:
                problems.append(_apart(notebook, step.name, cell, order, place, step_of))
                break
            order = moved
    return order, problems


def _together(
    order: Sequence[int], cell: int, place: int, step_of: dict[int, int], facts: NotebookFacts
) -> list[int] | None:
    at = order.index(cell)
    before = max(index for index in range(at) if step_of.get(order[index]) == place)
    between = [item for item in order[before + 1 : at] if step_of.get(item) is not None]
    if not between:
        return list(order)
    group = [item for item in order[: before + 1] if step_of.get(item) == place]
    if _independent(facts, [cell], between):
        rest = [item for item in order if item != cell]
        return [*rest[: before + 1], cell, *rest[before + 1 :]]
    if _independent(facts, group, between):
        rest = [item for item in order if item not in group]
        return [*rest[: rest.index(cell)], *group, *rest[rest.index(cell) :]]
    return None


def _independent(facts: NotebookFacts, some: Sequence[int], others: Sequence[int]) -> bool:
    """Tell whether two groups of cells may change places: neither writes what the other one touches."""
    made, touched = _names(facts, some)
    other_made, other_touched = _names(facts, others)
    return not (made & other_touched or other_made & touched)


def _names(facts: NotebookFacts, cells: Sequence[int]) -> tuple[set[str], set[str]]:
    made = {facts.versions[number].name for cell in cells for number in facts.cells[cell].made}
    used = {facts.versions[use.version].name for cell in cells for use in facts.cells[cell].uses}
    for cell in cells:
        used |= {f"$file:{path}" for path in facts.cells[cell].files_read}
        made |= {f"$file:{path}" for path in facts.cells[cell].files_written}
        if facts.cells[cell].unknown_files is not None:
            made.add("$files")
    return made, made | used


def _apart(
    notebook: Notebook, name: str, cell: int, order: Sequence[int], place: int, step_of: dict[int, int]
) -> Diagnostic:
    above = [item for item in order[: order.index(cell)] if step_of.get(item) not in (None, place)]
    other = notebook.cells[above[-1]].index + 1 if above else 0
    return make(
        "MLO004",
        f"The cells of step {name!r} stand apart, and moving this one up past cell {other} could change its result",
        cell=notebook.cells[cell].id,
        hint="Move the cells together, or give this cell a step of its own.",
    )
