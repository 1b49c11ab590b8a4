"""A notebook without step tags is one step, and papermill's users lose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from jupyter_mlops import api

pytestmark = pytest.mark.xdist_group("ports")  # papermill's kernels

KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
DEFAULTS = 'rows: int = 3\nscale = 0.5\nlabel = "plain"\nloud = False\nweights = [1, 2]\nnames = {"a": 1}\nlimit = None'
GIVEN = {
    "rows": 4,
    "scale": -1.5,
    "label": 'it\'s "quoted" · ü\n',
    "loud": True,
    "weights": [3, 4.5],
    "names": {"b": [None, 2]},
    "limit": 7,
}


@pytest.fixture
def notebook(tmp_path) -> Path:
    """Return a notebook without a single tag that shows all that a cell can show."""
    return _store(tmp_path / "plain.ipynb", [new_code_cell(DEFAULTS, id="settings"), *_body()])


@pytest.fixture
def parametrised(tmp_path) -> Path:
    """Return the same notebook with papermill's tag, and no other."""
    settings = new_code_cell(DEFAULTS, id="settings", metadata={"tags": ["parameters"]})
    return _store(tmp_path / "parametrised.ipynb", [settings, *_body()])


def _body() -> list[Any]:
    return [
        new_raw_cell("raw text, left alone", id="raw"),
        new_code_cell("import sys\nimport numpy as np\nimport pandas as pd", id="imports"),
        new_code_cell("values = np.arange(rows) * scale\nvalues", id="values"),
        new_markdown_cell("## Output of every kind", id="output-note"),
        new_code_cell(
            'print(label, loud)\nprint("careful", file=sys.stderr)\nprint(weights, names, limit)', id="streams"
        ),
        new_code_cell('pd.DataFrame({"value": values, "name": list("abcdef")[:rows]})', id="frame"),
        new_code_cell(
            'from IPython.display import HTML, display\ndisplay(HTML("<b>bold</b>"))\nlen(values)', id="rich"
        ),
        new_code_cell("", id="empty"),
        new_code_cell("total = sum(values)\ntotal", id="total", metadata={"collapsed": True}),
    ]


def _store(path: Path, cells: list[Any]) -> Path:
    title = new_markdown_cell("# Untagged", id="title")
    nbformat.write(new_notebook(cells=[title, *cells], metadata=KERNEL), path)
    return path


def test_is_one_step(notebook, parametrised):
    assert len(api.pipeline(notebook).steps) == 1
    pipeline = api.pipeline(parametrised)
    assert len(pipeline.steps) == 1
    assert [item.name for item in pipeline.parameters] == list(GIVEN)


def test_output_equals_papermills(notebook, tmp_path):
    _assert_same_output(notebook, {}, tmp_path)


def test_output_with_parameters_equals_papermills(parametrised, tmp_path):
    _assert_same_output(parametrised, GIVEN, tmp_path)


def test_output_with_default_parameters_equals_papermills(parametrised, tmp_path):
    _assert_same_output(parametrised, {}, tmp_path)


def _assert_same_output(notebook: Path, parameters: dict[str, Any], folder: Path) -> None:
    source = notebook.read_bytes()
    theirs, ours = folder / "theirs.ipynb", folder / "ours.ipynb"
    papermill.execute_notebook(notebook, theirs, parameters, cwd=folder, progress_bar=False)
    result = api.run(notebook, parameters, output=ours)
    assert result.status == "succeeded" and len(result.steps) == 1
    mine, expected = _stripped(ours), _stripped(theirs)
    for cell, other in zip(mine.cells, expected.cells, strict=True):
        assert cell == other
    assert mine == expected
    assert notebook.read_bytes() == source


def _stripped(path: Path) -> Any:
    """Read a notebook without timings, the id of the injected cell, papermill's metadata and ours."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    for metadata in [notebook.metadata, *(cell.metadata for cell in notebook.cells)]:
        metadata.pop("papermill", None)
        metadata.pop("mlops", None)
        metadata.pop("execution", None)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected"
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill gives each cell an empty list
    return notebook
