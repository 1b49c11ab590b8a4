"""Notebooks are run whole and as pipelines; pipelines that are wrong on purpose are found out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from jupyter_mlops.errors import PipelineError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Artifact, Pipeline
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.verify.model import Verification
from jupyter_mlops.verify.runner import verify_notebook

Make = Callable[..., Notebook]


def check_schema(verdict: Verification, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / "verify.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(verdict.to_json())), schema)


@pytest.mark.kernel
def test_a_sound_pipeline_is_equal_and_what_varies_is_not_blamed(make_notebook: Make, root: Path) -> None:
    notebook = make_notebook(
        ("parameters", "n = 5"),
        (
            "imports",
            "import os\nimport random\nimport time\nfrom pathlib import Path\n"
            "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd",
        ),
        ("functions", "class Point:\n    def __init__(self, x):\n        self.x = x"),
        (
            "step:make",
            "np.random.seed(3)\nframe = pd.DataFrame({'a': np.arange(n)})\nalias = [frame]\npoint = Point(n)\n"
            "started = time.time()\nsize = Path('out.txt').write_text(Path('in_txt').read_text())",
        ),
        ("step:draw", "noise = np.random.rand(4)\nplt.plot(noise)\nplt.show()\nprint(object(), os.getcwd())"),
        ("", "%%time\nframe['c'] = noise.sum()\nframe"),
        (
            "step:use",
            "import pickle\npickle.dump({'frame': frame, 'again': frame}, open('model.pkl', 'wb'))\n"
            "luck = random.random()\nprint('first', 1)\nprint('luck', luck)\n"
            "alias[0] is frame, point.x, open('out.txt').read()",
        ),
        in_txt="given",
    )
    before = sorted((notebook.path or root).parent.iterdir())
    verdict = verify_notebook(slice_notebook(notebook), notebook, parameters={"n": 7})
    assert verdict.differences == ()
    assert (verdict.equal, verdict.exit_code, verdict.runs) == (True, 0, 2)
    assert {(item.name, item.kind) for item in verdict.unstable} == {
        ("started", "value"),
        ("luck", "value"),
        ("stdout", "output"),
    }
    assert verdict.undeclared == ()
    assert [(step.slug, step.equal, step.status) for step in verdict.steps] == [
        ("make", True, "succeeded"),
        ("draw", True, "succeeded"),
        ("use", True, "succeeded"),
    ]
    assert all(step.compared >= 4 for step in verdict.steps)
    assert sorted((notebook.path or root).parent.iterdir()) == before, "the project stays as it is"
    check_schema(verdict, root)


def without(pipeline: Pipeline, slug: str, artifact: str) -> Pipeline:
    """Let a step go without an artifact that it needs."""
    step = pipeline.step(slug)
    assert artifact in step.loads
    return with_loads(pipeline, slug, {name: bound for name, bound in step.loads.items() if name != artifact})


def with_loads(pipeline: Pipeline, slug: str, loads: Mapping[str, tuple[str, ...]]) -> Pipeline:
    steps = tuple(replace(step, loads=loads) if step.slug == slug else step for step in pipeline.steps)
    return replace(pipeline, steps=steps)


@pytest.mark.kernel
def test_a_wrong_pipeline_is_found_out_with_place_values_and_cause(make_notebook: Make, root: Path) -> None:
    notebook = make_notebook(
        ("imports", "import os\nimport random"),
        (
            "step:make",
            "random.seed(1)\nbase = [1]\nalias = {'base': base}\ntable = {'k': 1, 'l': 1}\ngone = 5\n"
            "big = list(range(9))\n"
            "os.environ['VERIFY_MODE'] = 'fast'\nwritten = open('data.txt', 'w').write('x')",
        ),
        ("step:change", "table['k'] = 2"),
        ("step:draw", "luck = random.random()\n'no output differs'"),
        ("", "print('the same')\nprint(luck)"),
        ("step:names", "gone + 1"),
        ("step:share", "base.append(2)\nalias"),
        ("step:stale", "found = table['k']"),
        ("step:mode", "mode = os.environ.get('VERIFY_MODE')"),
        ("step:files", "text = open('data.txt').read()"),
        ("step:deed", "big.append(1)"),
    )
    pipeline = slice_notebook(notebook)
    pipeline = without(pipeline, "draw", "make.rng:random")
    pipeline = without(pipeline, "names", "make.gone")
    pipeline = without(pipeline, "mode", "make.env")
    pipeline = without(pipeline, "files", "make.data.txt")
    pipeline = with_loads(pipeline, "stale", {"make.table": ("table",)})
    pipeline = with_loads(pipeline, "share", {"make.alias": ("alias",), "make.base": ("base",)})
    (group,) = [item for item in pipeline.artifacts if set(item.names) == {"alias", "base"}]
    alone = [Artifact(f"make.{name}", "make", "value", (name,), ("share",)) for name in group.names]
    artifacts = (*(item for item in pipeline.artifacts if item is not group), *alone)
    steps = tuple(replace(step, files_read=(), mutates=()) for step in pipeline.steps)
    pipeline = replace(pipeline, artifacts=artifacts, steps=steps)

    verdict = verify_notebook(pipeline, notebook)
    assert (verdict.equal, verdict.exit_code) == (False, 3)
    found = {item.step: item for item in reversed(verdict.differences)}
    assert {slug: (item.cell, item.kind, item.name, item.cause.code) for slug, item in found.items()} == {
        "draw": ("c3", "value", "luck", "random-state"),
        "names": ("c5", "input", "gone", "missing-name"),
        "share": ("c6", "value", "alias", "alias"),
        "stale": ("c7", "input", "table", "stale-input"),
        "mode": ("c8", "value", "mode", "hidden-state"),
        "files": ("c9", "failure", "FileNotFoundError", "file"),
    }
    assert verdict.differences[0] == found["draw"], "the first on the page comes first"
    assert (found["stale"].whole, found["stale"].pipeline) == ("table['k'] = 2", "table['k'] = 1")
    assert (found["mode"].whole, found["mode"].pipeline) == ("'fast'", "None")
    assert (found["share"].whole, found["share"].pipeline) == ("alias['base'] = [1, 2]", "alias['base'] = [1]")
    assert "'change'" in found["stale"].cause.text
    assert "'make'" in found["files"].cause.text
    follower = next(item for item in verdict.differences if item.cell == "c4" and item.kind == "output")
    assert (follower.name, follower.cause.code) == ("stdout", "upstream")
    assert follower.whole is not None
    assert follower.whole.startswith("line 2: 0.13436424411240122")
    (failure,) = [item for item in verdict.differences if item.step == "names" and item.kind == "failure"]
    assert (failure.name, failure.whole, failure.cause.code) == ("NameError", "no error", "missing-name")
    deeds = {(item.step, item.kind, item.name, item.cell) for item in verdict.undeclared}
    assert deeds == {("deed", "mutation", "big", "c10"), ("share", "mutation", "base", "c6")}
    assert [step.equal for step in verdict.steps] == [True, True, False, False, False, False, False, False, True]
    check_schema(verdict, root)


@pytest.mark.kernel
def test_files_and_processes_the_analysis_does_not_know_of_are_told(make_notebook: Make, root: Path) -> None:
    notebook = make_notebook(
        ("imports", "import subprocess\nimport sys"),
        (
            "step:all",
            "\ntext = open('secret_txt').read()\n"
            'done = subprocess.run([sys.executable, \'-c\', \'open("made.txt", "w").write("x")\'], check=True)',
        ),
        ("step:more", "kept = open('kept.txt', 'w').write(text)"),
        secret_txt="s",
    )
    pipeline = slice_notebook(notebook)
    blind = {"files_read": (), "files_written": (), "touches_unknown_files": False, "writes_unknown_files": False}
    pipeline = replace(pipeline, steps=tuple(replace(step, **blind) for step in pipeline.steps))  # type: ignore[arg-type]
    verdict = verify_notebook(pipeline, notebook)
    assert verdict.equal
    found = [
        (item.step, item.cell, item.line, item.kind, item.name.rpartition(" ")[0] or item.name)
        for item in verdict.undeclared
    ]
    assert [item for item in found if item[3] != "process"] == [
        ("all", "c1", None, "write", "made.txt"),
        ("all", "c1", 2, "read", "secret_txt"),
        ("more", "c2", 1, "write", "kept.txt"),
    ]
    (process,) = [item for item in found if item[3] == "process"]
    assert process[:3] == ("all", "c1", 3)
    check_schema(verdict, root)


@pytest.mark.kernel
def test_where_paths_are_unknown_a_step_finds_what_earlier_ones_have_left(make_notebook: Make) -> None:
    notebook = make_notebook(
        ("imports", "from pathlib import Path"),
        ("step:make", "names = Path('in_txt').read_text().split()\nfor name in names:\n    Path(name).mkdir()"),
        ("step:fill", "for name in names:\n    (Path(name) / 'x').write_text(name)"),
        ("step:apart", "open('in_txt').read()"),
        ("step:look", "[(Path(name) / 'x').read_text() for name in names]"),
        in_txt="one two",
    )
    pipeline = slice_notebook(notebook)
    assert pipeline.step("make").writes_unknown_files
    verdict = verify_notebook(pipeline, notebook)
    assert verdict.differences == ()


@pytest.mark.kernel
def test_a_notebook_that_fails_by_itself_is_not_compared(make_notebook: Make, root: Path) -> None:
    notebook = make_notebook(("step:one", "x = 1"), ("step:two", "y = x\n1 / 0"), ("step:three", "print(x)"))
    verdict = verify_notebook(slice_notebook(notebook), notebook)
    assert (verdict.equal, verdict.exit_code, verdict.runs) == (False, 1, 1)
    assert verdict.failure is not None
    assert (verdict.failure.ename, verdict.failure.cell, verdict.failure.line) == ("ZeroDivisionError", "c1", 2)
    assert verdict.to_json()["whole"]["error"] == {
        "cell": "c1",
        "line": 2,
        "message": "ZeroDivisionError: division by zero",
    }
    check_schema(verdict, root)


def test_a_notebook_that_is_no_pipeline_is_refused(make_notebook: Make) -> None:
    notebook = make_notebook(("step:one", "x = ("))
    with pytest.raises(PipelineError):
        verify_notebook(slice_notebook(notebook), notebook)
