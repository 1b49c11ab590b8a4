"""Gates: what is understood, what is refused and where, what a run makes of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.tracking.ci.gates import Name, parse_gate
from jupyter_mlops.tracking.ci.judging import Known, judge, known_of

RUN = Known(
    {"accuracy": 0.9, "rmse": 10.0, "report.f1": 0.5, "val-loss": 0.25, "a b": 1.0, "nan": math.nan, "baseline": 3.0},
    {"seconds": 59.0, "train it.seconds": 61.0, "train-it.seconds": 61.0, "train-it.peak_memory": 2.1e9, "idle": None},
)
BEFORE = Known({"accuracy": 0.905, "rmse": 9.0, "nan": 1.0, "zero": 0.0}, {"seconds": 100.0})


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("accuracy >= 0.9", "passed"),
        ("accuracy > 0.9", "failed"),
        ("accuracy>.89", "passed"),
        ("accuracy >= 90%", "passed"),
        ("0.5 < accuracy < 0.9", "failed"),
        ("0.5 < accuracy <= 0.9", "passed"),
        ("accuracy == 0.9", "passed"),
        ("accuracy != 0.9", "failed"),
        ("report.f1 + accuracy * 2 - 0.3 > 1.9", "passed"),
        ("-(rmse - 10) >= -0", "passed"),
        ("rmse <= 1.05 * baseline", "failed"),
        ("rmse / baseline < 1.2", "passed"),
        ("accuracy >= baseline - 0.01", "passed"),
        ("accuracy >= baseline-0.001", "failed"),
        ("rmse > baseline(accuracy)", "passed"),
        ("`baseline` == 3", "passed"),
        ("seconds < 1min", "passed"),
        ("seconds < 1 min", "passed"),
        ("seconds < baseline", "passed"),
        ("train-it.seconds < 60 s", "failed"),
        ("`train it`.seconds > 1_0", "passed"),
        ("'train it.seconds' > 10", "passed"),
        ("train-it.peak_memory < 2GB", "failed"),
        ("train-it.peak_memory < 2 GiB", "passed"),
        ("val-loss < 0.3", "passed"),
        ('"a b" > 1e-3', "passed"),
        ("nan > 0", "failed"),
        ("nan != 0", "failed"),
        ("missing < 1", "failed"),
        ("idle < 1", "skipped"),
        ("report.f1 > baseline", "skipped"),
        ("accuracy / baseline(zero) > 1", "skipped"),
        ("accuracy / (rmse - 10) > 1", "failed"),
    ],
)
def test_a_gate_holds_or_does_not(text: str, verdict: str) -> None:
    judged = judge(parse_gate(text), RUN, BEFORE)
    assert (judged.verdict, judged.gate) == (verdict, text), judged.reason
    assert judged.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("accuracy >= 1", "accuracy is 0.9"),
        ("rmse <= 1.05 * baseline", "rmse is 10, baseline is 9"),
        ("seconds < 1 h", "seconds is 59 s"),
        ("train-it.peak_memory < 1", "train-it.peak_memory is 2.1 GB"),
        ("nan > 0", "nan is NaN"),
        ("acuracy > 0", "the run has no acuracy (did you mean accuracy?)"),
        ("accuracy > baseline(f)", "the baseline has no f"),
        ("accuracy > baseline(nan) + x", "the run has no x (its metrics: accuracy, rmse, "),
    ],
)
def test_the_reason_has_the_numbers(text: str, reason: str) -> None:
    assert judge(parse_gate(text), RUN, BEFORE).reason.startswith(reason)


def test_without_a_baseline_a_gate_waits() -> None:
    judged = judge(parse_gate("accuracy >= baseline"), RUN, None)
    assert (judged.verdict, judged.reason) == ("skipped", "there is no baseline yet")
    assert judge(parse_gate("nan >= baseline"), RUN, BEFORE).verdict == "failed", "the run's own NaN is no excuse"
    other = Known({"accuracy": math.nan})
    assert judge(parse_gate("accuracy >= baseline"), RUN, other).verdict == "skipped"


def test_what_a_failed_run_did_not_get_to_does_not_count() -> None:
    assert judge(parse_gate("missing > 1"), replace(RUN, is_whole=False), None).verdict == "skipped"
    assert judge(parse_gate("accuracy > 1"), replace(RUN, is_whole=False), None).verdict == "failed"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("accuracy >= ", 11, "The gate ends where a metric or a number is expected"),
        ("accuracy = 1", 9, 'A "=" alone compares nothing'),
        ("accuracy", 8, "A comparison is missing"),
        ("a > 1 and b > 2", 6, '"and" is not expected here'),
        ("a > 1 && b > 2", 6, '"&" is not expected here'),
        ("x > 3 GBB", 6, '"GBB" is not a unit'),
        ("x > `y", 4, "The quote is not closed"),
        ("x > ``", 4, "The name of a metric is empty"),
        ("x $ 3", 2, '"$" is not expected here'),
        ("(x > 3", 3, 'A ")" is missing'),
        ("x > 3)", 5, '")" is not expected here'),
        ("x > baseline + y", 4, "It is not clear which metric of the baseline is meant"),
        ("1 > baseline", 4, "It is not clear which metric of the baseline is meant"),
        ("x > baseline(3)", 13, "The name of a metric is expected here"),
        ("x > 1\n> ~", 8, '"~" is not expected here'),
    ],
)
def test_a_mistake_is_shown_with_a_caret(text: str, place: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    first, line, caret = caught.value.message.split("\n")
    assert first == f"{message} (gate, character {place + 1})."
    assert line == f"    {text}".replace("\n", " ")
    assert caret.index("^") == place + 4


def test_long_and_deep_gates_are_refused() -> None:
    for text in ("(" * 100 + "x", "x > " + "-" * 900 + "1", "x > " + "1 + " * 1000 + "1"):
        with pytest.raises(UsageError):
            parse_gate(text)
    with pytest.raises(UsageError, match="The gate is empty"):
        parse_gate("  ")


@given(st.text(st.sampled_from("ab.-+*/()<>=!`'\"1 9e%_é\n\x00") | st.characters(), max_size=30))
def test_any_text_is_a_gate_or_a_usage_error(text: str) -> None:
    try:
        gate = parse_gate(text)
    except UsageError as error:
        assert error.message
    else:
        assert judge(gate, RUN, BEFORE).verdict in ("passed", "failed", "skipped")


def test_names_say_whether_they_were_quoted() -> None:
    assert parse_gate("`a b`.c > d").names == (Name("a b.c", quoted=True), Name("d"))
    assert parse_gate("a > baseline").needs_baseline and not parse_gate("a > `baseline`").needs_baseline


def test_a_reused_step_has_the_measures_of_when_it_ran(database: Database, make_run: Any) -> None:
    first = make_run({"accuracy": 1.0}, cache_key="k", peak_memory=5, cpu_seconds=4.0)
    again = make_run(status="succeeded", seconds=0.1, cache_key="k", reused_from=first.run_id)
    steps = tuple(replace(step, status="reused") for step in database.steps_of(again.run_id))
    known = known_of(database, again, steps)
    assert known.value("train it.seconds") == known.value("train-it.seconds") == 50.0
    assert (known.value("peak_memory"), known.value("cpu_seconds"), known.value("seconds")) == (5, 4.0, 90.0)
    lost = known_of(database, again, [replace(step, reused_from="20200101-000000-gone") for step in steps])
    assert lost.value("train-it.seconds") is None
    assert judge(parse_gate("train-it.seconds < 1"), lost, None).reason == "train-it.seconds was not measured"
