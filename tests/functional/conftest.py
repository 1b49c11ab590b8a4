"""Notebooks run whole, the yardstick for what a pipeline must give; and the command line, with all that it prints."""

from __future__ import annotations

import ast
import json
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_mlops.cli.main import main

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


# --- the command line of somebody who makes mistakes ------------------------------------------------------------------


class Printed(NamedTuple):
    """What a command line printed."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def notebook() -> Callable[..., str]:
    """Return a function that makes a notebook's text of (tags separated by ``|``, source) pairs."""
    return _notebook


def _notebook(*cells: tuple[str, str], **fields: Any) -> str:
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [tag for tag in tags.split("|") if tag]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tags, source) in enumerate(cells, 1)
    ]
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": python, "cells": made} | fields)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project, which is the working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Printed]:
    """Run a command line in this process; there is never a traceback of this program."""

    def run_line(*arguments: str | Path) -> Printed:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert f"jupyter_mlops{os.sep}" not in printed.out + printed.err, "names this program's own files"
        assert code != 70, printed.err
        return Printed(code, printed.out, printed.err)

    return run_line


@pytest.fixture
def nothing_written(tmp_path: Path, work: Path) -> Iterator[Callable[[], None]]:
    """Return a function that remembers what is there; the test fails if that is not all at its end."""
    before: dict[str, tuple[int, int]] = {}

    def state() -> dict[str, tuple[int, int]]:
        found = {str(path): path.lstat() for path in tmp_path.rglob("*")}
        return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}

    def remember() -> None:
        before.update(state())

    yield remember
    assert before and state() == before


@pytest.fixture
def write(notebook: Callable[..., str], work: Path) -> Callable[..., Path]:
    """Write a notebook of (tags, source) pairs; ``settings`` by the number of the cell, from 1."""

    def make(*cells: tuple[str, str], **settings: dict[str, Any]) -> Path:
        content = json.loads(notebook(*((tags, textwrap.dedent(source).strip()) for tags, source in cells)))
        for name, values in settings.items():
            content["cells"][int(name.removeprefix("cell")) - 1]["metadata"]["mlops"] = values
        path = work / "nb.ipynb"
        path.write_text(json.dumps(content))
        return path

    return make
