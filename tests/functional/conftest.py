"""Notebooks run whole, the yardstick for what a pipeline must give."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

Outputs = dict[str, list[dict[str, Any]]]
"""What each code cell showed, by the cell's id."""

PROBE = """
import json as _json, numbers as _numbers
def _flat(name, value):
    if isinstance(value, dict):
        return {key: number for inner, item in value.items() for key, number in _flat(f"{name}.{inner}", item).items()}
    return {name: float(value)} if isinstance(value, _numbers.Real) and not isinstance(value, bool) else {}
print(_json.dumps({key: number for name in NAMES for key, number in _flat(name, globals()[name]).items()}))
"""


@dataclass(frozen=True)
class WholeRun:
    """A notebook executed top to bottom in one kernel, with nothing of this project taking part."""

    outputs: Outputs
    metrics: Mapping[str, float]


@pytest.fixture(scope="session")
def outputs_of() -> Callable[[Any], Outputs]:
    """Return a function that tells what each code cell of an executed notebook showed, in a form to compare."""
    return _outputs


@pytest.fixture(scope="session")
def run_whole() -> Callable[[Path], WholeRun]:
    """Return a function that executes a notebook in its own folder and reads its metrics from the live variables."""
    return _run_whole


def _run_whole(path: Path) -> WholeRun:
    notebook = nbformat.read(path, as_version=4)
    probe = nbformat.v4.new_code_cell(PROBE.replace("NAMES", repr(_metric_names(notebook))), id="probe")
    notebook.cells.append(probe)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = _outputs(notebook)
    (printed,) = outputs.pop("probe")
    return WholeRun(outputs, json.loads(printed["text"]))


def _metric_names(notebook: Any) -> list[str]:
    cells = [cell for cell in notebook.cells if "metrics" in cell.metadata.get("tags", [])]
    statements = [statement for cell in cells for statement in ast.parse(cell.source).body]
    return [name.id for statement in statements for name in ast.walk(statement) if _is_bound(name, statement)]


def _is_bound(node: ast.AST, statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return isinstance(node, ast.Name) and any(node in ast.walk(target) for target in targets)


def _outputs(notebook: Any) -> Outputs:
    return {cell["id"]: _comparable(cell["outputs"]) for cell in notebook["cells"] if cell["cell_type"] == "code"}


def _comparable(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "stream":
            if found and found[-1].get("stream") == output["name"]:
                found[-1]["text"] += output["text"]
            else:
                found.append({"stream": output["name"], "text": output["text"]})
        elif output["output_type"] == "error":
            found.append({"error": output["ename"], "text": output["evalue"]})
        else:
            found.append({"shows": {kind: _content(kind, data) for kind, data in output["data"].items()}})
    return found


def _content(kind: str, data: Any) -> Any:
    return "present" if kind.startswith("image/") else data
