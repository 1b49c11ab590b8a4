"""Runs with real kernels: order, failures, limits, interruption, the record."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.diagnostics import make
from jupyter_mlops.engine.events import CellFinished, CellStarted, RunFinished, RunStarted, StepFinished, StepOutput
from jupyter_mlops.engine.runner import run_pipeline
from jupyter_mlops.errors import MlopsError, PipelineError, UsageError
from jupyter_mlops.notebook.model import Notebook, StepSettings
from jupyter_mlops.pipeline.model import Edge, Parameter, Pipeline, Step
from jupyter_mlops.store.database import Database


def pipeline(notebook: Notebook, *steps: Step, edges: tuple[tuple[str, str], ...] = (), **more: Any) -> Pipeline:
    made = tuple(Edge(source, target) for source, target in edges)
    return Pipeline(notebook.name, notebook.path, "python3", more.pop("parameters", ()), steps, made, (), **more)


@pytest.mark.kernel
def test_four_steps_at_once_each_in_a_kernel_of_its_own(
    make_notebook: Callable[..., Notebook], tmp_path: Path, watcher: Any
) -> None:
    # Each waits until all four are there: only true parallelism lets it end.
    source = textwrap.dedent("""
        import os, pathlib, time
        pathlib.Path('ready-{}').touch()
        while len(list(pathlib.Path('.').glob('ready-*'))) < 4:
            time.sleep(0.02)
        print(os.getpid())
    """)
    notebook = make_notebook(**{name: source.replace("{}", name) for name in "abcd"})
    steps = [Step(name.upper(), name, (name,)) for name in "abcd"]
    result = run_pipeline(
        pipeline(notebook, *steps), notebook, home=tmp_path / "home", workers=4, reporter=watcher, timeout=60
    )
    assert [step.status for step in result.steps] == ["succeeded"] * 4
    assert len({event.text for event in watcher.of(StepOutput)}) == 4
    assert len(watcher.threads) == 1
    assert isinstance(watcher.events[0], RunStarted) and isinstance(watcher.events[-1], RunFinished)
    assert [(event.index, event.count) for event in watcher.of(CellStarted)] == [(1, 1)] * 4
    assert all(event.seconds > 0 for event in watcher.of(CellFinished))


@pytest.mark.kernel
def test_every_way_to_end(make_notebook: Callable[..., Notebook], tmp_path: Path, watcher: Any) -> None:
    notebook = make_notebook(
        bad="x = 1\nraise ValueError('no good')",
        after_bad="1",
        dead="import os\nos._exit(3)",
        ends="import atexit, subprocess, pathlib\n"
        "atexit.register(pathlib.Path('at-exit').touch)\n"
        "print('CHILD', subprocess.Popen(['sleep', '600']).pid)",
        shown=("1 / 0", ("raises-exception",)),
        still="print('still here')",
        leave="import sys\nprint('leaving')\nsys.exit()",
        never="print('never')",
        after_leave="1",
        slow="import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass",
        last="import os; print(os.environ['COLOUR'], os.environ['PYTHONHASHSEED'])",
    )
    steps = (
        Step("Bad", "bad", ("bad",)),
        Step("After bad", "after-bad", ("after_bad",)),
        Step("Dead", "dead", ("dead",)),
        Step("Shown", "shown", ("ends", "shown", "still")),
        Step("Leave", "leave", ("leave", "never")),
        Step("After leave", "after-leave", ("after_leave",)),
        Step("Slow", "slow", ("slow",), settings=StepSettings(timeout=3)),
        Step("Last", "last", ("last",), settings=StepSettings(env={"COLOUR": "$green"})),
    )
    made = pipeline(notebook, *steps, edges=(("bad", "after-bad"), ("leave", "after-leave"), ("shown", "last")))
    home = tmp_path / "ho{me} $X é'"
    result = run_pipeline(made, notebook, home=home, workers=3, reporter=watcher, output=tmp_path / "out.ipynb")

    by_slug = {step.slug: step for step in result.steps}
    assert {slug: step.status for slug, step in by_slug.items()} == {
        "bad": "failed",
        "after-bad": "skipped",
        "dead": "failed",
        "shown": "succeeded",
        "leave": "succeeded",
        "after-leave": "skipped",
        "slow": "failed",
        "last": "succeeded",
    }
    assert by_slug["after-bad"].reason == "Bad failed"
    assert by_slug["after-leave"].reason == "Leave ended the notebook with sys.exit()"
    errors = {slug: step.error for slug, step in by_slug.items() if step.error is not None}
    assert (errors["bad"].kind, errors["bad"].message, errors["bad"].line) == ("user", "ValueError: no good", 2)
    assert (errors["dead"].kind, errors["dead"].cell) == ("infrastructure", "dead")
    assert "exit code 3" in errors["dead"].evalue
    assert (errors["slow"].kind, errors["slow"].ename) == ("user", "StepTimeout")
    assert result.exit_code == 1, "the first failure on the page decides"
    assert (tmp_path / "at-exit").exists(), "the user's own clean-up runs"
    (child,) = [event.text for event in watcher.of(StepOutput) if event.text.startswith("CHILD")]
    assert not _is_alive(int(child.split()[1])), "what a step starts ends with it"
    assert any(event.text == "$green 0\n" for event in watcher.of(StepOutput))

    cells = {cell.id: cell for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells}
    assert [cell for cell in cells if not cell.startswith("papermill")] == [cell.id for cell in notebook.cells]
    assert "".join(item.text for item in cells["still"].outputs) == "still here\n"  # a kernel may send it in pieces
    assert cells["never"].outputs == [] and cells["after_bad"].execution_count is None
    with Database(home / "mlops.db") as database:
        record = database.run(result.run_id)
        assert record.status == "failed" and record.seconds is not None and record.seconds > 0
    assert not list((home / "tmp").iterdir()), "scratch is cleaned up"
    steps_folder = result.directory / "steps"
    for step in watcher.of(StepFinished):
        assert step.result.notebook is None or step.result.notebook.parent == steps_folder
    nbformat.read(steps_folder / "03-dead.ipynb", as_version=4)


SCRIPT = """
import sys, json
from pathlib import Path
from jupyter_mlops.engine.runner import run_pipeline
from jupyter_mlops.engine.events import StepOutput
from jupyter_mlops.notebook.model import Cell, Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step

