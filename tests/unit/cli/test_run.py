"""``run``: options to arguments, results to text or JSON, what is refused. The engine is not part of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.events import CellStarted, RunFinished, RunStarted, StepFinished, StepOutput, StepStarted
from jupyter_mlops.engine.result import RunArtifact, RunResult, StepFailure, StepResult
from jupyter_mlops.notebook.model import Notebook

DECLARED = "churn.ipynb, cell 2 (parameters)"
FAILURE = StepFailure(
    "user",
    "ValueError",
    "no rows\nat all",
    cell="cell-3",
    line=1,
    traceback="Traceback (most recent call last)\nValueError: no rows",
    hint="Give it rows.",
)


@dataclass
class Engine:
    """Stands in for the real one: notes what it was asked for and returns what it was told to."""

    directory: Path
    failure: StepFailure | None = None
    status: str | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def run(self, notebook: Notebook, parameters: Any = None, **options: Any) -> RunResult:
        self.calls.append({"notebook": notebook, "parameters": parameters, **options})
        steps = [
            StepResult("load", "load", "succeeded", seconds=0.4, attempts=1, cpu_seconds=0.3, peak_memory=52_000_000),
            StepResult("train forest", "train-forest", "failed" if self.failure else "succeeded", error=self.failure),
            StepResult("train logistic", "train-logistic", "reused", cached=True, reason="nothing changed"),
            StepResult("evaluate", "evaluate", "skipped", reason="train forest failed")
            if self.failure
            else StepResult(
                "evaluate", "evaluate", "succeeded", seconds=0.1, attempts=2, cpu_seconds=0.1, peak_memory=1_200_000_000
            ),
        ]
        result = RunResult(
            run_id="20251122-101500-ab12",
            status=self.status or ("failed" if self.failure else "succeeded"),  # type: ignore[arg-type]
            seconds=1.25,
            steps=tuple(steps),
            output_notebook=options.get("output"),
            directory=self.directory,
            metrics={"accuracy": 0.123456789, "n": 3.0},
            artifacts=(RunArtifact("rows", "load", "0" * 64, "list", 12),),
        )
        reporter = options.get("reporter")
        if reporter is not None:
            self._report(reporter.handle, result)
        return result

    def _report(self, handle: Any, result: RunResult) -> None:
        named = tuple((step.slug, step.name) for step in result.steps)
        handle(RunStarted(result.run_id, "churn", named, self.directory))
        handle(StepStarted("load", "load", 1))
        handle(CellStarted("load", "cell-2", 1, 1))
        handle(StepOutput("load", "stdout", "one\ntw"))
        handle(StepOutput("load", "stdout", "o\nthree"))
        for step in result.steps:
            handle(StepFinished(step))
        handle(RunFinished(result))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    stand_in = Engine(tmp_path / "runs")
    monkeypatch.setattr(api, "run", stand_in.run)
    monkeypatch.chdir(tmp_path)
    return stand_in


def test_text_has_plan_result_metrics_places_and_what_next(run: Any, write: Any, engine: Engine) -> None:
    write()
    printed = run("run", "churn.ipynb", "out.ipynb", "-p", "n_trees", "3")
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert lines[0] == "churn · churn.ipynb · 4 steps · kernel python3"
    assert "  n_trees    int    3     (notebook: 100)" in lines
    assert "│ train forest │" in printed.out
    assert "    takes    rows" in lines
    assert "Succeeded in 1.2 s: 4 steps (3 succeeded, 1 reused)" in lines
    assert "  accuracy  0.123457" in lines
    assert "Executed notebook  out.ipynb" in lines
    assert any(re.fullmatch(r"  jupyter lab out\.ipynb +look at the outputs", line) for line in lines)
    assert any(re.fullmatch(r"  jupyter mlops run churn\.ipynb -p n_trees VALUE +run .+", line) for line in lines)


def test_the_source_of_each_parameter_is_handed_on(
    run: Any, write: Any, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text("n_trees: 3\n")
    monkeypatch.setattr("sys.argv", ["jupyter-mlops", "run", "churn.ipynb", "-f", "params.yaml"])
    run("run", write(), "-f", "params.yaml")
    run("run", "churn.ipynb", "-f", "params.yaml", "-p", "n_trees", "4")
    run("run", "churn.ipynb", "-y", "{n_trees: 5}")
    run("run", "churn.ipynb")
    given = [(call["parameters"], call["sources"]) for call in engine.calls]
    assert given == [
        ({"n_trees": 3}, {"n_trees": "-f params.yaml"}),
        ({"n_trees": 4}, {"n_trees": "-p"}),
        ({"n_trees": 5}, {"n_trees": "-y"}),
        ({}, {}),
    ]
    assert engine.calls[0]["command"] == "jupyter mlops run churn.ipynb -f params.yaml"


def test_what_steps_used_is_shown(run: Any, write: Any, engine: Engine) -> None:
    lines = run("run", write()).out.splitlines()
    start = lines.index("Used")
    assert lines[start + 1 : start + 3] == [
        "  load      0.4 s  0.3 s of CPU  52 MB",
        "  evaluate  0.1 s  0.1 s of CPU  1,200 MB  2 attempts",
    ]


def test_json_is_all_there_is_on_stdout_and_fits_the_schema(run: Any, write: Any, engine: Engine, root: Path) -> None:
    printed = run("run", write(), "--format", "json")
    data = json.loads(printed.out)
    schema = json.loads((root / "docs" / "schema" / "run.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(data)
    assert printed.code == 0
    assert data["metrics"] == {"accuracy": 0.123456789, "n": 3.0}
    for spoiled in (
        data | {"status": "done"},
        data | {"more": 1},
        {key: value for key, value in data.items() if key != "run_id"},
        data | {"metrics": {"a": "b"}},
        data | {"artifacts": [{**data["artifacts"][0], "digest": "xyz"}]},
        data | {"steps": [{**data["steps"][0], "cached": 0}]},
    ):
        assert not validator.is_valid(spoiled)


def test_options_become_arguments(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    write()
    (tmp_path / "work here").mkdir()
    code = run(
        *[
            "run",
            "churn.ipynb",
            "out put.ipynb",
            "--workers",
            "3",
            "--cwd",
            "work here",
            "--timeout",
            "2.5",
            "-k",
            "my-kernel",
        ],
        *["--report", "my report.html"],
    ).code
    assert code == 0
    (call,) = engine.calls
    assert call["notebook"].path == tmp_path / "churn.ipynb"
    assert call["notebook"].kernel == "my-kernel"
    assert call["output"] == tmp_path / "out put.ipynb"
    assert (call["workers"], call["timeout"]) == (3, 2.5)
    assert call["cwd"].resolve() == tmp_path / "work here"
    assert call["report"] == tmp_path / "my report.html"


def test_parameters_of_all_kinds(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    path = write([("parameters", "a = 1\nb = 0.5\nc = 'x'\nd = [1]\ne = None\nf = 2"), ("step:go", "g = a")])
    (tmp_path / "some params.yaml").write_text("{a: 2, b: 2, c: two, f: 2}", encoding="utf-8")
    code = run(
        *["run", path, "-f", tmp_path / "some params.yaml", "-y", "{b: 3, c: three}", "-b", "e2E6IDEsIGY6IDl9"],
        *["-p", "c", "-4", "-p", "d", "[1, {k: v}]", "-r", "e", "5"],
    ).code
    assert code == 0
    given = engine.calls[0]["parameters"]
    assert given == {"a": 2, "b": 3.0, "c": "-4", "d": [1, {"k": "v"}], "e": "5", "f": 2}
    assert type(given["b"]) is float


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            ["-p", "n_tree", "3"],
            'churn.ipynb: There is no parameter "n_tree"; did you mean "n_trees"?',
            "Declared are: n_trees (int), test_size (float).",
        ),
        (["-p", "n_trees", "3.5"], f'{DECLARED}, line 1: The parameter "n_trees" must be int, not "3.5".', None),
        (["-p", "test_size", "big"], f'{DECLARED}, line 2: The parameter "test_size" must be float, not "big".', None),
        (
            ["-r", "n_trees", "3"],
            f'{DECLARED}, line 1: The parameter "n_trees" must be int, not "3" (str).',
            "A value in quotes, or given with -r, is a string; leave the quotes out, or use -p.",
        ),
        (["-f", "no such.yaml"], "The parameters file no such.yaml can't be read: No such file or directory.", None),
        (["-b", "%%%"], 'The parameters "%%%" are not base64 encoded UTF-8 text.', None),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    run: Any, write: Any, engine: Engine, options: list[str], message: str, hint: str | None
) -> None:
    printed = run("run", write(), *options)
    assert (printed.code, printed.out, engine.calls) == (2, "", [])
    assert printed.err == f"error: {message}\n" + (f"hint: {hint}\n" if hint else "")


def test_a_notebook_with_errors_is_not_run(run: Any, write: Any, engine: Engine, tmp_path: Path) -> None:
    write([("step:load", "a = missing")])
    printed = run("run", "churn.ipynb", "out.ipynb")
    assert (printed.code, printed.out, engine.calls) == (3, "", [])
    assert printed.err.startswith("churn.ipynb, cell 1 (load), line 1: error MLO012: ")
    assert printed.err.endswith("error: The notebook is not a valid pipeline; nothing was run.\n")
    assert [item.name for item in tmp_path.iterdir()] == ["churn.ipynb"]


@pytest.mark.parametrize("out", ["churn.ipynb", "./churn.ipynb", "no/out.ipynb"])
@pytest.mark.parametrize("option", [(), "--report", "--junit", "--markdown", "--stdout-file", "--stderr-file"])
def test_bad_outputs_are_refused(run: Any, write: Any, engine: Engine, option: Any, out: str) -> None:
    write()
    assert (run("run", "churn.ipynb", *([option] if option else []), out).code, engine.calls) == (2, [])


@pytest.mark.parametrize("option", ["--report", "--junit", "--markdown", "--stdout-file", "--stderr-file"])
def test_only_the_notebook_can_be_piped(run: Any, write: Any, engine: Engine, option: str) -> None:
    assert (run("run", write(), option, "-").code, engine.calls) == (2, [])


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_failed_step_names_place_and_reason(run: Any, write: Any, engine: Engine, form: str) -> None:
    write()
    engine.failure = FAILURE
    printed = run("run", "churn.ipynb", "--format", form, "--no-progress-bar")
    assert printed.code == 1
    assert printed.err.splitlines() == [
        "",
        "    Traceback (most recent call last)",
        "    ValueError: no rows",
        "error: churn.ipynb, cell 4 (train forest), line 1: ValueError: no rows",
        "       at all",
        "hint: Give it rows.",
    ]
    if form == "json":
        assert json.loads(printed.out)["status"] == "failed"
    else:
        assert "Failed in 1.2 s: 4 steps (1 succeeded, 1 failed, 1 reused, 1 skipped)" in printed.out


def test_infrastructure_and_cancellation_have_their_own_codes(run: Any, write: Any, engine: Engine) -> None:
    path = write()
    engine.failure = StepFailure("infrastructure", "DeadKernel", "out of memory")
    printed = run("run", path, "--no-progress-bar")
    assert printed.code == 4
    assert "step train forest: out of memory" in printed.err
    engine.failure, engine.status = None, "cancelled"
    assert run("run", path).code == 130


def test_progress_is_plain_lines_on_stderr(run: Any, write: Any, engine: Engine) -> None:
    printed = run("run", write(), "--format", "json")
    lines = [line.partition("] ")[2] for line in printed.err.splitlines()]
    assert lines == [
        "run 20251122-101500-ab12 of churn: 4 steps",
        "load … 1 cell",
        "load … cell 3: rows = list(range(n_trees))",
        "load … done in 0.4 s",
        "train forest … done in 0.0 s",
        "train logistic … reused: nothing changed",
        "evaluate … done in 0.1 s",
    ]


def test_log_output_is_passed_on_line_by_line(run: Any, write: Any, engine: Engine) -> None:
    path = write()
    printed = run("run", path, "--log-output", "--no-progress-bar")
    assert printed.err.splitlines() == ["load │ one", "load │ two", "load │ three"]
    printed = run("run", path, "--no-progress-bar", "--format", "json")
    assert printed.err == ""
    assert engine.calls[-1]["reporter"] is None
