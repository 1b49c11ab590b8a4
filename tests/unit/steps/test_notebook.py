"""A step becomes an ordinary notebook."""

from __future__ import annotations

import ast
import copy
import sys
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.pipeline.model import Artifact, Edge, Parameter, Pipeline, Snippet, Step
from jupyter_mlops.steps.notebook import replay_source, step_notebook


def code(cell_id: str, source: str, tags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {"tags": list(tags), "collapsed": False},
        "source": source,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}],
        "execution_count": 7,
        **more,
    }


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
        "papermill": {"parameters": {"old": 1}},
        "title": "Kept",
    }
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


RAW = notebook(
    {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# Title"},
    code("p", "n = 3\nrate = 0.5", ("parameters",)),
    code("i", "import math", ("imports",)),
    code("a", ["x = list(range(n))\n", "x"], ("step:prepare",)),
    code("b", "y = math.fsum(x)", ("step:train",)),
)
PREPARE = Step("Prepare data", "prepare", ("a",), outputs=("x",), parameters=("n",), parameters_source="n = 3")
TRAIN = Step(
    "train",
    "train",
    ("b",),
    inputs=("x",),
    replay=(Snippet("i", "import math", ("math",)),),
    loads={"prepare.x": ("x",)},
    metric_names=("y",),
)
PIPELINE = Pipeline(
    "demo",
    Path("demo.ipynb"),
    "python3",
    (Parameter("n", "int", 3, "p", 1), Parameter("rate", "float", 0.5, "p", 2)),
    (PREPARE, TRAIN),
    (Edge("prepare", "train", ("x",)),),
    (Artifact("prepare.x", "prepare", "value", ("x",), ("train",)),),
)


def ids(made: dict[str, Any]) -> list[str]:
    return [cell["id"] for cell in made["cells"]]


def test_first_step_has_parameters_its_cells_and_a_save_cell() -> None:
    made = step_notebook(PIPELINE, PREPARE, RAW)
    assert ids(made) == ["mlops-parameters", "a", "mlops-save"]
    parameters = made["cells"][0]
    assert parameters["source"] == "n = 3"
    assert parameters["metadata"] == {"mlops": {"role": "parameters"}, "tags": ["parameters"]}


def test_later_step_replays_and_loads_before_its_cells() -> None:
    made = step_notebook(PIPELINE, TRAIN, RAW)
    assert ids(made) == ["mlops-replay", "mlops-load", "b", "mlops-save"]
    assert [cell["metadata"].get("mlops", {}).get("role") for cell in made["cells"]] == ["replay", "load", None, "save"]
    assert "x from step 'Prepare data'" in made["cells"][1]["source"]
    assert "metrics y" in made["cells"][3]["source"]


def test_user_cells_are_verbatim_but_not_executed() -> None:
    cell = step_notebook(PIPELINE, PREPARE, RAW)["cells"][1]
    assert cell["source"] == "x = list(range(n))\nx"
    assert cell["metadata"] == {"tags": ["step:prepare"], "collapsed": False}
    assert cell["outputs"] == [] and cell["execution_count"] is None


def test_metadata_keep_the_kernel_and_lose_what_was_executed() -> None:
    made = step_notebook(PIPELINE, TRAIN, RAW)
    assert made["metadata"]["kernelspec"]["name"] == "python3"
    assert made["metadata"]["title"] == "Kept"
    assert made["metadata"]["mlops"] == {"pipeline": "demo", "step": "train", "schema": 1}
    assert not {"widgets", "papermill"} & set(made["metadata"])


def test_result_is_valid_and_the_source_untouched() -> None:
    before = copy.deepcopy(RAW)
    for step in PIPELINE.steps:
        nbformat.validate(nbformat.from_dict(step_notebook(PIPELINE, step, RAW)))
    assert before == RAW


def test_load_and_save_cells_leave_no_name_behind(tmp_path: Path, monkeypatch: Any) -> None:
    package = tmp_path / "mlops_runtime"
    package.mkdir()
    (package / "__init__.py").write_text(
        "def load(namespace): namespace['x'] = [1]\ndef save(namespace): namespace['seen'] = sorted(namespace)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mlops_runtime", raising=False)
    namespace: dict[str, Any] = {}
    for cell in step_notebook(PIPELINE, TRAIN, RAW)["cells"]:
        exec(cell["source"], namespace)
    assert set(namespace) - {"__builtins__"} == {"math", "x", "y", "seen"}


def test_one_step_keeps_the_whole_parameters_cell_at_its_place() -> None:
    raw = notebook(code("first", "import os"), code("p", "n = 3\nprint(n)", ("parameters",)), code("rest", "n"))
    step = Step("start", "start", ("first", "rest"), parameters=("n",), parameters_source="n = 3")
    alone = Pipeline("x", None, "python3", (Parameter("n", "int", 3, "p", 1),), (step,), (), ())
    made = step_notebook(alone, step, raw)
    assert ids(made) == ["first", "mlops-parameters", "rest"]
    assert made["cells"][1]["source"] == "n = 3\nprint(n)"


def test_replayed_snippets_know_their_lines_and_future_imports_come_first() -> None:
    snippets = [
        Snippet("one", "import os\nimport sys", ("os", "sys")),
        Snippet("two", "from __future__ import annotations\ndef f(x: T) -> T:\n    return x", ("f",)),
    ]
    source, starts = replay_source(snippets)
    lines = source.split("\n")
    for line, cell in starts:
        first = next(text for text in lines[line - 1 :] if text)
        assert first == {"one": "import os", "two": "def f(x: T) -> T:"}[cell]
    assert ast.get_source_segment(source, ast.parse(source).body[0]) == "from __future__ import annotations"
    exec(compile(source, "replay", "exec"), {})


def test_files_and_states_are_named_in_the_cells() -> None:
    artifacts = (
        Artifact("prepare.x", "prepare", "value", ("x", "alias"), ("train",)),
        Artifact("prepare.file:out.csv", "prepare", "file", ("out.csv",), ("train",)),
        Artifact("prepare.rng:numpy", "prepare", "state", ("rng:numpy",), ("train",)),
    )
    train = Step("train", "train", ("b",), loads={"prepare.x": ("x",), **{item.id: () for item in artifacts[1:]}})
    pipeline = Pipeline("d", None, "python3", (), (PREPARE, train), (), artifacts)
    source = step_notebook(pipeline, train, RAW)["cells"][0]["source"]
    assert "file out.csv from" in source and "state rng:numpy from" in source
    assert "#   x from" in source, "only what is bound is named"
