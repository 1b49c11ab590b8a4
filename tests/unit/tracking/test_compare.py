"""How runs differ."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from histories import STEPS, History, notebook, pipeline, read, value

from jupyter_mlops.errors import UsageError
from jupyter_mlops.pipeline.drawing.labels import display_width
from jupyter_mlops.tracking.compare import compare
from jupyter_mlops.tracking.compare_model import Comparison
from jupyter_mlops.tracking.compare_read import read_runs
from jupyter_mlops.tracking.compare_text import comparison_text

EVIL = "<b onclick='x'>\"\n../\x1b[31mred|"


def of(history: History, *runs: str, baseline: str | None = None) -> Comparison:
    return compare(read_runs(history.database, runs, baseline))


def text(comparison: Comparison, **options: Any) -> str:
    return "\n".join(line.text for line in comparison_text(comparison, **options))


def documents(environment: dict[str, Any] | None = None, **more: str) -> dict[str, str]:
    kept = {"notebook": json.dumps(notebook()), "pipeline": json.dumps(pipeline())}
    return kept | ({} if environment is None else {"environment": json.dumps(environment)}) | more


def test_equal_runs_differ_in_nothing(history: History) -> None:
    environment = {"python": "3.11.2", "distributions": {"pandas": "3.0.1"}}
    runs = [history.churn(documents=documents(environment)) for _ in range(2)]
    found = of(history, *runs)
    assert not found.differs and not found.results_differ
    assert found.only_differences().parameters == () == found.only_differences().data
    assert "The runs differ in nothing that is recorded." in text(found)
    everything = text(found, everything=True)
    assert "rate" in everything and "pandas" in everything and "the same" in everything


def test_a_reused_run_differs_in_how_it_went_alone(history: History) -> None:
    first = history.churn()
    second = history.churn(reuse={"load": first, "train": first})
    found = of(history, first, second)
    assert found.differs and not found.results_differ
    shown = text(found)
    assert "Parameters, metrics, code, data and environment are equal." in shown
    assert "reused from calm-otter-0000" in shown


def test_parameters_metrics_and_data_are_told(history: History) -> None:
    first = history.churn(rate=0.1)
    second = history.churn(rate=0.2, data=b"1,2,3", parameter_sources={"rate": "-p"})
    found = of(history, first, second)
    (rate,) = found.parameters
    assert [(cell.value, cell.source) for cell in rate.cells if cell] == [(0.1, None), (0.2, "-p")] and rate.differs
    (accuracy,) = found.metrics
    assert accuracy.deltas[0] == 0 and accuracy.deltas[1] == pytest.approx(0.2)
    assert accuracy.percents[1] == pytest.approx(100)
    rows = {(row.step, row.name): row for row in found.data}
    assert list(rows) == [("", "patients.csv"), ("load", "frame"), ("train", "model.pkl"), ("train", "model")]
    assert [cell.same for cell in rows["", "patients.csv"].cells if cell] == [True, False]
    shown = text(found)
    assert "0.2 (-p)" in shown and "0.4 (+0.2, +100.0 %)" in shown and "Load data: frame" in shown


def test_the_baseline_may_be_any_run(history: History) -> None:
    runs = [history.churn(rate=rate) for rate in (0.1, 0.2, 0.3)]
    found = of(history, *runs, baseline=runs[2])
    assert found.baseline == runs[2] and [run.run_id for run in found.runs] == [runs[2], runs[0], runs[1]]
    assert found.metrics[0].deltas[1] == pytest.approx(-0.4)
    assert of(history, runs[0], baseline=runs[1]).baseline == runs[1]


@pytest.mark.parametrize(
    ("names", "baseline", "message"),
    [
        (("0",), None, "needs two"),
        (("0", "0"), None, "named twice"),
        (("0",), "0", "needs two"),
        (("0", "nope"), None, "no run"),
        (("20260101", "0"), None, "More than one run"),
        ((), None, "No run"),
    ],
)
def test_what_makes_no_sense_is_refused(
    history: History, names: tuple[str, ...], baseline: str | None, message: str
) -> None:
    runs = {str(number): history.churn() for number in range(2)}
    with pytest.raises(UsageError, match=message):
        of(history, *(runs.get(name, name) for name in names), baseline=runs.get(baseline or ""))


@pytest.mark.parametrize(
    ("before", "after", "delta", "percent", "differs"),
    [
        (1.0, 1.5, 0.5, 50.0, True),
        (-2.0, -1.0, 1.0, 50.0, True),
        (0.0, 1.0, 1.0, None, True),
        (math.nan, math.nan, None, None, False),
        (math.nan, 1.0, None, None, True),
        (math.inf, math.inf, None, None, False),
        (1.7e308, -1.7e308, None, None, True),
        (5e-324, 1.0, 1.0, None, True),
        (1.0, None, None, None, True),
    ],
)
def test_metrics_of_any_kind(
    history: History, before: float, after: float | None, delta: float | None, percent: float | None, differs: bool
) -> None:
    runs = []
    for number in (before, after):
        run = history.start()
        history.step(run, "train", metrics={} if number is None else {"m": number})
        runs.append(run)
    (row,) = of(history, *runs).metrics
    assert (row.deltas[1], row.percents[1], row.differs) == (delta, percent, differs)
    assert text(of(history, *runs), everything=True)


def test_values_that_look_alike_are_told_apart(history: History) -> None:
    values = [1, 1.0, True, "1", None, [1], {"a": 1}, math.nan]
    runs = [history.start(parameters={"x": item}) for item in values]
    rows = [of(history, runs[0], other).parameters[0].differs for other in runs[1:]]
    assert all(rows)
    assert not of(history, runs[-1], history.start(parameters={"x": math.nan})).parameters[0].differs


def test_forms_of_data_are_compared(history: History) -> None:
    def frame(columns: dict[str, str], rows: int) -> Any:
        schema = {"columns": columns, "rows": rows, "more_columns": 0}
        member = {"type": "pandas.DataFrame", "preview": "secret 123", "schema": schema}
        return value(
            "load", "frame", (columns, rows), type="pandas.DataFrame", schema=schema, members={"frame": member}
        )

    runs = []
    for made in (frame({"age": "int64", "old": "str"}, 3), frame({"age": "float64", "new": "str"}, 4)):
        run = history.start()
        history.step(run, "load", makes=[made])
        runs.append(run)
    (row,) = of(history, *runs).data
    cell = row.cells[1]
    assert cell is not None
    assert cell.changes == ("column new added", "column old removed", "column age: int64 → float64", "rows 3 → 4")
    assert "123" not in json.dumps(of(history, *runs).to_json())


def test_environment_and_commit(history: History) -> None:
    one = {
        "python": "3.11.2",
        "implementation": "CPython",
        "platform": "Linux",
        "distributions": {"pandas": "3.0.1", "x": "1"},
    }
    two = {**one, "python": "3.12.0", "distributions": {"pandas": "3.0.2", "y": "2", "x": "1"}}
    first = history.churn(commit="a" * 40, documents=documents(one, **{"git-diff": ""}))
    second = history.churn(commit="b" * 40, documents=documents(two, **{"git-diff": "--- a\n+++ b\n+x\n-y"}))
    old = history.churn()
    found = of(history, first, second).only_differences()
    assert [(row.name, row.values) for row in found.environment] == [
        ("python", ("3.11.2", "3.12.0")),
        ("pandas", ("3.0.1", "3.0.2")),
        ("y", (None, "2")),
    ]
    assert [(row.name, row.values) for row in found.fields] == [
        ("commit", ("a" * 12, "b" * 12)),
        ("uncommitted changes", ("none", "2 lines")),
    ]
    unknown = of(history, first, old)
    assert not any(row.differs for row in unknown.environment), "what was not recorded is no difference"
    assert f"The environment of {old} was not recorded" in unknown.notes[0]
    assert "The environment of B was not recorded" in text(unknown)


def test_other_uncommitted_changes_of_one_size_are_a_difference(history: History) -> None:
    runs = [
        history.churn(commit="a" * 40, documents=documents({}, **{"git-diff": change}))
        for change in ("+x = 1", "+x = 2")
    ]
    assert [row.name for row in of(history, *runs).only_differences().fields] == ["uncommitted changes"]


def test_runs_of_other_pipelines_in_progress_and_failed(history: History) -> None:
    first = history.churn()
    going = history.start("serve", steps=(("serve", "Serve"),), documents={"notebook": "damaged", "pipeline": "[1]"})
    failed = history.start()
    history.step(failed, "load", "failed", takes=[read("patients.csv", b"1,2")])
    history.database.finish_run(failed, "failed")
    found = of(history, first, going, failed)
    assert {row.name: row.values for row in found.fields}["status"] == ("succeeded", "running", "failed")
    assert not found.code[0].known and found.code[1].known
    assert any("is in progress" in note for note in found.notes) and any("notebook of" in note for note in found.notes)
    rows = {row.slug: [cell.status if cell else None for cell in row.cells] for row in found.steps}
    assert rows == {
        "load": ["succeeded", None, "failed"],
        "train": ["succeeded", None, "cancelled"],
        "serve": [None, "queued", None],
    }


def test_times_differ_by_more_than_noise(history: History) -> None:
    runs = []
    for seconds in (10.0, 11.0, 20.0):
        run = history.start()
        history.step(run, "load", seconds=seconds)
        runs.append(run)
    assert not of(history, runs[0], runs[1]).steps[0].differs
    assert of(history, runs[0], runs[2]).steps[0].differs


def test_secrets_are_left_out(history: History) -> None:
    runs = []
    for secret in ("hunter2", "correct horse"):
        code = {"load": f"password = '{secret}'\nurl = 'postgres://me:{secret[:7]}@host/db'", "train": "pass"}
        run = history.start(
            parameters={"db_password": secret, "nested": {"api_key": secret}},
            documents={"notebook": json.dumps(notebook(code))},
        )
        runs.append(run)
    found = of(history, *runs)
    assert all(row.differs for row in found.parameters) and found.code[0].cells[0].status == "changed"
    for shown in (text(found), json.dumps(found.to_json(everything=True))):
        assert "hunter2" not in shown and "correct" not in shown and "[redacted]" in shown


# --- forms ------------------------------------------------------------------------------------------------------------


def test_json_keeps_to_its_schema(history: History, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / "compare.schema.json").read_text(encoding="utf-8"))
    first = history.churn(commit="a" * 40, documents=documents({"python": "3"}))
    code = {"load": "frame = 1", "new": "y = 2"}
    second = history.churn(rate=0.5, data=b"other", documents={"notebook": json.dumps(notebook(code))}, tags={"a": "b"})
    third = history.start("other", steps=(("x", "X"),), documents={})
    for everything in (False, True):
        found = of(history, first, second, third).to_json(everything=everything)
        jsonschema.validate(json.loads(json.dumps(found)), schema)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_tables_fit_the_terminal(history: History, width: int, count: int) -> None:
    long = "/a/very/long/path/" + "x" * 200
    runs = [
        history.churn(
            rate=number / 3,
            data=str(number).encode(),
            commit=f"{number}" * 40,
            notebook=f"{long}{number}.ipynb",
            tags={EVIL: EVIL * number, "日本語のタグ": "値" * number * 20},
        )
        for number in range(1, count + 1)
    ]
    for unicode in (True, False):
        lines = [
            line.text for line in comparison_text(of(history, *runs), everything=True, width=width, unicode=unicode)
        ]
        assert max(map(display_width, lines)) <= width
        assert all(line.isprintable() for line in lines)
    shown = "\n".join(lines)
    assert all(f"{letter} calm" in shown for letter in "ABCDEF"[:count])
    assert len({line for line in lines if line.startswith("accuracy")}) >= 1


def test_long_values_show_where_they_differ(history: History) -> None:
    base = "x" * 500
    runs = [history.churn(notebook=f"{base}{end}") for end in ("first", "second")]
    shown = text(of(history, *runs), width=80)
    assert "first" in shown and "second" in shown


def test_names_can_do_no_harm(history: History) -> None:
    runs = []
    for number in range(2):
        run = history.start(EVIL, steps=(("one", EVIL),), parameters={EVIL: EVIL * number})
        history.step(run, "one", makes=[value("one", EVIL, number)], metrics={EVIL: number})
        runs.append(run)
    found = of(history, *runs)
    assert all(line.text.isprintable() for line in comparison_text(found, everything=True))
    json.dumps(found.to_json(), allow_nan=False)


def test_steps_are_named_in_any_case(history: History) -> None:
    assert dict(STEPS)["load"] in text(of(history, history.churn(), history.churn(data=b"x")))
