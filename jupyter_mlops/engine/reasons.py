"""Why a step has to run, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlops.engine.cachekey import PARTS, Change
from jupyter_mlops.notebook.model import Notebook

__all__ = ["describe", "reason_of"]

_MOST = 3


def reason_of(changes: Sequence[Change] | None, notebook: Notebook) -> str:
    """Say what changed.

    Args:
        changes: None if the step never ended well before; empty if it did with the same key and left no results.
    """
    if changes is None:
        return "it has not run yet"
    if not changes:
        return "its last results were not kept"
    shown = [describe(change, notebook) for change in changes[:_MOST]]
    more = [f"{len(changes) - _MOST} more"] if len(changes) > _MOST else []
    return "; ".join([*shown, *more])


def describe(change: Change, notebook: Notebook) -> str:
    """Say what one change is."""
    if change.part == "code":
        return _code(change, notebook)
    if change.part == "place":
        return f"its {change.name} changed"
    if change.part in ("folder", "step", "runtime"):
        return f"{PARTS[change.part]} changed"
    name = f"{PARTS[change.part]} {change.name}"
    if change.before is not None and change.after is not None:
        return f"{name}: {change.before} → {change.after}"
    return f"{name}: now {change.after}" if change.after is not None else f"{name} changed"


def _code(change: Change, notebook: Notebook) -> str:
    index = next((cell.index for cell in notebook.cells if cell.id == change.cell), None)
    if index is None:
        place = "code that it takes from other cells"
    else:
        place = f"cell {index + 1}" + (f", line {change.line}" if change.line else "")
    detail = change.after if change.after is not None else change.before and f"without {change.before}"
    return f"{place} changed" + (f": {detail}" if detail else "")
