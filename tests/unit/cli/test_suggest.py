"""``suggest``: what it prints, what it writes, and what it never touches."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

UNTAGGED = (
    ("markdown", "# Churn"),
    ("", "import math"),
    ("", "n = 3"),
    ("markdown", "## 1. Load"),
    ("", "rows = [math.sqrt(i) for i in range(n)]"),
    ("markdown", "## 2. Train the model"),
    ("", "model = sum(rows) / len(rows)"),
    ("markdown", "## 3. Evaluate"),
    ("", "rmse = sum((row - model) ** 2 for row in rows) ** 0.5"),
)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_text_has_cell_tags_reason_and_the_next_command(run: Any, write: Any, here: Path) -> None:
    path = write(UNTAGGED)
    before = path.read_bytes()
    printed = run("suggest", "churn.ipynb")
    assert (printed.code, printed.err) == (0, "")
    lines = printed.out.splitlines()
    assert lines[0].split(maxsplit=3) == ["cell", "2", "imports", "only imports math"]
    assert lines[3].startswith('cell 7  step:train the model    heading "2. Train the model"; takes rows; gives model')
    assert lines[4].startswith("cell 9  step:evaluate, metrics  ")
    assert lines[6] == "churn.ipynb: 3 steps (load, train the model, evaluate)"
    assert lines[-1].split("  ")[1] == "jupyter mlops suggest churn.ipynb --write churn-tagged.ipynb"
    assert path.read_bytes() == before
    assert [item.name for item in here.iterdir()] == ["churn.ipynb"]


def test_the_next_command_works(run: Any, write: Any, here: Path) -> None:
    write(UNTAGGED, name="it's here.ipynb")
    command = run("suggest", "it's here.ipynb").out.splitlines()[-1].strip()
    assert command.startswith("""jupyter mlops suggest 'it'"'"'s here.ipynb' --write 'it'"'"'s here-tagged.ipynb'  """)
    assert run("suggest", "it's here.ipynb", "--write", "it's here-tagged.ipynb").code == 0
    assert run("check", "it's here-tagged.ipynb").out == "it's here-tagged.ipynb: 3 steps, no problems\n"


def test_json_fits_the_schema(run: Any, write: Any, root: Path) -> None:
    schema = json.loads((root / "docs" / "schema" / "suggest.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for cells, valid in ((UNTAGGED, True), ((("step:a", "x = ("), ("", "y = 1")), False), ((), True)):
        printed = run("suggest", write(cells), "--format", "json")
        data = json.loads(printed.out)
        jsonschema.Draft202012Validator(schema).validate(data)
        assert (data["valid"], printed.code, printed.err) == (valid, 0 if valid else 3, "")


def test_write_changes_nothing_but_tags(run: Any, write: Any, here: Path) -> None:
    path = write(UNTAGGED)
    text = path.read_text(encoding="utf-8")
    assert run("suggest", path, "--write", here / "out.ipynb").code == 0
    written = json.loads((here / "out.ipynb").read_text(encoding="utf-8"))
    assert [cell["metadata"]["tags"] for cell in written["cells"] if cell["cell_type"] == "code"] == [
        ["imports"],
        ["parameters"],
        ["step:load"],
        ["step:train the model"],
        ["step:evaluate", "metrics"],
    ]
    for cell in written["cells"]:
        cell["metadata"]["tags"] = []
    assert json.dumps(written) == text
    assert path.read_text(encoding="utf-8") == text


def test_the_notebook_itself_is_refused(run: Any, write: Any, here: Path) -> None:
    path = write(UNTAGGED)
    before = path.read_bytes()
    printed = run("suggest", path, "--write", "./churn.ipynb")
    assert (printed.code, printed.out) == (2, "")
    assert "is the notebook itself." in printed.err
    assert "--in-place" in printed.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("options", [["--in-place"], ["--in-place", "--write", "churn.ipynb"]])
def test_in_place(run: Any, write: Any, here: Path, options: list[str]) -> None:
    path = write(UNTAGGED)
    path.chmod(0o640)
    assert run("suggest", "churn.ipynb", *options).code == 0
    assert "step:train the model" in path.read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in here.iterdir()] == ["churn.ipynb"]
    again = run("suggest", "churn.ipynb", "--in-place")
    assert again.out == "churn.ipynb: nothing to propose; every code cell has its place.\n"


def test_nothing_to_propose_writes_nothing_in_place(run: Any, write: Any) -> None:
    path = write()
    os.utime(path, (1, 1))
    assert run("suggest", path, "--in-place").code == 0
    assert path.stat().st_mtime == 1


def test_outputs_that_cannot_be(run: Any, write: Any, here: Path) -> None:
    path = write(UNTAGGED)
    other = write(UNTAGGED, name="other.ipynb")
    before = other.read_bytes()
    for options in (["--write", str(here)], ["--write", "no/a.ipynb"], ["--write", "other.ipynb", "--in-place"]):
        printed = run("suggest", path, *options)
        assert (printed.code, printed.out) == (2, "")
    assert other.read_bytes() == before


@pytest.mark.parametrize(("content", "code"), [(None, 2), (b"no", 3), (b"[]", 3)])
def test_files_that_are_no_notebooks(run: Any, tmp_path: Path, content: bytes | None, code: int) -> None:
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_bytes(content)
    for options in ([], ["--in-place"], ["--write", tmp_path / "y.ipynb"]):
        assert run("suggest", path, *options).code == code
    assert not (tmp_path / "y.ipynb").exists()
