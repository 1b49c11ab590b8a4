"""Cells with a role of their own: imports, functions, parameters, constants; and cells of metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlops.analysis.model import NotebookFacts, Version
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.defaults import read_parameters
from jupyter_mlops.pipeline.suggest.code import CellCode
from jupyter_mlops.pipeline.suggest.flow import Flow

__all__ = ["Proposed", "find_metrics", "find_roles", "listed"]

_METRIC_WORDS = frozenset({
    "acc", "accuracy", "auc", "auprc", "auroc", "bleu", "error", "f1", "fscore", "gini", "iou", "kappa", "logloss",
    "loss", "mae", "mape", "mcc", "mse", "msle", "perplexity", "precision", "r2", "recall", "rmse", "rmsle", "roc",
    "rouge", "score", "scores", "sensitivity", "silhouette", "specificity", "wape",
})  # fmt: skip
_METRIC_FUNCTION = re.compile(r"sklearn\.metrics\.(?:\w+_(?:score|error|loss|corrcoef|deviance)|auc)")
_NO_NUMBER = ("str", "bytes", "list", "tuple", "set", "pandas.DataFrame", "pandas.Series", "polars.DataFrame")


@dataclass(frozen=True, slots=True)
class Proposed:
    """A tag for a cell, and why."""

    tag: str
    reason: str


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a, b and 3 more``."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


# --- replayed cells ---------------------------------------------------------------------------------------------------


def find_roles(
    notebook: Notebook, facts: NotebookFacts, codes: Mapping[int, CellCode], free: Sequence[int]
) -> dict[int, Proposed]:
    """Find the cells that are replayed where they are needed, instead of being part of a step.

    Args:
        free: Indexes of the code cells that have no role yet, in order.
    """
    found: dict[int, Proposed] = {}
    has_parameters = any(cell.role == "parameters" for cell in notebook.cells)
    begun = any(cell.step is not None and cell.index < min(free, default=0) for cell in notebook.cells)
    for index in free:
        code = codes[index]
        proposed = _replayed(code, facts, index)
        if proposed is None and not has_parameters and not begun:
            proposed = _parameters(notebook.cells[index], code, facts)
            has_parameters = proposed is not None
        proposed = proposed or _constants(code, facts, index)
        if proposed is not None:
            found[index] = proposed
        elif not code.is_empty:
            begun = True
    return found


def _replayed(code: CellCode, facts: NotebookFacts, index: int) -> Proposed | None:
    if code.only("define", "import", "option", "literal"):
        names = [version.name for version in _made(facts, index) if version.type in ("function", "type")]
        return Proposed("functions", f"only defines {listed(list(dict.fromkeys(names)))}" if names else "only defines")
    if code.only("import", "option", "literal", "show"):
        modules = list(facts.cells[index].imports)
        extra = " and sets options" if "option" in code.kinds else ""
        return Proposed("imports", f"only imports {listed(modules)}{extra}")
    if code.only("option", "import"):
        return Proposed("setup", "only sets options, which every step needs")
    return None


def _parameters(cell: Cell, code: CellCode, facts: NotebookFacts) -> Proposed | None:
    """The first cell of literals that later cells read and nobody changes."""
    if not code.only("literal"):
        return None
    declared = read_parameters([cell])
    if declared.diagnostics or not all(_is_constant(facts, item.name, cell.index) for item in declared.parameters):
        return None
    if not any(item.type not in ("list", "dict") for item in declared.parameters):
        return None
    read = [item.name for item in declared.parameters if item.name in _read_elsewhere(facts, cell.index)]
    return Proposed("parameters", f"literals that cells below read: {listed(read)}") if read else None


def _constants(code: CellCode, facts: NotebookFacts, index: int) -> Proposed | None:
    if not code.only("literal", "import", "option"):
        return None
    names = list(dict.fromkeys(version.name for version in _made(facts, index)))
    if not all(_is_constant(facts, name, index) for name in names):
        return None
    read = [name for name in names if name in _read_elsewhere(facts, index)]
    return Proposed("setup", f"constants that cells below read: {listed(read)}") if read else None


def _made(facts: NotebookFacts, index: int) -> Iterator[Version]:
    for number in facts.cells[index].made:
        if not facts.versions[number].name.startswith("$"):
            yield facts.versions[number]


def _is_constant(facts: NotebookFacts, name: str, index: int) -> bool:
    """Whether nobody but this cell binds or changes the name."""
    return all(version.cell == index for version in facts.versions if version.name == name)


def _read_elsewhere(facts: NotebookFacts, index: int) -> set[str]:
    used = {
        facts.versions[use.version].name
        for cell in facts.cells.values()
        for use in cell.uses
        if facts.versions[use.version].cell == index
    }
    late = {
        name
        for cell in facts.cells.values()
        if cell.index != index
        for statement in cell.statements
        for name in statement.late
    }
    return used | late


# --- metrics ----------------------------------------------------------------------------------------------------------


def find_metrics(
    facts: NotebookFacts, codes: Mapping[int, CellCode], work: Sequence[int], flow: Flow
) -> dict[int, Proposed]:
    """Find the cells whose numbers are metrics; of cells that bind the same ones, the last."""
    found: dict[int, Proposed] = {}
    claimed: set[str] = set()
    for index in reversed(work):
        code = codes[index]
        names = _metric_names(code, facts, index)
        further = {name for later in found for name in flow.takes[later].get(index, ())}
        if names and not set(names) <= claimed | further:
            claimed |= set(names)
            verb = "is a metric" if len(names) == 1 else "are metrics"
            found[index] = Proposed("metrics", f"{listed(names)} {verb}")
    return found


def _metric_names(code: CellCode, facts: NotebookFacts, index: int) -> list[str]:
    """Names that are bound to metrics; none if most numbers of the cell are something else."""
    if "loop" in code.kinds:
        return []
    types = {version.name: version.type for version in _made(facts, index)}
    names = [name for name, value in code.bound.items() if _is_metric(code, name, value, types.get(name))]
    others = [name for name in code.bound if name not in names and types.get(name) in ("int", "float", "bool")]
    return names if len(names) >= len(others) else []


def _is_metric(code: CellCode, name: str, value: ast.expr, type_name: str | None) -> bool:
    called = [_called(node) for node in ast.walk(value) if isinstance(node, ast.Call)]
    metric_functions = {call.name for call in code.calls if _METRIC_FUNCTION.fullmatch(call.qual)}
    methods = {call.name for call in code.calls if call.method}
    if type_name in _NO_NUMBER or isinstance(value, (ast.Constant, ast.Name, ast.JoinedStr, ast.List, ast.ListComp)):
        return False
    if any(item in metric_functions for item in called) or ("score" in called and "score" in methods):
        return True
    named = bool(_METRIC_WORDS.intersection(name.lower().split("_")))
    constructed = bool(called) and isinstance(value, ast.Call) and _called(value)[:1].isupper()
    return named and not constructed and type_name != "numpy.ndarray" and type_name not in ("type", "function")


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
