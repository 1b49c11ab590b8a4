"""What runs again after a change, and what does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.engine import reuse
from jupyter_mlops.engine.interpreter import examine_interpreter
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.objects import ObjectStore

CELLS = {
    "p": ("n = 3\nk = 2", ["parameters"]),
    "i": ("import json\nimport helper", ["imports"]),
    "a": ("rows = open('in.txt').read().split()[:n]\nlen(rows)", ["step:load"]),
    "b": ("total = helper.add(rows)\nopen('out.txt', 'w').write(str(total))\ntotal", ["step:sum"]),
    "c": ("score = total * k\nprint('score', score)", ["step:score", "metrics"]),
    "d": ("import time\nnow = time.time()", ["step:clock"]),
}
Actions = dict[str, str]


class Project:
    """A folder with a notebook that has run once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cells: dict[str, tuple[str, list[str]]] = dict(CELLS)
        self.metadata: dict[str, Any] = {}

    @property
    def notebook(self) -> Path:
        return self.folder / "demo.ipynb"

    def write(self, **changed: str) -> None:
        for name, source in changed.items():
            self.cells[name] = (source, self.cells[name][1])
        cells = [
            {
                "cell_type": "code",
                "id": name,
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for name, (source, tags) in self.cells.items()
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, **self.metadata}
        raw = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        self.notebook.write_text(json.dumps(raw), encoding="utf-8")

    def plan(self, parameters: dict[str, Any] | None = None, **wishes: Any) -> Actions:
        planned = api.dry_run(self.notebook, parameters, **wishes)
        return {step.name: step.action for step in planned.steps}

    def reason(self, step: str, parameters: dict[str, Any] | None = None) -> str:
        planned = api.dry_run(self.notebook, parameters)
        return next(item.reason for item in planned.steps if item.name == step)

    def run(self, parameters: dict[str, Any] | None = None, **wishes: Any) -> Actions:
        result = api.run(self.notebook, parameters, **wishes)
        return {step.name: step.status for step in result.steps}


UNCHANGED = {"load": "reused", "sum": "reused", "score": "reused", "clock": "run"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "mlops.toml").touch()
    (folder / "in.txt").write_text("1 2 3 4", encoding="utf-8")
    (folder / "helper.py").write_text("def add(rows):\n    return sum(map(int, rows))\n", encoding="utf-8")
    Project(folder).write()
    result = api.run(folder / "demo.ipynb")
    assert [step.status for step in result.steps] == ["succeeded"] * 4
    assert result.metrics == {"score": 12}
    shutil.copytree(folder, folder.with_name("backup"))
    return folder


@pytest.fixture
def project(finished: Path) -> Iterator[Project]:
    yield Project(finished)
    shutil.rmtree(finished)
    shutil.copytree(finished.with_name("backup"), finished)


@pytest.mark.kernel
def test_nothing_changed(project: Project) -> None:
    (project.folder / "out.txt").unlink()
    assert project.plan() == UNCHANGED
    assert not (project.folder / "out.txt").exists(), "a dry run writes nothing"
    result = api.run(project.notebook, output=project.folder / "result.ipynb")
    assert [(step.status, step.cached) for step in result.steps] == [("reused", True)] * 3 + [("succeeded", False)]
    assert result.metrics == {"score": 12} and isinstance(result.metrics["score"], int)
    assert (project.folder / "out.txt").read_text(encoding="utf-8") == "6"
    cells = json.loads((project.folder / "result.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = {cell["id"]: cell["outputs"] for cell in cells if cell["cell_type"] == "code"}
    assert "".join(shown["c"][0]["text"]) == "score 12\n"
    assert "".join(shown["b"][0]["data"]["text/plain"]) == "6"


def test_a_fully_reused_run_starts_fast(project: Project) -> None:
    project.metadata = {"mlops": {"cache": "on"}}
    script = textwrap.dedent("""
        import sys
        from jupyter_mlops import api
        result = api.run(sys.argv[1], force=[])
        heavy = {"papermill", "nbclient", "nbformat", "jsonschema", "pandas", "numpy"}
        print([step.status for step in result.steps], sorted(heavy & set(sys.modules)))
    """)
    del project.cells["d"]
    project.write()
    done = subprocess.run([sys.executable, "-c", script, str(project.notebook)], capture_output=True, text=True)
    assert done.stdout.strip() == "['reused', 'reused', 'reused'] []", done.stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"b": "# a comment\ntotal = helper.add( rows )\n\nopen('out.txt', 'w').write(str(total))\ntotal  # shown"},
        {"d": "import time\nnow = time.time()\nlater = now + 1"},
    ],
    ids=["comment and layout", "another step"],
)
def test_what_does_not_matter(project: Project, changed: dict[str, str]) -> None:
    project.write(**changed)
    assert project.plan() == UNCHANGED


def test_ids_of_cells_do_not_matter(project: Project) -> None:
    project.cells = {f"other-{name}": cell for name, cell in project.cells.items()}
    project.write()
    assert project.plan() == UNCHANGED


@pytest.mark.kernel
def test_editing_the_last_step_runs_it_alone(project: Project) -> None:
    project.write(c="# text\nscore = total * k\n\nprint('points', score)")
    assert project.plan() == {**UNCHANGED, "score": "run"}
    assert project.reason("score") == "cell 5, line 4 changed: print('points', score)"
    assert project.run() == {"load": "reused", "sum": "reused", "score": "succeeded", "clock": "succeeded"}
    assert project.plan() == UNCHANGED


def test_a_hidden_last_value_counts(project: Project) -> None:
    project.write(a=CELLS["a"][0] + ";")
    assert project.plan()["load"] == "run"


