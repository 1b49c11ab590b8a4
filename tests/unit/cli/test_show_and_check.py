"""``show`` and ``check``: forms, files, bad notebooks."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from jupyter_mlops.diagnostics import Diagnostic
from jupyter_mlops.notebook.model import StepSettings
from jupyter_mlops.pipeline.model import Artifact, Edge, Parameter, Snippet, Step

BROKEN = (("step:load", "a = 1"), ("step:train", "b = a\nc = undefined + b"))


def validate(data: Any, name: str, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(data)


def test_text_shows_parameters_graph_and_steps(
    run: Any, write: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write()
    monkeypatch.chdir(tmp_path)
    printed = run("show", "churn.ipynb")
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert lines[0] == "churn · churn.ipynb · 4 steps · kernel python3"
    assert "  n_trees    int    100" in lines
    assert "  test_size  float  0.25" in lines
    assert "│ train forest │" in printed.out
    place = lines.index("  train forest  (cell 4)")
    assert lines[place + 1 : place + 4] == ["    takes    rows", "    reads    test_size", "    gives    forest"]
    assert "    metrics  accuracy" in lines


def test_json_is_all_there_is_on_stdout_and_fits_the_schema(run: Any, write: Any, root: Path) -> None:
    printed = run("show", write(), "--format", "json")
    data = json.loads(printed.out)
    validate(data, "show", root)
    assert (printed.code, printed.err) == (0, "")
    assert [step["name"] for step in data["steps"]] == ["load", "train forest", "train logistic", "evaluate"]
    assert ["train-forest", "evaluate"] in data["edges"]


def test_json_of_a_broken_notebook_fits_the_schema(run: Any, write: Any, root: Path) -> None:
    printed = run("show", write(BROKEN), "--format", "json")
    data = json.loads(printed.out)
    validate(data, "show", root)
    assert printed.code == 3
    assert "MLO012" in [item["code"] for item in data["diagnostics"]]


def test_schema_refuses_what_is_missing_or_of_another_type(run: Any, write: Any, root: Path) -> None:
    good = json.loads(run("show", write(BROKEN), "--format", "json").out)
    for spoil in (
        lambda data: data.pop("edges"),
        lambda data: data["steps"][0].pop("mutates"),
        lambda data: data["steps"][0].update(inputs="a"),
        lambda data: data["diagnostics"][0].update(severity="fatal"),
        lambda data: data["diagnostics"][0].update(line="2"),
        lambda data: data.update(unheard_of=1),
        lambda data: data.update(schema=2),
        lambda data: data["edges"].append(["load"]),
    ):
        data = json.loads(json.dumps(good))
        spoil(data)
        with pytest.raises(jsonschema.ValidationError):
            validate(data, "show", root)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("parameter", Parameter),
        ("step", Step),
        ("snippet", Snippet),
        ("settings", StepSettings),
        ("artifact", Artifact),
        ("flow", Edge),
        ("diagnostic", Diagnostic),
    ],
)
def test_schema_documents_every_field(part: str, kind: type, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / "show.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"][part]["properties"]) == {item.name for item in dataclasses.fields(kind)}
    assert schema["$defs"][part]["additionalProperties"] is False


def test_mermaid_and_svg(run: Any, write: Any) -> None:
    path = write()
    assert run("show", path, "--format", "mermaid").out.startswith("flowchart TD\n")
    ElementTree.fromstring(run("show", path, "--format", "svg").out)


@pytest.mark.parametrize(
    ("name", "start"), [("a b.svg", "<svg"), ("a.mmd", "flowchart"), ("a.json", "{"), ("a.txt", "churn · ")]
)
def test_output_file_by_suffix(run: Any, write: Any, tmp_path: Path, name: str, start: str) -> None:
    printed = run("show", write(), "-o", tmp_path / name)
    assert (printed.code, printed.out, printed.err) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_the_format_wins_over_the_suffix(run: Any, write: Any, tmp_path: Path) -> None:
    run("show", write(), "--format", "svg", "-o", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").startswith("<svg")


def test_the_notebook_is_never_the_output(run: Any, write: Any, tmp_path: Path) -> None:
    path = write()
    before = path.read_bytes()
    printed = run("show", path, "-o", tmp_path / ".." / tmp_path.name / "churn.ipynb")
    assert printed.code == 2
    assert "is the notebook itself." in printed.err
    assert path.read_bytes() == before


def test_outputs_that_cannot_be(run: Any, write: Any, tmp_path: Path) -> None:
    path = write()
    assert "is a folder." in run("show", path, "-o", tmp_path).err
    assert "does not exist." in run("show", path, "-o", tmp_path / "no" / "a.svg").err
    assert run("show", path, "-o", "-").err.startswith("error: The result can't go to standard output.")


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_of_a_good_notebook(run: Any, write: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write()
    monkeypatch.chdir(tmp_path)
    printed = run("check", "churn.ipynb")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.splitlines()[-1] == "churn.ipynb: 4 steps, no problems"


def test_check_names_place_code_line_and_hint(
    run: Any, write: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(BROKEN)
    monkeypatch.chdir(tmp_path)
    printed = run("check", "churn.ipynb")
    assert (printed.code, printed.err) == (3, "")
    lines = printed.out.splitlines()
    assert lines[0].startswith("churn.ipynb, cell 2 (train), line 2: error MLO012: ")
    assert lines[1] == "    c = undefined + b"
    assert lines[2] == "        ^^^^^^^^^"
    assert lines[3].startswith("  hint: ")
    assert lines[-1] == "churn.ipynb: 2 steps, 1 error"


def test_check_json(run: Any, write: Any, root: Path) -> None:
    path = write(BROKEN)
    printed = run("check", path, "--format", "json")
    data = json.loads(printed.out)
    validate(data, "check", root)
    assert (printed.code, printed.err, data["valid"]) == (3, "", False)
    assert data["notebook"] == str(path)
    good = json.loads(run("check", write(name="good.ipynb"), "--format", "json").out)
    validate(good, "check", root)
    assert good["valid"] is True


# --- files ------------------------------------------------------------------------------------------------------------

COMMANDS = [["show"], ["show", "--format", "json"], ["check"], ["check", "--format", "json"]]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, 2),
        (b"not json", 3),
        (b"[]", 3),
        (b'{"nbformat": 3, "worksheets": []}', 3),
        (b"\xff\xfe\x00", 3),
        (b"", 3),
    ],
)
def test_files_that_are_no_notebooks(
    run: Any, tmp_path: Path, command: list[str], content: bytes | None, code: int
) -> None:
    path = tmp_path / 'it\'s a "näme" with $HOME.ipynb'
    if content is not None:
        path.write_bytes(content)
    printed = run(*command, path)
    assert (printed.code, printed.out) == (code, "")
    assert printed.err.startswith("error: ")
    assert path.name in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    "name", ["with space.ipynb", "it's.ipynb", "ünï-数据.ipynb", "$(echo x);.ipynb", "-dash.ipynb", "a%20b#c?.ipynb"]
)
def test_file_names_of_all_kinds(
    run: Any, write: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32" and set(name) & set('?"<>|*:'):
        pytest.skip("not a file name on Windows")
    write(name=name)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert run("check", os.path.join("..", name)).code == 0  # noqa: PTH118 - Path would drop nothing, but this is what users type
    assert run("check", tmp_path / name).code == 0
    shown = run("show", tmp_path / name)
    assert shown.code == 0
    assert name in " ".join(shown.out.split())  # a long path is wrapped at blanks


def test_a_folder_is_no_notebook(run: Any, tmp_path: Path) -> None:
    printed = run("check", tmp_path)
    assert printed.code == 2
    assert printed.err.startswith("error: ")


def test_nothing_is_written(run: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    monkeypatch.chdir(tmp_path)
    before = path.read_bytes()
    run("show", path)
    run("check", path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["churn.ipynb"]
