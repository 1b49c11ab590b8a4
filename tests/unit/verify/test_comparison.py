"""What differs, where it shows first, and what varies anyway; runs are written down instead of run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.result import RunResult, StepFailure, StepResult
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Artifact, Edge, Pipeline, Step
from jupyter_mlops.verify import runner
from jupyter_mlops.verify.causes import Detective
from jupyter_mlops.verify.comparison import compare, varying
from jupyter_mlops.verify.evidence import Evidence, make_evidence
from jupyter_mlops.verify.observation import Moment, Value

Make = Callable[..., Notebook]

STEPS = (
    Step("Make", "make", ("c0", "c1"), outputs=("x",)),
    Step("Use", "use", ("c2",), inputs=("x",), loads={"make.x": ("x",)}),
    Step("Else", "else", ("c3",)),
)
PIPELINE = Pipeline(
    "demo",
    None,
    "python3",
    (),
    STEPS,
    (Edge("make", "use", ("x",)),),
    (Artifact("make.x", "make", "value", ("x",), ("use",)),),
)


@pytest.fixture
def notebook(make_notebook: Make) -> Notebook:
    return make_notebook(*[("", f"cell {number}") for number in range(4)])


def value(content: Any, **parts: Any) -> Value:
    return Value("t", str(content), f"<{content}>", {f".{k}": (str(v), f"<{v}>") for k, v in parts.items()})


def moment(kind: str, step: str, cell: str | None, values: Mapping[str, Any], **rest: Any) -> Moment:
    made = {name: item if isinstance(item, Value) else value(item) for name, item in values.items()}
    return Moment(kind, step, cell, made, **rest)


def run(
    make: Mapping[str, Any],
    use: Mapping[str, Any] | None = None,
    *,
    printed: Mapping[str, str] | None = None,
    arrives: Mapping[str, Any] | None = None,
    between: Mapping[str, Any] | None = None,
    failure: StepFailure | None = None,
    **rest: Any,
) -> Evidence:
    """A run: what the steps end with, what the second begins with, what the first has after its first cell."""
    moments = [
        moment("begin", "make", None, {}),
        moment("cell", "make", "c0", make if between is None else between),
        moment("end", "make", "c1", make, **rest),
        moment("begin", "else", None, {}),
        moment("end", "else", "c3", {}),
        moment("begin", "use", None, {"x": make["x"]} if arrives is None else arrives),
    ]
    if failure is None:
        moments.append(moment("end", "use", "c2", use if use is not None else make))
    steps = tuple(
        StepResult(step.name, step.slug, "failed" if failure and step.slug == "use" else "succeeded",
                   error=failure if step.slug == "use" else None) for step in STEPS
    )  # fmt: skip
    result = RunResult("r", "failed" if failure else "succeeded", 0.0, steps, None, Path())
    shown = {cell: [{"name": "stdout", "text": text}] for cell, text in (printed or {}).items()}
    return make_evidence(PIPELINE, result, moments, shown)


def differences(notebook: Notebook, one: Evidence, other: Evidence, *more: Evidence) -> list[tuple[Any, ...]]:
    ignored = varying(PIPELINE, [one, *more]) if more else {}
    found = compare(PIPELINE, notebook, one, other, ignored)
    return [(item.key.kind, item.step, item.cell, item.key.name, item.first, item.second) for item in found]


def test_equal_runs_have_no_differences(notebook: Notebook) -> None:
    assert differences(notebook, run({"x": 1}), run({"x": 1})) == []


def test_a_variable_is_traced_to_the_cell_where_it_goes_apart(notebook: Notebook) -> None:
    late = differences(
        notebook, run({"x": 2}, between={"x": 1}), run({"x": 3}, {"x": 2}, between={"x": 1}, arrives={"x": 2})
    )
    assert late == [("value", "make", "c1", "x", "<2>", "<3>")]
    early = differences(notebook, run({"x": 2}), run({"x": 3}, {"x": 2}, arrives={"x": 2}))
    assert early == [("value", "make", "c0", "x", "<2>", "<3>")]


def test_a_difference_is_told_by_the_part_that_differs(notebook: Notebook) -> None:
    one, other = value(1, a=1, b=2), value(2, a=1, b=3)
    found = differences(notebook, run({"x": one}), run({"x": other}, {"x": one}, arrives={"x": one}))
    assert found == [("value", "make", "c0", "x", "x.b = <2>", "x.b = <3>")]


def test_an_input_that_arrives_changed_is_told_once(notebook: Notebook) -> None:
    found = differences(notebook, run({"x": 1}), run({"x": 1}, {"x": 2}, arrives={"x": 2}))
    assert found == [("input", "use", "c2", "x", "<1>", "<2>")]


def test_an_output_that_is_missing_is_a_difference_and_other_variables_are_not(notebook: Notebook) -> None:
    found = differences(notebook, run({"x": 1, "y": 1}), run({}, {}, arrives={}))
    assert found == [("value", "make", "c1", "x", "<1>", None), ("input", "use", "c2", "x", "<1>", None)]
    assert differences(notebook, run({"x": 1}), run({"x": 1, "deleted": 2})) == []


def test_printed_lines_are_compared_in_the_order_of_the_page(notebook: Notebook) -> None:
    one = run({"x": 1}, printed={"c1": "a\nb\n", "c2": "same"})
    other = run({"x": 1}, printed={"c1": "a\nc\n", "c2": "same", "c3": "more"})
    assert differences(notebook, one, other) == [
        ("output", "make", "c1", "stdout", "line 2: b", "line 2: c"),
        ("output", "else", "c3", "stdout", None, "more"),
    ]


def test_files_are_compared_at_the_end_of_their_step(notebook: Notebook) -> None:
    one = run({"x": 1}, files={"a.txt": "11", "b.txt": "22", "gone.txt": None})
    other = run({"x": 1}, files={"a.txt": "11", "b.txt": "33"})
    assert differences(notebook, one, other) == [
        ("file", "make", "c1", "b.txt", "content 22", "content 33"),
        ("file", "make", "c1", "gone.txt", "no file", None),
    ]


def test_what_varies_by_itself_is_not_blamed_but_the_rest_of_it_is(notebook: Notebook) -> None:
    def timed(clock: int, score: int, text: str) -> Evidence:
        return run({"x": value(f"{clock} {score}", clock=clock, score=score)}, printed={"c1": f"at {clock}\n{text}"})

    whole, again = timed(1, 5, "ok"), timed(2, 5, "ok")
    assert differences(notebook, whole, timed(3, 5, "ok"), again) == []
    found = differences(notebook, whole, timed(3, 6, "no"), again)
    assert [item[:5] for item in found] == [
        ("value", "make", "c0", "x", "x.score = <5>"),
        ("output", "make", "c1", "stdout", "line 2: ok"),
        ("input", "use", "c2", "x", "x.score = <5>"),
    ]


def test_what_an_estimator_has_learnt_varies_as_a_whole(notebook: Notebook) -> None:
    def fitted(centers: int, rounds: int, clusters: int) -> Evidence:
        parts = {"centers_": centers, "n_iter_": rounds, "n_clusters": clusters}
        return run({"x": value(f"{parts}", **parts)})

    whole, again = fitted(1, 2, 4), fitted(5, 2, 4)
    assert differences(notebook, whole, fitted(7, 3, 4), again) == []
    found = differences(notebook, whole, fitted(7, 3, 9), again)
    assert [item[4] for item in found] == ["x.n_clusters = <4>"] * 2


def test_steps_that_were_not_reached_are_not_compared(notebook: Notebook) -> None:
    failure = StepFailure("user", "ValueError", "no", cell="c2")
    one = run({"x": 1}, {"x": 1, "y": 2}, printed={"c2": "text"})
    assert differences(notebook, one, run({"x": 1}, failure=failure)) == []


# causes


def cause(notebook: Notebook, one: Evidence, other: Evidence, *more: Evidence) -> list[str]:
    ignored = varying(PIPELINE, [one, *more])
    found = compare(PIPELINE, notebook, one, other, ignored)
    detective = Detective(PIPELINE, [one, *more], other, ignored, ())
    return [detective.cause(item, found[:place]).code for place, item in enumerate(found)]


def test_what_follows_from_an_earlier_difference_says_so(notebook: Notebook) -> None:
    other = run({"x": 2}, {"x": 1, "y": 1}, arrives={"x": 1}, printed={"c1": "b", "c2": "b", "c3": "b"})
    one = run({"x": 1}, {"x": 1, "y": 1}, printed={"c1": "a", "c2": "a", "c3": "a"})
    assert cause(notebook, one, other) == ["unknown", "upstream", "upstream", "unknown"]


def test_what_depends_on_something_unstable_says_so(notebook: Notebook) -> None:
    one, again = run({"x": 1}, {"x": 1, "y": 5}), run({"x": 2}, {"x": 2, "y": 5})
    assert cause(notebook, one, run({"x": 3}, {"x": 3, "y": 6}), again) == ["unstable"]


def test_failures_are_explained(notebook: Notebook) -> None:
    one, other = run({"x": 1}), run({"x": 1})
    detective = Detective(PIPELINE, [one], other, {}, ())

    def code(ename: str, evalue: str) -> str:
        return detective.failure(STEPS[1], StepFailure("user", ename, evalue), ()).code

    assert code("NameError", "name 'x' is not defined") == "missing-name"
    assert code("FileNotFoundError", "[Errno 2] No such file or directory: 'a.txt'") == "file"
    assert code("SaveError", "x can't be saved") == "unpicklable"
    assert code("LoadError", "x can't be loaded") == "handover"
    assert code("ValueError", "no") == "failure"


# how often the notebook is run whole


@pytest.mark.parametrize(
    ("results", "runs", "equal"),
    [
        ([5, 5, 7], 3, True),  # the third run shows that what differs comes and goes
        ([5, 5, 5, 5], 4, False),  # four runs that agree are no accident
    ],
)
def test_the_notebook_is_run_again_to_tell_chance_from_error(
    results: list[int], runs: int, equal: bool, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(_: Any, number: int) -> Evidence:
        return run({"x": number}, {"x": number, "y": results[number - 1]})

    monkeypatch.setattr(runner._Laboratory, "_run_whole", whole)
    monkeypatch.setattr(runner._Laboratory, "_run_pipeline", lambda _: run({"x": 9}, {"x": 9, "y": 6}))
    verdict = runner.verify_notebook(replace(PIPELINE, notebook=notebook.path), notebook)
    assert (verdict.runs, verdict.equal) == (runs, equal)
    assert {item.name for item in verdict.unstable} == ({"x", "y"} if equal else {"x"})
    assert [item.cause.code for item in verdict.differences] == ([] if equal else ["unstable"])