def test_a_docstring_is_a_value(project: Project) -> None:
    project.write(c="def f():\n    'one'\n" + CELLS["c"][0])
    assert project.plan()["score"] == "run"


def test_a_parameter_runs_its_readers(project: Project) -> None:
    assert project.plan({"k": 5}) == {**UNCHANGED, "score": "run"}
    assert project.reason("score", {"k": 5}) == "parameter k: 2 → 5"
    assert project.plan({"k": 2}) == UNCHANGED
    assert project.plan({"n": 2}) == {"load": "run", "sum": "maybe", "score": "maybe", "clock": "run"}


@pytest.mark.kernel
def test_equal_results_end_the_work(project: Project) -> None:
    """An input file changes, but not what is taken from it: early cut-off."""
    (project.folder / "in.txt").write_text("1 2 3 5", encoding="utf-8")
    assert project.plan() == {"load": "run", "sum": "maybe", "score": "maybe", "clock": "run"}
    assert project.reason("load") == "file in.txt changed"
    assert project.run() == {"load": "succeeded", "sum": "reused", "score": "reused", "clock": "succeeded"}


def test_an_edited_helper(project: Project) -> None:
    (project.folder / "helper.py").write_text("def add(rows):\n    return 1 + sum(map(int, rows))\n", encoding="utf-8")
    assert project.plan()["load"] == "reused"
    assert project.plan()["sum"] == "run" and project.reason("sum") == "module helper.py changed"


def test_a_declared_variable(project: Project) -> None:
    project.metadata = {"mlops": {"env": {"COLOUR": "red"}}}
    project.write()
    assert project.plan()["load"] == "run" and project.reason("load") == "environment variable COLOUR changed"


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
@pytest.mark.kernel
def test_a_damaged_object_is_computed_again(project: Project, how: str) -> None:
    home = project.folder / ".mlops"
    objects = ObjectStore(home / "objects")
    result = api.dry_run(project.notebook)
    assert result.steps[0].action == "reused"
    digest = _digest_of(project, "load.rows")
    path = objects.path(digest)
    content = path.read_bytes()
    path.unlink()
    if how != "gone":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if how == "flipped" else content[:-1])
    assert project.plan()["load"] == "run"
    if how == "flipped":
        assert project.run()["load"] == "succeeded"
        assert objects.verify(digest)


def _digest_of(project: Project, artifact: str) -> str:
    from jupyter_mlops.store.database import Database

    with Database(project.folder / ".mlops" / "mlops.db") as database:
        run = database.runs()[0].run_id
        return next(item.digest for item in database.artifacts_of(run) if item.id == artifact)


def test_the_json_form(project: Project, root: Path) -> None:
    import jsonschema

    schema = json.loads((root / "docs" / "schema" / "dry-run.schema.json").read_text(encoding="utf-8"))
    project.write(c="score = 0")
    plan = api.dry_run(project.notebook, {"n": 2})
    jsonschema.validate(plan.to_json(), schema)
    jsonschema.validate(api.dry_run(project.notebook, {"n": 2}, force=["sum"]).to_json(), schema)


def test_settings(project: Project) -> None:
    assert project.reason("clock") == "it reads the clock"
    for setting, action in (("off", "run"), ("volatile", "run"), ("on", "reused")):
        project.metadata = {"mlops": {"cache": setting}}
        project.write()
        assert project.plan()["load"] == action
    assert project.reason("clock") == "it has not run yet"


@pytest.mark.kernel
def test_failures_are_not_kept(project: Project) -> None:
    project.write(c="score = total * k\nassert score < 0")
    for _ in range(2):
        assert project.run(only="score")["score"] == "failed"


def test_wishes(project: Project) -> None:
    every = {"load": "run", "sum": "run", "score": "run", "clock": "run"}
    assert project.plan(no_cache=True) == every
    assert project.plan(force=["score"]) == {**UNCHANGED, "score": "run"}
    assert project.plan(start="sum") == {**UNCHANGED, "sum": "run", "score": "run"}
    assert project.plan(only="score") == {"load": "reused", "sum": "reused", "score": "run", "clock": "skipped"}
    with pytest.raises(UsageError, match="load: parameter n: 3 → 1"):
        project.plan({"n": 1}, only="score")
    with pytest.raises(UsageError, match="no step 'scor'"):
        project.plan(force=["scor"])


def test_another_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(change: Callable[[Any], Any]) -> None:
        monkeypatch.setattr(
            reuse, "examine_interpreter", lambda kernel, memory: change(examine_interpreter(kernel, memory))
        )

    probe(lambda found: replace(found, python={**found.python, "version": "3.99.0"}))
    assert project.plan()["load"] == "run"
    assert "Python version" in project.reason("load")
    probe(lambda found: replace(found, distributions={}))
    assert project.plan() == UNCHANGED, "the steps use no distribution"
    probe(lambda found: None)
    assert project.reason("load") == "the environment of the kernel can't be examined"


def test_unseeded_draws_and_variables(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(d="import random\nx = random.random()")
    assert project.reason("clock") == "it draws random numbers of random that nothing has seeded"
    project.write(d="import random\nrandom.seed(1)\nx = random.random()")
    assert project.reason("clock") == "it has not run yet"
    project.write(d="import os\nx = dict(os.environ)")
    assert "environment variables" in project.reason("clock")


def test_the_store_may_be_missing(project: Project) -> None:
    shutil.rmtree(project.folder / ".mlops")
    assert set(project.plan().values()) == {"run"}
    left = {path.name for path in project.folder.glob(".mlops/*")}
    assert left <= {"exports.json"}, "a dry run records nothing"
