"""``check`` for GitHub, code scanners and the curious."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

BROKEN = (("step:load", "a = [1]"), ("step:train", "b = a\nc = undefined + b"))
REMARKS = (("step:load", "import random\na = random.random()"), ("step:train", "b = a"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reindent(path: Path) -> list[str]:
    """Write the notebook as Jupyter does, sources in lines; return the lines of the file."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
    return text.split("\n")


def test_annotations_point_into_the_file(run: Any, write: Any, here: Path) -> None:
    lines = reindent(write(BROKEN))
    printed = run("check", "churn.ipynb", "--format", "github")
    assert (printed.code, printed.err) == (3, "")
    (line,) = printed.out.splitlines()
    match = re.fullmatch(r"::error file=churn\.ipynb,line=(\d+),title=MLO012::cell 2 \(train\), line 2: .*", line)
    assert match is not None
    assert lines[int(match[1]) - 1].strip() == '"c = undefined + b"'


def test_annotations_of_a_good_notebook_are_none(run: Any, write: Any) -> None:
    printed = run("check", write(), "--format", "github")
    assert (printed.code, printed.out, printed.err) == (0, "", "")


def test_sarif(run: Any, write: Any, here: Path) -> None:
    (here / "a b").mkdir()
    lines = reindent(write(BROKEN, name="a b/ü.ipynb"))
    printed = run("check", here / "a b" / "ü.ipynb", "--format", "sarif")
    assert (printed.code, printed.err) == (3, "")
    (log,) = json.loads(printed.out)["runs"]
    (result,) = log["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b/%C3%BC.ipynb"
    assert lines[place["region"]["startLine"] - 1].strip() == '"c = undefined + b"'


def test_sarif_of_a_file_elsewhere_has_a_whole_uri(
    run: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(BROKEN)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    (result,) = json.loads(run("check", path, "--format", "sarif").out)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == path.as_uri()


def test_remarks_are_counted_and_shown_when_asked_for(run: Any, write: Any, here: Path) -> None:
    write(REMARKS)
    quiet, verbose = run("check", "churn.ipynb"), run("check", "churn.ipynb", "--verbose")
    assert quiet.code == verbose.code == 0
    assert quiet.out == "churn.ipynb: 2 steps, 1 remark (see them with --verbose)\n"
    assert "info MLO051" in verbose.out
    assert verbose.out.endswith("churn.ipynb: 2 steps, 1 remark\n")
    assert run("check", "churn.ipynb", "--format", "github").out == ""
    assert run("check", "churn.ipynb", "--format", "github", "-v").out.startswith("::notice ")
    assert "MLO051" in run("check", "churn.ipynb", "--format", "json").out


# --- explanations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["train forest", "train-forest", "Train Forest"])
def test_explain_by_name_or_slug(run: Any, write: Any, step: str) -> None:
    printed = run("check", write(), "--explain", step)
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    assert lines[0] == "train forest  (cell 4)"
    assert "    rows from load: reads rows (cell 4, line 1: `forest = [row * test_size for row in rows]`)" in lines


def test_explain_shows_the_step_s_remarks(run: Any, write: Any) -> None:
    assert "info MLO051" in run("check", write(REMARKS), "--explain", "load").out
    assert "MLO051" not in run("check", write(REMARKS), "--explain", "train").out


def test_explain_of_a_broken_notebook(run: Any, write: Any) -> None:
    printed = run("check", write(BROKEN), "--explain", "train")
    assert printed.code == 3
    assert "error MLO012" in printed.out


@pytest.mark.parametrize(
    ("step", "message", "hint"),
    [
        ("tain forest", 'There is no step "tain forest"; did you mean "train forest"?', "Steps: load, train forest, "),
        ("xyzzy", 'There is no step "xyzzy".', "Steps: load, "),
        ("mlo031", "mlo031 is not a step but a diagnostic: ", "See docs/diagnostics.md#mlo031."),
    ],
)
def test_explain_of_what_is_not_there(run: Any, write: Any, step: str, message: str, hint: str) -> None:
    printed = run("check", write(), "--explain", step)
    assert (printed.code, printed.out) == (2, "")
    first, second = printed.err.splitlines()
    assert first.startswith(f"error: {message}")
    assert second.startswith(f"hint: {hint}")


def test_explain_as_json(run: Any, write: Any, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / "explain.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for cells in (None, BROKEN, REMARKS):
        path = write(cells) if cells else write()
        for step in json.loads(run("show", path, "--format", "json").out)["steps"]:
            data = json.loads(run("check", path, "--explain", step["name"], "--format", "json").out)
            jsonschema.Draft202012Validator(schema).validate(data)
            assert data["step"]["slug"] == step["slug"]
            assert {item["name"] for item in data["reasons"] if item["kind"] == "input"} == set(step["inputs"])


def test_an_explanation_is_no_annotation(run: Any, write: Any) -> None:
    printed = run("check", write(), "--explain", "load", "--format", "sarif")
    assert (printed.code, printed.out) == (2, "")
