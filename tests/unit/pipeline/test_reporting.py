"""Diagnostics as annotations and SARIF, explanations as text and JSON."""

from __future__ import annotations

from building import make_notebook

from jupyter_mlops.diagnostics import CODES, Diagnostic
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.reporting import Source, explanation_json, explanation_lines, github, of_step, page, sarif
from jupyter_mlops.pipeline.slicer import explain_notebook, slice_notebook

PAGE = (
    ("imports", "import math"),
    ("parameters", "n = 3"),
    ("step:load", "rows = [math.sqrt(i) for i in range(n)]"),
    ("step:Grow", "rows.append(1)"),
    ("step:use", "print(rows)"),
)
NOTEBOOK = make_notebook(PAGE)
LINES = [[10], [20], [30], [40], [50]]


def source(notebook: Notebook = NOTEBOOK, file: str = "nb.ipynb", lines: list[list[int]] = LINES) -> Source:
    return Source(notebook, slice_notebook(notebook), file, lines)


def diagnostic(message: str = "It is wrong", hint: str | None = "Mend it.", code: str = "MLO012") -> Diagnostic:
    return Diagnostic(code, CODES[code][0], message, "c3", 1, hint)


def test_annotations_are_escaped() -> None:
    (line,) = github(source(file="a,b:c%.ipynb"), [diagnostic("100% wrong:\r\nyes, sir")])
    assert line == (
        "::error file=a%2Cb%3Ac%25.ipynb,line=40,title=MLO012::"
        "cell 4 (Grow), line 1: 100%25 wrong:%0D%0Ayes, sir%0AMend it."
    )


def test_each_severity_has_its_command_and_no_cell_is_line_one() -> None:
    found = [Diagnostic("MLO019", "warning", "Nothing"), Diagnostic("MLO051", "info", "Random", "gone", 7)]
    assert github(source(), found) == [
        "::warning file=nb.ipynb,line=1,title=MLO019::Nothing",
        "::notice file=nb.ipynb,line=1,title=MLO051::Random",
    ]


def test_file_lines_fall_back_to_the_cell_s_first_line() -> None:
    whole = source()
    assert [whole.file_line("c3", None), whole.file_line("c3", 1), whole.file_line("c3", 9)] == [40, 40, 40]
    assert source(lines=[]).file_line("c3", 1) == 1
    assert source(lines=[[]] * 5).file_line("c3", 1) == 1


def test_sarif_has_what_the_standard_asks_for() -> None:
    log = sarif(source(), [diagnostic(), diagnostic(hint=None, code="MLO051")], version="1.2", uri="nb.ipynb")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(CODES)
    assert rules[0]["helpUri"] == "docs/diagnostics.md#mlo001" == page("MLO001")
    first, second = run["results"]
    assert rules[first["ruleIndex"]]["id"] == first["ruleId"] == "MLO012"
    assert (first["level"], second["level"]) == ("error", "note")
    assert first["message"]["text"] == "cell 4 (Grow), line 1: It is wrong\nMend it."
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "nb.ipynb"},
        "region": {"startLine": 40, "snippet": {"text": "rows.append(1)"}},
    }
    assert [item["kind"] for item in location["logicalLocations"]] == ["cell", "step"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "grow/c3"


def test_a_fingerprint_outlives_moves_of_the_cell() -> None:
    def fingerprint(notebook: Notebook, lines: list[list[int]]) -> object:
        log = sarif(source(notebook, lines=lines), [diagnostic()], version="1", uri="x")
        return log["runs"][0]["results"][0]["partialFingerprints"]

    assert fingerprint(NOTEBOOK, LINES) == fingerprint(NOTEBOOK, [[1], [2], [3], [4], [5]])
    changed = make_notebook([*PAGE[:3], ("step:Grow", "rows.append(2)"), PAGE[4]])
    assert fingerprint(NOTEBOOK, LINES) != fingerprint(changed, LINES)


def test_an_explanation_gives_each_reason_with_its_line() -> None:
    whole = source()
    reasons = explain_notebook(NOTEBOOK)
    lines = explanation_lines(whole, whole.pipeline.step("grow"), reasons)
    assert lines[0] == "Grow  (cell 4)"
    assert lines[1:3] == ["  takes", "    rows from load: reads rows (cell 4, line 1: `rows.append(1)`)"]
    assert "    rows to use: changed in place by append() (cell 4, line 1: `rows.append(1)`)" in lines
    assert [line for line in lines if not line.startswith("    ")][1:] == ["  takes", "  gives", "  changes"]
    load = explanation_lines(whole, whole.pipeline.step("load"), reasons)
    assert "    math (cell 1, line 1: `import math`)" in load
    assert "    n: defines n (cell 2, line 1: `n = 3`)" in load


def test_a_step_on_its_own_has_nothing_to_explain() -> None:
    whole = source(make_notebook([("step:only", "x = 1")]))
    lines = explanation_lines(whole, whole.pipeline.step("only"), explain_notebook(whole.notebook))
    assert lines == ["only  (cell 1)", "  Nothing crosses the boundary of this step."]


def test_explanations_as_json_and_the_diagnostics_of_a_step() -> None:
    notebook = make_notebook([*PAGE, ("step:wrong", "print(nobody)")])
    whole = source(notebook)
    step = whole.pipeline.step("wrong")
    data = explanation_json(whole, step, explain_notebook(notebook))
    assert data["step"] == {"name": "wrong", "slug": "wrong", "cells": ["c5"]}
    assert [item["code"] for item in data["diagnostics"]] == ["MLO012"]
    assert of_step(whole.pipeline.diagnostics, whole.pipeline.step("load")) == []
    grown = explanation_json(whole, whole.pipeline.step("grow"), explain_notebook(notebook))
    assert {item["kind"] for item in grown["reasons"]} == {"input", "output", "mutation"}
    assert all(item["source"] == "rows.append(1)" for item in grown["reasons"])
