"""``run``'s options for continuous integration, and papermill's own. The engine is not part of it."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest

from jupyter_mlops import api
from jupyter_mlops.cli.run import command
from jupyter_mlops.engine.result import GateResult, RunResult, StepFailure, StepResult
from jupyter_mlops.notebook.model import Notebook

EXECUTED = {
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "print(1)",
            "execution_count": 1,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["one\n"]},
                {"output_type": "stream", "name": "stderr", "text": "two"},
                {"output_type": "stream", "name": "stdout", "text": "three"},
            ],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@dataclass
class Engine:
    """Stands in for the real one: notes what it was asked for and returns what it was told to."""

    directory: Path
    result: RunResult
    calls: list[dict[str, Any]] = field(default_factory=list)

    def run(self, notebook: Notebook, parameters: Any = None, **options: Any) -> RunResult:
        self.calls.append({"notebook": notebook, "parameters": parameters, **options})
        self.directory.mkdir(exist_ok=True)
        text = json.dumps(EXECUTED)
        (self.directory / "output.ipynb").write_text(text)
        if options.get("output"):
            Path(options["output"]).write_text(text)
        return self.result


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    steps = (StepResult("load", "load", "succeeded", seconds=0.4, attempts=1),)
    result = RunResult("20251122-101500-ab12", "succeeded", 1.25, steps, None, tmp_path / "runs")
    stand_in = Engine(tmp_path / "runs", result)
    monkeypatch.setattr(api, "run", stand_in.run)
    monkeypatch.chdir(tmp_path)
    return stand_in


# --- gates and files --------------------------------------------------------------------------------------------------

GATES = (
    GateResult("accuracy >= 0.9", "passed", "accuracy is 0.95"),
    GateResult("loss < 1", "failed", "loss is 2"),
    GateResult("a > baseline", "skipped", "there is no baseline yet"),
)


def test_options_reach_the_engine(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    line = ["--gate", "a > 1", "--gate", "b > baseline", "--baseline", "main", "--junit", "j.xml", "--markdown", "m.md"]
    assert run("run", write(), *line, "--start-timeout", "5", "--execution-timeout", "2.5").code == 0
    (call,) = engine.calls
    assert call["gates"] == ("a > 1", "b > baseline") and call["baseline"] == "main"
    assert (call["junit"], call["markdown"]) == (tmp_path / "j.xml", tmp_path / "m.md")
    assert (call["start_timeout"], call["execution_timeout"]) == (5, 2.5)


@pytest.mark.parametrize(
    ("gates", "failure", "problems", "code"),
    [
        (GATES[:1], None, (), 0),
        (GATES, None, (), 5),
        (GATES, StepFailure("user", "E", "x"), (), 1),
        (GATES, StepFailure("infrastructure", "E", "x"), (), 4),
        (GATES[2:], None, (), 0),
        (GATES[:1], None, ("j.xml can't be written: disk full.",), 4),
        (GATES, None, ("j.xml can't be written: disk full.",), 5),
    ],
)
def test_exit_codes(run: Any, write: Any, engine: Engine, gates: Any, failure: Any, problems: Any, code: int) -> None:
    steps = tuple(replace(step, error=failure) for step in engine.result.steps)
    engine.result = replace(engine.result, steps=steps, gates=gates, problems=problems)
    printed = run("run", write(), "--no-progress-bar")
    assert printed.code == code
    assert ("error: The gate 'loss < 1' failed: loss is 2." in printed.err) == (len(gates) == 3)
    assert ("error: j.xml can't be written: disk full.\nhint: The run is done" in printed.err) == bool(problems)
    assert "Run " in printed.out, "the result is told in any case"


def test_gates_are_shown_and_in_the_json(run: Any, write: Any, engine: Engine, root: Path) -> None:
    engine.result = replace(engine.result, gates=GATES, baseline="20250101-000000-a")
    lines = run("run", write(), "--no-progress-bar").out.splitlines()
    start = lines.index("Gates")
    assert lines[start + 1 : start + 4] == [
        "  passed   accuracy >= 0.9  accuracy is 0.95",
        "  FAILED   loss < 1         loss is 2",
        "  skipped  a > baseline     there is no baseline yet",
    ]
    assert any(line.split() == ["Baseline", "20250101-000000-a"] for line in lines)
    data = json.loads(run("run", write(), "--format", "json", "--no-progress-bar").out)
    schema = json.loads((root / "docs" / "schema" / "run.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(data)
    assert data["gates"][1] == {"gate": "loss < 1", "verdict": "failed", "reason": "loss is 2"}
    assert data["baseline"] == "20250101-000000-a"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--gate", "a >"], "a metric or a number is expected"),
        (["--gate", "a > baseline"], "compares with a baseline, and none is given"),
        (["--baseline", ""], "names no run"),
        (["--junit", "x", "--markdown", "./x"], "The markdown would overwrite the junit x."),
        (["x", "--report", "x"], "The report would overwrite the output x."),
        (["--junit", "no/x"], "does not exist"),
        (["--gate", "a > 1", "--dry-run"], "--gate has no object"),
        (["x", "--junit", "y", "--prepare-only"], "--junit has no object"),
        (["--prepare-only"], "nowhere to write"),
        (["--language", "R"], "Steps are Python, not R."),
        (["--engine", "dagster"], "not in 'dagster'"),
        (["-", "--format", "json"], "can't go to standard output with --format json"),
        (["-", "--watch"], "can't go to standard output with --watch"),
        (["foo://x/y.ipynb"], "papermill knows no foo://"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Any, write: Any, engine: Engine, line: list[str], message: str) -> None:
    printed = run("run", write(), *line)
    assert (printed.code, printed.out, engine.calls) == (2, "", [])
    assert message in printed.err


def test_a_notebook_with_errors_still_gives_the_files(
    run: Any, write: Any, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n")
    path = write([("step:load", "a = missing")])
    printed = run("run", path, "--junit", "j.xml", "--markdown", "m.md")
    assert (printed.code, engine.calls) == (3, [])
    assert '<error type="PipelineError"' in (tmp_path / "j.xml").read_text()
    page = (tmp_path / "m.md").read_text()
    assert "churn: not run" in page and "MLO012" in page
    assert (tmp_path / "summary.md").read_text() == f"before\n{page}\n"
    assert "::error file=churn.ipynb,line=1,title=MLO012::cell 1 (load), line 1: " in printed.err


def test_github_is_told_of_failures_only_there(
    run: Any, write: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = StepFailure("user", "ValueError", "no rows", cell="cell-2", line=1)
    steps = (replace(engine.result.steps[0], status="failed", error=failure),)
    engine.result = replace(engine.result, status="failed", steps=steps, gates=GATES)
    assert "::error" not in run("run", write(), "--no-progress-bar").err
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    printed = run("run", write(), "--no-progress-bar", "--format", "json")
    lines = [line for line in printed.err.splitlines() if line.startswith("::")]
    assert lines == [
        "::error file=churn.ipynb,line=1,title=load failed::cell 3 (load), line 1: ValueError: no rows",
        "::error file=churn.ipynb,line=1,title=Gate failed::loss < 1: loss is 2",
    ]
    json.loads(printed.out)


# --- papermill's own arguments ----------------------------------------------------------------------------------------

ELSEWHERE = {"--help": "--help", "-h": "-h"}
"""Options that every command has."""


def test_every_option_of_papermill_is_one_of_ours() -> None:
    from papermill.__main__ import papermill

    theirs = {name for item in papermill.params if isinstance(item, click.Option) for name in names(item)}
    ours = {name for item in command.params if isinstance(item, click.Option) for name in names(item)}
    assert "--prepare-execute" in theirs and "-k" in theirs
    assert theirs - ours - set(ELSEWHERE) == set()
    for item in papermill.params:
        if isinstance(item, click.Option):
            same = next(mine for mine in command.params if set(item.opts) & set(mine.opts))
            assert (same.nargs, same.multiple) == (item.nargs, item.multiple), item.name
            assert (same.is_flag, set(same.opts)) >= (item.is_flag, set(item.opts)), item.name


def names(option: click.Option) -> set[str]:
    return {*option.opts, *option.secondary_opts}


def test_every_option_of_papermill_is_in_the_table(root: Path) -> None:
    from papermill.__main__ import papermill

    page = (root / "docs" / "ci.md").read_text(encoding="utf-8")
    table = page.partition("| papermill |")[2].partition("\n\n")[0]
    for item in papermill.params:
        for name in (
            (*item.opts, *item.secondary_opts) if isinstance(item, click.Option) else (item.human_readable_name,)
        ):
            assert f"`{name}`" in table or f"`{name} " in table, name


def test_what_has_no_object_is_said_once(run: Any, write: Any, engine: Engine) -> None:
    line = ["--engine", "nbclient", "--no-request-save-on-cell-execute", "--autosave-cell-every", "5"]
    printed = run("run", write(), *line, "--log-level", "INFO", "--no-progress-bar")
    assert printed.code == 0 and len(engine.calls) == 1
    notes = [line.split()[1] for line in printed.err.splitlines() if line.startswith("note: ")]
    assert notes == ["--engine", "--request-save-on-cell-execute", "--autosave-cell-every", "--log-level"]
    assert run("run", write(), "--engine", "mlops", "-l", "python", "--no-progress-bar").err == ""


def test_what_is_printed_goes_to_files(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    assert run("run", write(), "--stdout-file", "o.txt", "--stderr-file", "e.txt").code == 0
    assert ((tmp_path / "o.txt").read_text(), (tmp_path / "e.txt").read_text()) == ("one\nthree", "two")


def test_report_mode_folds_the_code_away(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    assert run("run", write(), "out.ipynb", "--report-mode").code == 0
    (cell,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert cell["metadata"] == {"jupyter": {"source_hidden": True}}
    assert "source_hidden" not in (tmp_path / "runs" / "output.ipynb").read_text()


def test_prepare_only_writes_the_parameters_and_runs_nothing(
    run: Any, write: Any, engine: Engine, tmp_path: Path
) -> None:
    assert run("run", write(), "out.ipynb", "--prepare-only", "-p", "n_trees", "7").code == 0
    cells = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert [cell["metadata"]["tags"] for cell in cells][1:3] == [["parameters"], ["injected-parameters"]]
    assert "n_trees = 7" in "".join(cells[2]["source"])
    assert all(not cell.get("outputs") for cell in cells) and engine.calls == []


def test_paths_become_parameters_where_they_are_declared(run: Any, write: Any, engine: Engine) -> None:
    path = write([("parameters", 'PAPERMILL_INPUT_PATH = ""\nPAPERMILL_OUTPUT_PATH = ""'), ("step:a", "x = 1")])
    assert run("run", path, "out.ipynb", "--inject-paths", "--no-progress-bar").err == ""
    assert engine.calls[-1]["parameters"] == {"PAPERMILL_INPUT_PATH": str(path), "PAPERMILL_OUTPUT_PATH": "out.ipynb"}
    run("run", path, "--inject-input-path", "-p", "PAPERMILL_INPUT_PATH", "mine")
    assert engine.calls[-1]["parameters"] == {"PAPERMILL_INPUT_PATH": "mine"}
    printed = run("run", write(), "--inject-output-path", "--no-progress-bar")
    assert printed.code == 0 and "declares no parameter PAPERMILL_OUTPUT_PATH" in printed.err


def test_a_path_may_name_parameters(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    path = write()
    assert run("run", path, "out_{n_trees}_{other}.ipynb", "-p", "n_trees", "7").code == 0
    assert engine.calls[-1]["output"] == tmp_path / "out_{n_trees}_{other}.ipynb"
    assert run("run", path, "out_{n_trees}.ipynb", "-p", "n_trees", "7").code == 0
    assert engine.calls[-1]["output"] == tmp_path / "out_7.ipynb"


def test_notebooks_come_and_go_through_pipes(
    run: Any, write: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write().read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    printed = run("run", "-", "-", "--no-progress-bar")
    assert printed.code == 0
    assert json.loads(printed.out) == EXECUTED
    assert "Succeeded in 1.2 s" in printed.err
    assert engine.calls[-1]["notebook"].path is None and engine.calls[-1]["output"] is None
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    printed = run("run", "-")
    assert printed.code == 3 and "is not valid JSON" in printed.err


def test_help_notebook_lists_the_parameters(run: Any, write: Any, engine: Engine) -> None:
    printed = run("run", write(), "--help-notebook")
    assert printed.out.splitlines()[-2:] == [
        "  n_trees:    int    (default 100)",
        "  test_size:  float  (default 0.25)",
    ]
    assert engine.calls == []


class _Store(BaseHTTPRequestHandler):
    """A store of files, such as notebooks are fetched from and put to."""

    files: dict[str, bytes]

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def do_PUT(self) -> None:
        self.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, bytes]]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Store", (_Store,), {"files": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.files
    server.shutdown()
    server.server_close()


def test_notebooks_and_parameters_may_be_remote(run: Any, write: Any, engine: Engine, store: Any) -> None:
    address, files = store
    files["/churn.ipynb"] = write().read_bytes()
    files["/parameters.yaml"] = b"n_trees: 7\n"
    printed = run("run", f"{address}/churn.ipynb", f"{address}/out.ipynb", "-f", f"{address}/parameters.yaml")
    assert printed.code == 0, printed.err
    assert engine.calls[-1]["notebook"].name == "churn" and engine.calls[-1]["parameters"] == {"n_trees": 7}
    assert json.loads(files["/out.ipynb"]) == EXECUTED
    printed = run("run", f"{address}/missing.ipynb")
    assert printed.code == 2 and f"{address}/missing.ipynb can't be read" in printed.err


def test_a_result_that_can_not_be_delivered_is_not_lost(
    run: Any, write: Any, engine: Engine, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, _ = store
    monkeypatch.setattr(_Store, "do_PUT", lambda self: self.send_error(500))
    printed = run("run", write(), f"{address}/out.ipynb", "--no-progress-bar")
    assert printed.code == 4
    assert f"error: {address}/out.ipynb can't be written" in printed.err
    assert "Succeeded in 1.2 s" in printed.out
