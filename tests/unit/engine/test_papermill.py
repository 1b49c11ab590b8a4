"""A notebook without tags comes out as papermill would write it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.engine.runner import run_pipeline
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Parameter, Pipeline, Step

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("ports")]

TIMINGS = ("start_time", "end_time", "duration")


def whole(notebook: Notebook, *cells: str) -> Pipeline:
    step = Step("start", "start", cells, parameters=("n",), parameters_source="n = 3")
    return Pipeline(notebook.name, notebook.path, "python3", (Parameter("n", "int", 3, "p", 1),), (step,), (), ())


def papermill(notebook: Notebook, output: Path, parameters: dict[str, Any]) -> Any:
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    with suppress(PapermillExecutionError):
        execute_notebook(notebook.path, output, parameters, progress_bar=False, cwd=notebook.path.parent)
    return nbformat.read(output, as_version=4)


def comparable(notebook: Any, source: Notebook) -> Any:
    """Without timings, paths, ids of cells that are not the source's, and what is ours."""
    known = {cell.id for cell in source.cells}
    metadata = notebook["metadata"]
    metadata.pop("mlops", None)
    for name in (*TIMINGS, "output_path"):
        metadata["papermill"].pop(name)
    for cell in notebook["cells"]:
        if cell["id"] not in known:
            cell["id"] = "new"
        for name in TIMINGS:
            cell["metadata"].get("papermill", {}).pop(name, None)
        if "execution" in cell["metadata"]:
            cell["metadata"]["execution"] = sorted(cell["metadata"]["execution"])
    return notebook


def test_same_notebook_as_papermill(make_notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    notebook = make_notebook(
        md1="# A notebook",
        first="import sys\nprint('before')",
        p=("n = 3  # how many\nprint(n)", ("parameters",)),
        work="total = sum(range(n))\nprint(total, file=sys.stderr)\ntotal",
        md2="## Rich",
        rich="from IPython.display import HTML, display\n"
        "h = display(HTML('<b>1</b>'), display_id='h')\nHTML(f'<i>{n}</i>')",
        update="h.update(HTML('<b>2</b>'))\nIn[-1][:8], Out[4]",
        empty="",
    )
    expected = papermill(notebook, tmp_path / "papermill.ipynb", {"n": 5})
    result = run_pipeline(
        whole(notebook, "first", "work", "rich", "update", "empty"),
        notebook,
        parameters={"n": 5},
        home=tmp_path / "home",
        output=tmp_path / "ours.ipynb",
    )
    assert result.status == "succeeded"
    ours = nbformat.read(tmp_path / "ours.ipynb", as_version=4)
    assert comparable(ours, notebook) == comparable(expected, notebook)
    assert (tmp_path / "ours.ipynb").read_text().startswith('{\n "cells"'), "laid out as Jupyter does"


def test_same_notebook_as_papermill_when_a_cell_fails(make_notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    notebook = make_notebook(
        p=("n = 3", ("parameters",)),
        work="print(n)",
        md1="text",
        bad="def f():\n    return 1 / 0\nf()",
        md2="text",
        rest="1",
    )
    expected = papermill(notebook, tmp_path / "papermill.ipynb", {})
    result = run_pipeline(
        whole(notebook, "work", "bad", "rest"), notebook, home=tmp_path / "home", output=tmp_path / "ours.ipynb"
    )
    ours = nbformat.read(tmp_path / "ours.ipynb", as_version=4)
    assert comparable(ours, notebook) == comparable(expected, notebook)
    assert (result.status, result.exit_code) == ("failed", 1)
    (failed,) = result.failures
    assert failed.error is not None
    assert (failed.error.kind, failed.error.cell, failed.error.cell_index, failed.error.line) == ("user", "bad", 3, 3)
    assert "ZeroDivisionError: division by zero" in failed.error.traceback and "\x1b" not in failed.error.traceback
