"""The page for a pull request: what is on it, that nothing of it is taken for markup, that it fits."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlops.engine.result import GateResult, StepFailure
from jupyter_mlops.errors import PipelineError
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step
from jupyter_mlops.store.records import RunRecord
from jupyter_mlops.tracking.ci.account import Account, Finding
from jupyter_mlops.tracking.ci.annotations import annotation_lines
from jupyter_mlops.tracking.ci.baseline import Baseline
from jupyter_mlops.tracking.ci.markdown import LONGEST, markdown

FAILURE = StepFailure("user", "ValueError", "no rows", traceback="Traceback\nValueError: no rows", hint="Give rows.")
BEFORE = RunRecord("20250101-000000-a", "churn", "succeeded", 0, seconds=4.0, metrics={"churn": 0.4, "gone": 1.0})


def html_of(text: str) -> str:
    """What GitHub would make of it, about."""
    import mistune

    return str(mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])(text))


def test_a_good_run_is_told_in_order(account: Any) -> None:
    gates = (GateResult("churn >= 0.4", "passed", "churn is 0.5"),)
    text = markdown(account(gates=gates, baseline=Baseline(BEFORE, "main", "the newest succeeded run on main")))
    assert text.splitlines()[:2] == ["<!-- jupyter-mlops: churn.ipynb -->", "### ✅ churn: succeeded in 2.2 s"]
    assert re.findall("^#### (.+)$", text, re.MULTILINE) == ["Gates", "Metrics", "Steps"]
    assert "| ✅ | <code>churn &#62;= 0.4</code> | churn is 0.5 |" in text
    assert "Compared with <code>20250101-000000-a</code>, the newest succeeded run on main; it took 4.0 s." in text
    assert "| <code>churn</code> | 0.5 | 0.4 | +0.1 | +25 % |" in text
    assert "| <code>gone</code> | \N{EN DASH} | 1 | \N{EN DASH} |  |" in text
    assert "| <code>loss</code> | NaN | \N{EN DASH} | \N{EN DASH} |  |" in text
    assert "| churn 1 | ✅ succeeded | 1.5 s | attempt 2, 2.0 MB |" in text
    assert "| churn 0 | ♻️ reused | \N{EN DASH} | unchanged |" in text
    assert "shortened" not in text


def test_the_graph_has_states(account: Any) -> None:
    text = markdown(account(failure=FAILURE))
    graph = text.partition("```mermaid\n")[2].partition("```")[0]
    assert graph.startswith("flowchart TD\n")
    assert '    s2["churn 1<br/>failed · 1.5 s"]' in graph
    assert re.search(r"classDef failed stroke:#\w{6},stroke-width:2px\n    class s2 failed\n", graph)
    assert "    class s3 skipped" in graph


@pytest.mark.parametrize(
    ("now", "then", "change"),
    [
        (0.5, 0.5, "= | "),
        (0.5, 0.0, "+0.5 | "),
        (-1.0, -2.0, "+1 | +50 %"),
        (1.0, 3.0, "\N{MINUS SIGN}2 | \N{MINUS SIGN}66.67 %"),
        (float("nan"), 1.0, "\N{EN DASH} | "),
        (1.0, float("inf"), "\N{EN DASH} | "),
        (1e308, -1e308, "\N{EN DASH} | "),
        (1e308, 5e-324, "+1e+308 | "),
    ],
)
def test_changes(account: Any, now: float, then: float, change: str) -> None:
    before = replace(BEFORE, metrics={"m": then})
    text = markdown(account(metrics={"m": now}, baseline=Baseline(before, "main", "x")))
    (row,) = [line for line in text.splitlines() if line.startswith("| <code>m</code>")]
    assert row.endswith(f"| {change} |")


def test_a_failure_comes_with_place_message_and_traceback(account: Any) -> None:
    text = markdown(account(failure=FAILURE))
    assert text.splitlines()[1] == "### ❌ churn: failed in 2.2 s"
    assert "#### churn 1 failed in cell 2 &#40;one&#41;, line 3" in text or "failed in cell 2 (one), line 3" in text
    assert "```text\nValueError: no rows\n```" in text
    assert "<details><summary>Traceback</summary>\n\n```text\nTraceback\nValueError: no rows\n```" in text
    assert "Give rows." in text


def test_failed_gates_and_missing_baselines_are_said(account: Any) -> None:
    gates = (GateResult("a > 1", "failed", "a is 0"), GateResult("b > 1", "failed", "b is 0"))
    text = markdown(account(gates=gates, baseline=Baseline(None, "main", "no run has succeeded on main yet")))
    assert text.splitlines()[1] == "### ❌ churn: succeeded in 2.2 s, but 2 gates failed"
    assert "There is no baseline: no run has succeeded on main yet." in text


def test_nothing_of_the_users_is_markup(account: Any, evil: str) -> None:
    failure = replace(FAILURE, ename=evil, evalue=evil, traceback=evil, hint=evil)
    finding = Finding("warning", "MLO001", evil, evil, evil, 1)
    baseline = Baseline(replace(BEFORE, metrics={evil: 1.0}, run_id=evil), evil, evil)
    made = account(evil, failure, gates=(GateResult(evil, "failed", evil),), findings=(finding,), baseline=baseline)
    steps = tuple(replace(step, place=evil, result=replace(step.result, reason=evil)) for step in made.steps)
    text = markdown(replace(made, steps=steps, notes=(evil,)))
    page = html_of(text)
    without_fences = re.sub(r"(`{3,})(?:text|mermaid)\n.*?\n\1(?=\n)", "", text, flags=re.DOTALL)
    assert "<script" not in without_fences and "@all" not in without_fences
    assert "<script" not in page.replace("&lt;script", "")
    assert "<em>" not in page and "<strong>" not in page
    assert page.count("<table>") == len(re.findall(r"^\|---", text, re.MULTILINE)), "no cell breaks its table"
    assert "\x00" not in text and "\x1b" not in text
    assert text.splitlines()[0].endswith(" -->") and text.splitlines()[0].count("-->") == 1
    graph = text.partition("```mermaid\n")[2].partition("\n```")[0]
    assert all(line.count('"') % 2 == 0 and "`" not in line and "<script" not in line for line in graph.splitlines())


def huge(account: Any) -> Account:
    steps = tuple(Step(f"step number {n} " + "x" * 40, f"s{n}", (f"c{n}",)) for n in range(200))
    edges = tuple(Edge(f"s{n}", f"s{n + 1}", ("frame",)) for n in range(199))
    one = account(failure=replace(FAILURE, traceback="a line of it\n" * 5000, evalue="m" * 100_000)).steps[1]
    told = tuple(replace(one, result=replace(one.result, name=step.name, slug=step.slug)) for step in steps)
    return account(
        steps=told,
        pipeline=Pipeline("churn", None, "python3", (), steps, edges, ()),
        metrics={f"metric {n} " + "y" * 50: n / 7 for n in range(10_000)},
        gates=tuple(GateResult(f"metric_{n} > 1", "failed", "it is not") for n in range(500)),
        notes=("n" * 5000,) * 50,
    )


@pytest.mark.parametrize("longest", [LONGEST, 10_000, 3_000])
def test_it_fits_into_a_comment_and_says_so(account: Any, longest: int) -> None:
    text = markdown(huge(account), longest=longest)
    assert len(text) <= longest
    assert "to fit into a comment" in text
    assert "more metrics." in text
    assert text.count("```") % 2 == 0, "no fence is left open"
    assert "### ❌ churn" in text and "metric&#95;0 &#62; 1" in text


def test_a_refused_notebook_has_its_diagnostics(account: Any) -> None:
    finding = Finding("error", "MLO012", "The name 'x' is read", "Define it.", "cell 2", 9)
    error = PipelineError("The notebook is not a valid pipeline; nothing was run.", ())
    refused = Account("churn", "churn.ipynb", "refused", refusal=error, findings=(finding,))
    text = markdown(refused)
    assert text.splitlines()[1] == "### ❌ churn: not run"
    assert "- error MLO012, cell 2: The name 'x' is read Define it." in text
    assert list(annotation_lines(refused)) == [
        "::error file=churn.ipynb,line=9,title=MLO012::cell 2: The name 'x' is read%0ADefine it."
    ]


def test_annotations_name_failures_and_gates_in_one_line_each(account: Any, evil: str) -> None:
    failure = replace(FAILURE, evalue=evil)
    made = account("churn", failure, gates=(GateResult("a > 1", "failed", evil), GateResult("b", "passed", "")))
    lines = list(annotation_lines(made))
    assert len(lines) == 2 and all("\n" not in line and "\r" not in line for line in lines)
    assert lines[0].startswith(
        "::error file=churn.ipynb,line=7,title=churn 1 failed::cell 2 (one), line 3: ValueError: <script>"
    )
    assert lines[1].startswith("::error file=churn.ipynb,line=1,title=Gate failed::a > 1: <script>")
    assert "%0A::error::x" in lines[1], "a line of the user's does not begin a command"