class Teller:
    def handle(self, event):
        if isinstance(event, StepOutput):
            print(event.text, flush=True)

path = Path(sys.argv[1])
raw = json.loads(path.read_text())
cells = tuple(Cell(c["id"], i, "code", c["source"]) for i, c in enumerate(raw["cells"]))
notebook = Notebook(path, "demo", cells, raw=raw)
steps = (Step("A", "a", ("a",)), Step("B", "b", ("b",)))
made = Pipeline("demo", path, "python3", (), steps, (), ())
result = run_pipeline(made, notebook, home=Path(sys.argv[2]), workers=1, reporter=Teller(), output=Path(sys.argv[3]))
print("ENDED", result.run_id, *[step.status for step in result.steps], flush=True)
sys.exit(result.exit_code)
"""


@pytest.mark.kernel
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_kernels_and_their_children(
    make_notebook: Callable[..., Notebook], tmp_path: Path, number: signal.Signals
) -> None:
    source = textwrap.dedent("""
        import os, subprocess, time
        own = subprocess.Popen(['sleep', '600'])
        loose = subprocess.Popen(['sleep', '600'], start_new_session=True)
        print('PIDS', os.getpid(), own.pid, loose.pid)
        while True:
            try:
                time.sleep(600)
            except KeyboardInterrupt:
                pass
    """)
    notebook = make_notebook(a=source, b="1")
    arguments = [str(notebook.path), str(tmp_path / "home"), str(tmp_path / "out.ipynb")]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids: list[int] = []
    for line in process.stdout:
        if line.startswith("PIDS"):
            pids = [int(word) for word in line.split()[1:]]
            break
    began = time.monotonic()
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait(timeout=30) == 130
    assert time.monotonic() - began < 5
    ended = next(line for line in rest.splitlines() if line.startswith("ENDED")).split()
    assert ended[2:] == ["cancelled", "cancelled"]
    assert len(pids) == 3 and not [pid for pid in pids if _is_alive(pid)]
    with Database(tmp_path / "home" / "mlops.db") as database:
        assert database.run(ended[1]).status == "cancelled"
    assert json.loads((tmp_path / "out.ipynb").read_text())["cells"]


def _is_alive(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_what_makes_no_sense_is_refused_before_anything_is_written(
    make_notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    notebook = make_notebook(p=("rate = 0.5", ("parameters",)), a="1")
    assert notebook.path is not None
    home = tmp_path / "home"
    good = pipeline(notebook, Step("A", "a", ("a",)), parameters=(Parameter("rate", "float", 0.5, "p", 1),))
    wrong = Pipeline(good.name, None, "no-such-kernel", (), good.steps, (), ())
    broken = pipeline(notebook, Step("A", "a", ("a",)), diagnostics=(make("MLO005", "a circle"),))
    refused: list[tuple[type[MlopsError], str, Pipeline, dict[str, Any]]] = [
        (UsageError, "no parameter 'raet'; it has: rate", good, {"parameters": {"raet": 1.0}}),
        (UsageError, "is the notebook itself", good, {"output": notebook.path}),
        (UsageError, "does not exist", good, {"output": tmp_path / "no" / "out.ipynb"}),
        (UsageError, "at least one worker", good, {"workers": 0}),
        (UsageError, "positive number", good, {"timeout": 0.0}),
        (UsageError, "working directory", good, {"cwd": tmp_path / "no"}),
        (UsageError, "'no-such-kernel' is not installed", wrong, {}),
        (PipelineError, "not a valid pipeline", broken, {}),
    ]
    before = sorted(tmp_path.iterdir())
    for kind, message, made, options in refused:
        with pytest.raises(kind, match=message):
            run_pipeline(made, notebook, home=home, **options)
    assert sorted(tmp_path.iterdir()) == before
