"""JUnit: valid against its schema, whatever things are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from jupyter_mlops.engine.result import GateResult, StepFailure
from jupyter_mlops.errors import PipelineError, UsageError
from jupyter_mlops.store.records import RunRecord
from jupyter_mlops.tracking.ci.account import Account, Finding
from jupyter_mlops.tracking.ci.baseline import Baseline
from jupyter_mlops.tracking.ci.junit import junit

GATES = (
    GateResult("accuracy >= 0.9", "passed", "accuracy is 0.95"),
    GateResult("a < b & c", "failed", "a is 3"),
    GateResult("x > baseline", "skipped", "there is no baseline yet"),
)
FAILURE = StepFailure("user", "ValueError", "no rows", traceback="Traceback\nValueError: no rows", hint="Give rows.")


def parsed(account: Account) -> Any:
    """The report, after the schema and the counts have been checked."""
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
    root = etree.fromstring(junit(account).encode("utf-8"))
    schema.assertValid(root)
    (suite,) = root
    for outcome, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{outcome}"))
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
    return suite


def outcomes(suite: Any) -> list[str]:
    cases = suite.findall("testcase")
    return [next((item.tag for item in case if item.tag != "system-out"), "passed") for case in cases]


def test_steps_and_gates_are_cases(account: Any) -> None:
    suite = parsed(account(gates=GATES))
    assert [case.get("name") for case in suite.findall("testcase")] == [
        *("churn 0", "churn 1", "churn 2", "accuracy >= 0.9", "a < b & c", "x > baseline")
    ]
    assert {case.get("classname") for case in suite.findall("testcase")} == {"churn", "churn.gates"}
    assert outcomes(suite) == ["passed"] * 4 + ["failure", "skipped"]
    assert suite.findall("testcase")[1].get("time") == "1.500"
    assert suite.find("testcase/system-out").text == "a log"


def test_properties_have_parameters_metrics_measures_and_the_run(account: Any) -> None:
    before = RunRecord("20250101-000000-a", "churn", "succeeded", 0)
    suite = parsed(account(baseline=Baseline(before, "main", "the newest"), commit="abc"))
    found = {item.get("name"): item.get("value") for item in suite.findall("properties/property")}
    assert found == {
        "run_id": "20260131-235959-brisk-otter-1f3c",
        "status": "succeeded",
        "notebook": "churn.ipynb",
        "commit": "abc",
        "baseline": "20250101-000000-a",
        "parameter.churn": "churn",
        "parameter.n": "3",
        "metric.churn": "0.5",
        "metric.loss": "nan",
        "metric.size": "inf",
        "seconds": "2.25",
        "churn 1.peak_memory": "2000000",
    }


@pytest.mark.parametrize(("kind", "outcome"), [("user", "failure"), ("infrastructure", "error")])
def test_a_failure_says_where_and_why(account: Any, kind: Any, outcome: str) -> None:
    suite = parsed(account(failure=replace(FAILURE, kind=kind)))
    assert outcomes(suite) == ["passed", outcome, "skipped"]
    found = suite.find(f"testcase/{outcome}")
    assert (found.get("type"), found.get("message")) == ("ValueError", "cell 2 (one), line 3: ValueError: no rows")
    assert found.text == (
        "churn.ipynb, cell 2 (one), line 3: ValueError: no rows\n\nTraceback\nValueError: no rows\n\nGive rows."
    )
    assert suite.find("testcase/skipped").get("message") == "churn 1 failed"


def test_a_step_that_was_stopped_is_no_success(account: Any) -> None:
    made = account()
    stopped = replace(made.steps[1], result=replace(made.steps[1].result, status="cancelled"))
    waiting = replace(made.steps[2], result=replace(made.steps[2].result, status="cancelled", attempts=0))
    suite = parsed(replace(made, status="cancelled", steps=(made.steps[0], stopped, waiting)))
    assert outcomes(suite) == ["passed", "error", "skipped"]


def test_odd_names_texts_and_logs_are_valid(account: Any, evil: str) -> None:
    failure = replace(FAILURE, ename=evil, evalue=evil, traceback=evil, hint=evil)
    made = account(evil, failure, gates=(GateResult(evil, "failed", evil), GateResult(evil, "passed", evil)))
    suite = parsed(replace(made, steps=tuple(replace(step, log=evil, place=evil) for step in made.steps)))
    assert outcomes(suite) == ["passed", "failure", "skipped", "failure", "passed"]
    log = suite.find("testcase/system-out").text
    assert "<script>" in log and "]]>" in log and "\x1b" not in log and "[31m" not in log


def test_a_long_log_is_cut(account: Any) -> None:
    made = account()
    text = junit(replace(made, steps=tuple(replace(step, log="line\n" * 1_000_000) for step in made.steps)))
    assert len(text) < 150_000
    assert "left out" in text


def test_a_notebook_with_errors_is_one_case(account: Any) -> None:
    finding = Finding("error", "MLO012", "The name 'x' is read", "Define it.", "cell 2 (one), line 3", 9)
    error = PipelineError("The notebook is not a valid pipeline; nothing was run.", ())
    suite = parsed(Account("churn", "churn.ipynb", "refused", refusal=error, findings=(finding,)))
    assert outcomes(suite) == ["error"]
    found = suite.find("testcase/error")
    assert found.text == "churn.ipynb, cell 2 (one), line 3: error MLO012: The name 'x' is read\n  hint: Define it."
    plain = parsed(Account("churn", "churn.ipynb", "refused", refusal=UsageError("No.", hint="Do.")))
    assert plain.find("testcase/error").get("message") == "No."


def test_the_schema_refuses_what_is_not_junit(account: Any) -> None:
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
    text = junit(account(failure=FAILURE))
    for wrong in (
        text.replace("<failure ", "<fault ").replace("</failure>", "</fault>"),
        text.replace('tests="3"', 'tests="three"'),
        text.replace('time="1.500"', 'time="1.5 s"'),
        text.replace(' classname="churn"', ""),
        text.replace("2026-01-31T23:59:59", "yesterday"),
    ):
        assert wrong != text and not schema.validate(etree.fromstring(wrong.encode()))
