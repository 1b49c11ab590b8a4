"""The magic in a shell of its own, over runs that were made in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inprocess import record_run, write_notebook
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlops.magics import load_ipython_extension, unload_ipython_extension

CELLS = [
    ("", "%load_ext jupyter_mlops"),
    ("imports", "import random\nimport json"),
    ("parameters", "size = 3\nlimit = 9"),
    ("functions", "def clean(values):\n    return [value for value in values if value >= 0]\nLABELS = {'a': 1}"),
    ("step:load", "random.seed(4)\nrows = list(range(size))\nopen('rows.txt', 'w').write('from the run')"),
    ("step:draw", "drawn = random.random()"),
    (
        "step:use it|metrics",
        "text = open('rows.txt').read()\nlast = random.random()\ntotal = sum(clean(rows)) + LABELS['a']",
    ),
    ("step:fail", "assert total < limit, f'{total} is too much'"),
]


class Live:
    """A live notebook: a shell, and the folder it works in."""

    def __init__(self, shell: InteractiveShell, folder: Path, home: Path) -> None:
        self.shell: Any = shell
        self.folder = folder
        self.home = home
        self.names: dict[str, Any] = self.shell.user_ns

    def record(self, **parameters: Any) -> str:
        """Record a run of the notebook; leave the folder as it was before."""
        run = record_run(self.folder / "live.ipynb", self.home, parameters)
        (self.folder / "rows.txt").unlink(missing_ok=True)
        return run

    def do(self, line: str) -> Any:
        return self.shell.run_line_magic("mlops", line)

    def refused(self, line: str) -> str:
        with pytest.raises(UsageError) as caught:
            self.do(line)
        return str(caught.value)

    def run(self, code: str) -> None:
        self.shell.run_cell(code).raise_error()


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    folder, home = tmp_path / "project", tmp_path / "store"
    folder.mkdir()
    write_notebook(folder / "live.ipynb", CELLS)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "live.ipynb"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own there
    shell = InteractiveShell()
    load_ipython_extension(shell)
    yield Live(shell, folder, home)
    shell.history_manager.end_session() if shell.history_manager else None


def test_the_failing_cell_runs_after_its_inputs_were_loaded(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    run = live.record(limit=2)
    live.do("load fail")
    printed = capsys.readouterr().out
    assert f"Step 'fail' of the run {run} can begin here." in printed
    assert "total" in printed and "limit" in printed
    assert "It failed in cell 8, line 1: AssertionError: 4 is too much" in printed
    with pytest.raises(AssertionError, match="4 is too much"):
        live.run(CELLS[-1][1])


def test_random_numbers_are_those_of_the_run(live: Live) -> None:
    live.record()
    live.do("load 'use it' --files")
    live.run(CELLS[-2][1])
    first = live.names["last"]
    live.run("import random; random.random()")
    live.do("load 'use it' --files")
    live.run(CELLS[-2][1])
    assert live.names["last"] == first
    import random

    random.seed(4)
    random.random()
    assert first == random.random()


def test_code_of_earlier_cells_comes_along_and_can_be_looked_at(live: Live) -> None:
    live.record()
    live.do("load 'use it'")
    assert live.names["clean"]([-1, 2]) == [2]
    assert live.names["LABELS"] == {"a": 1}
    assert "json" not in live.names
    import inspect

    assert "value >= 0" in inspect.getsource(live.names["clean"])


def test_files_are_put_into_place_when_that_is_asked_for(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    live.record()
    live.do("load 'use it'")
    assert "left as they are here: rows.txt" in capsys.readouterr().out
    assert not (live.folder / "rows.txt").exists()
    live.do("load 'use it' --files")
    assert (live.folder / "rows.txt").read_text() == "from the run"


@pytest.mark.parametrize("code", ["rows = [7]", "def clean(values): return values", "LABELS = {}"])
def test_what_a_name_holds_here_is_not_lost(live: Live, code: str) -> None:
    live.record()
    live.run(code)
    name = code.split(" =")[0].removeprefix("def ").split("(")[0]
    here = live.names[name]
    assert f"{name} holds something else here; nothing was loaded." in live.refused("load 'use it'")
    assert live.names[name] is here
    live.do("load 'use it' --force")
    assert live.names[name] is not here


def test_a_parameter_that_differs_is_not_overwritten(live: Live) -> None:
    live.record()
    live.run("limit = 100")
    assert "limit holds something else" in live.refused("load fail")
    live.run("limit = 9")
    live.do("load fail")


def test_equal_values_may_be_there_already(live: Live) -> None:
    live.record()
    live.run("import random\nrows = [0, 1, 2]\nLABELS = {'a': 1}\n" + CELLS[3][1])
    live.do("load 'use it'")
    assert live.names["rows"] == [0, 1, 2]


def test_what_was_loaded_may_be_loaded_again(live: Live) -> None:
    live.record()
    live.do("load 'use it'")
    live.run("rows.append(5)")
    live.do("load 'use it'")
    assert live.names["rows"] == [0, 1, 2]


def test_the_last_run_of_this_notebook_is_meant(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.record(size=2)
    other = write_notebook(live.folder / "other.ipynb", [("step:load", "rows = [9]"), ("step:use it", "print(rows)")])
    record_run(other, live.home)
    live.do("load 'use it'")
    assert live.names["rows"] == [0, 1]
    live.do("load 'use it' --run latest")
    assert live.names["rows"] == [9]
    live.do("load 'use it' --notebook live.ipynb")
    assert live.names["rows"] == [0, 1]
    monkeypatch.delenv("JPY_SESSION_NAME")
    live.do("load 'use it'")
    assert live.names["rows"] == [9]


@pytest.mark.parametrize("name", ["project/live.ipynb", "RTC:project/live.ipynb", "live.ipynb"])
def test_a_name_relative_to_a_folder_above_is_found(live: Live, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    live.record()
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    live.do("load fail")
    assert live.names["limit"] == 9


def test_mistakes_are_told_in_one_message(live: Live) -> None:
    assert "no store" in live.refused("load fail")
    live.record(limit=0)
    assert 'no step "fial"; did you mean "fail"?' in live.refused("load fial")
    assert 'no command "lod"; did you mean "load"?' in live.refused("lod fail")
    assert "no closing quotation" in live.refused("load 'use it")
    assert "Missing argument 'STEP'" in live.refused("load")
    assert "No such option" in live.refused("load fail --wrong")
    assert "There is no run 'nowhere'" in live.refused("load fail --run nowhere")
    assert "no run of" in live.refused("load fail --notebook nowhere.ipynb")
    assert "does not exist" in live.refused("show nowhere.ipynb")
    assert "in the filter" in live.refused("runs metrics.total >")


def test_inputs_that_were_never_made_are_told(live: Live) -> None:
    live.record(size="x")
    message = live.refused("load 'use it'")
    assert 'was never made by "load" (failed)' in message
    assert '%mlops load "load"' in message


def test_help_alone(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.do("") is None
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("load", "run", "show", "runs", "compare", "lineage"))


def test_a_filter_needs_no_quotes_of_its_own(live: Live) -> None:
    live.record(size=3)
    live.record(size=5)
    assert list(live.do("runs metrics.total > 5")["params.size"]) == [5]
    assert list(live.do("runs 'params.size = 3'")["params.size"]) == [3]
    assert len(live.do('runs status = "failed"')) == 1
    assert len(live.do("runs")) == 2


def test_pictures_have_a_text_besides(live: Live) -> None:
    run = live.record()
    for line in ("show", f"show {run}", f"lineage {run}:total", "show live.ipynb"):
        shown = live.do(line)._repr_mimebundle_()
        assert "<svg" in shown["text/html"] and "use it" in shown["text/html"]
        assert "use it" in shown["text/plain"] and "<" not in shown["text/plain"]


def test_runs_are_compared(live: Live) -> None:
    runs = [live.record(size=3), live.record(size=4)]
    shown = live.do(f"compare {runs[0]} {runs[1]}")._repr_mimebundle_()
    assert "size" in shown["text/plain"] and "size" in shown["text/html"]


def test_inside_a_pipeline_nothing_is_run_or_loaded(live: Live, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_STEP", "context.json")
    assert live.do("run") is None
    assert live.do("load fail") is None
    assert capsys.readouterr().out.count("does nothing here") == 2
    assert not live.home.exists()


def test_a_notebook_with_errors_is_not_run(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    write_notebook(live.folder / "wrong.ipynb", [("step:a", "print(undefined_name)"), ("step:b", "x = 1")])
    message = live.refused("run wrong.ipynb")
    assert "undefined_name" in message and "MLO" in message and "Traceback" not in message
    assert "undefined_name" in repr(live.do("show wrong.ipynb"))
    assert not live.home.exists()


def test_steps_and_runs_are_completed(live: Live) -> None:
    run = live.record()
    complete = live.shell.Completer.complete
    with provisionalcompleter():
        assert "load" in complete(None, "%mlops lo", 9)[1]
        assert "'use it'" in complete(None, "%mlops load ", 12)[1]
        assert run in complete(None, "%mlops lineage ", 15)[1]
        assert run in complete(None, "%mlops load fail --run ", 23)[1]


def test_the_extension_can_be_taken_away(live: Live) -> None:
    unload_ipython_extension(live.shell)
    assert live.shell.find_line_magic("mlops") is None


def test_ipython_finds_the_extension(live: Live) -> None:
    unload_ipython_extension(live.shell)
    assert live.shell.extension_manager.load_extension("jupyter_mlops") is None
    assert live.shell.find_line_magic("mlops") is not None
    assert os.environ.get("JUPYTER_MLOPS_STEP") is None


def test_variables_that_share_memory_are_put_back_together(live: Live) -> None:
    cells = [
        ("step:make", "rows = [1]\nsame = rows"),
        ("step:use", "same.append(2)\nassert rows == [1]"),
    ]
    record_run(write_notebook(live.folder / "shared.ipynb", cells), live.home)
    live.run("rows = [1]\nsame = rows")
    live.do("load use --run latest")
    assert live.names["rows"] is live.names["same"]
    live.run("mine = rows = [1]\nsame = [1]")  # equal, but no longer one
    assert "rows, same hold something else" in live.refused("load use --run latest")
    assert live.names["rows"] is live.names["mine"]
