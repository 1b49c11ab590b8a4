"""Values, files, state and metrics travel from step to step, and are recorded."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.engine.events import StepFinished
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.engine.runner import run_pipeline
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Artifact, Edge, Parameter, Pipeline, Snippet, Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import ObjectStore

pytestmark = pytest.mark.kernel


@pytest.fixture
def notebook(make_notebook: Callable[..., Notebook], tmp_path: Path) -> Notebook:
    (tmp_path / "source.csv").write_text("a\n1\n2\n")
    return make_notebook(
        p=("n = 3\nunused = 1", ("parameters",)),
        code=("import numpy as np\ndef double(x):\n    return x * 2\nclass Point:\n    pass", ("functions",)),
        make="frame = np.arange(n)\nalias = [frame]\npoint = Point()\npoint.x = double(n)\n"
        "open('out.txt', 'w').write('made')",
        left="assert alias[0] is frame\nleft = float(frame.sum())\n"
        "names = sorted(k for k in dir() if not k.startswith('_'))\nnames",
        right="assert isinstance(point, Point)\nright = point.x\ntext = open('out.txt').read()\ntext",
        score="total = {'sum': left + right, 'nested': {'n': 1}}\nscore = np.float64(0.25)",
    )


def pipeline(notebook: Notebook) -> Pipeline:
    functions = Snippet("code", "def double(x):\n    return x * 2", ("double",))
    numpy = Snippet("code", "import numpy as np", ("np",))
    point = Snippet("code", "class Point:\n    pass", ("Point",))
    steps = (
        Step("make", "make", ("make",), outputs=("alias", "frame", "point"), parameters=("n",),
             parameters_source="n = 3", replay=(numpy, functions, point), files_read=("source.csv",),
             files_written=("out.txt",)),
        Step("left", "left", ("left",), replay=(numpy,), loads={"make.frame": ("frame", "alias")},
             metric_names=("left",)),
        Step("right", "right", ("right",), replay=(point,), loads={"make.point": ("point",), "make.file:out.txt": ()}),
        Step("score", "score", ("score",), replay=(numpy,), metric_names=("total", "score"),
             loads={"left.left": ("left",), "right.right": ("right",)}),
    )  # fmt: skip
    artifacts = (
        Artifact("make.frame", "make", "value", ("frame", "alias"), ("left",)),
        Artifact("make.point", "make", "value", ("point",), ("right",), code=("Point",)),
        Artifact("make.file:out.txt", "make", "file", ("out.txt",), ("right",)),
        Artifact("left.left", "left", "value", ("left",), ("score",)),
        Artifact("right.right", "right", "value", ("right",), ("score",)),
    )
    parameters = (Parameter("n", "int", 3, "p", 1), Parameter("unused", "int", 1, "p", 2))
    pairs = [("make", "left"), ("make", "right"), ("left", "score"), ("right", "score")]
    edges = tuple(Edge(*pair) for pair in pairs)
    return Pipeline("demo", notebook.path, "python3", parameters, steps, edges, artifacts)


def run(notebook: Notebook, tmp_path: Path, **options: Any) -> RunResult:
    return run_pipeline(pipeline(notebook), notebook, home=tmp_path / "home", output=tmp_path / "out.ipynb", **options)


def test_everything_arrives_and_is_recorded(notebook: Notebook, tmp_path: Path, watcher: Any) -> None:
    result = run(notebook, tmp_path, parameters={"n": 4, "unused": 2}, reporter=watcher)
    assert [(step.status, step.error) for step in result.steps] == [("succeeded", None)] * 4
    assert result.metrics == {"left": 6.0, "total.sum": 14.0, "total.nested.n": 1.0, "score": 0.25}
    assert [event.result.slug for event in watcher.of(StepFinished)][-1] == "score"

    cells = {cell.id: cell for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells}
    names = set(ast.literal_eval(cells["left"].outputs[0].data["text/plain"]))
    assert names - {"In", "Out", "exit", "quit", "get_ipython", "open"} == {"alias", "frame", "left", "np"}
    assert cells["left"].execution_count == 1, "our cells don't count"
    assert cells["right"].outputs[0].data["text/plain"] == "'made'"
    (injected,) = [cell for cell in cells.values() if "injected-parameters" in cell.metadata.tags]
    assert injected.source == "# Parameters\nn = 4\nunused = 2\n"
    made = nbformat.read(result.directory / "steps" / "01-make.ipynb", as_version=4)
    assert made.metadata.papermill.parameters == {"n": 4}, "a step gets what it reads"

    shown = {(item.step, item.name): item for item in result.artifacts}
    assert set(shown) == {("make", name) for name in ("frame", "alias", "point", "out.txt")} | {
        ("left", "left"),
        ("right", "right"),
    }
    assert shown["make", "frame"].type == "numpy.ndarray" and shown["make", "out.txt"].type == "file"
    objects = ObjectStore(tmp_path / "home" / "objects")
    assert all(objects.verify(item.digest) for item in result.artifacts)
    assert objects.path(shown["make", "out.txt"].digest).read_text() == "made"
    assert json.loads(json.dumps(result.to_json()))["metrics"]["score"] == 0.25


def test_record_knows_what_made_what(notebook: Notebook, tmp_path: Path) -> None:
    result = run(notebook, tmp_path, parameters={"n": 4}, parameter_sources={"n": "-p"}, trigger="sweep")
    with Database(tmp_path / "home" / "mlops.db") as database:
        record = database.run(result.run_id)
        assert dict(record.parameters) == {"n": 4, "unused": 1}
        assert dict(record.parameter_sources) == {"n": "-p", "unused": "default"}
        assert (record.status, record.trigger, dict(record.metrics)) == ("succeeded", "sweep", dict(result.metrics))
        taken = {(item.step, item.id) for item in database.artifacts_of(result.run_id, direction="in")}
        assert ("make", "file:source.csv") in taken
        assert {("left", "make.frame"), ("right", "make.file:out.txt"), ("score", "right.right")} <= taken


def test_value_that_cannot_be_saved_stops_the_step_at_its_cell(
    make_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    notebook = make_notebook(a="x = 1\ngen = (i for i in range(3))", b="list(gen)")
    steps = (Step("A", "a", ("a",)), Step("B", "b", ("b",), loads={"a.gen": ("gen",)}))
    made = Pipeline(
        "demo", None, "python3", (), steps, (Edge("a", "b"),), (Artifact("a.gen", "a", "value", ("gen",), ("b",)),)
    )
    result = run_pipeline(made, notebook, home=tmp_path / "home", output=tmp_path / "out.ipynb")
    (failed,) = result.failures
    assert failed.error is not None and failed.error.kind == "user"
    assert (failed.error.ename, failed.error.cell, failed.error.line) == ("SaveError", "a", 2)
    assert "'gen'" in failed.error.evalue
    assert [step.status for step in result.steps] == ["failed", "skipped"]
    out = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    nbformat.validate(out)
    assert any(output.output_type == "error" for cell in out.cells for output in cell.get("outputs", []))


def test_metrics_of_a_step_that_leaves_early_are_kept(make_notebook: Callable[..., Notebook], tmp_path: Path) -> None:
    notebook = make_notebook(
        a="early = {'f1': 0.5, 'bad': float('nan')}\nimport sys\nif early['f1'] < 1:\n    sys.exit(0)",
        b="late = 1",
        c="late",
    )
    steps = (Step("A", "a", ("a", "b"), metric_names=("early",)), Step("C", "c", ("c",), loads={"a.late": ("late",)}))
    made = Pipeline(
        "demo", None, "python3", (), steps, (Edge("a", "c"),), (Artifact("a.late", "a", "value", ("late",), ("c",)),)
    )
    result = run_pipeline(made, notebook, home=tmp_path / "home")
    assert (result.status, result.metrics) == ("succeeded", {"early.f1": 0.5})
    assert [step.status for step in result.steps] == ["succeeded", "skipped"]
    assert result.steps[0].reason == "early.bad is nan, which is no metric"
    assert result.output_notebook == result.directory / "output.ipynb"
