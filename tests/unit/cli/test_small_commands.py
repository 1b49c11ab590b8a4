"""``init ci``, ``report`` and ``strip``: what they print, their exit codes, their JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import NewRun, StepOutcome


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()


def checked(root: Path, name: str, text: str) -> Any:
    schema = json.loads((root / "docs" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    data = json.loads(text)
    jsonschema.Draft202012Validator(schema).validate(data)
    return data


def test_init_writes_once_and_tells(run: Any, write: Any, root: Path, tmp_path: Path) -> None:
    write()
    printed = run("init", "ci", "--provider", "github")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.splitlines()[:2] == [".github/workflows/notebooks.yml: written", "  runs churn.ipynb"]
    data = checked(root, "init", run("init", "ci", "--provider", "github", "--format", "json").out)
    assert (data["status"], data["notebooks"]) == ("unchanged", ["churn.ipynb"])
    printed = run("init", "ci", "--provider", "github", "--gate", "a > 1")
    assert printed.code == 2 and "+            --gate 'a > 1' \\" in printed.err and "--force" in printed.err
    printed = run("init", "ci", "--provider", "github", "--gate", "a > 1", "--force")
    assert printed.out.startswith(".github/workflows/notebooks.yml: replaced\n")
    assert run("init", "ci", "--provider", "gitlab", "-o", "sub/x.yml", "--notebook", "churn.ipynb").code == 0
    assert (tmp_path / "sub" / "x.yml").is_file()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["init", "ci"], "Missing option '--provider'"),
        (["init", "xy"], "No such command 'xy'"),
        (["init", "ci", "--provider", "githb"], "There is no provider 'githb'"),
        (["init", "ci", "--provider", "github"], "No notebook with steps was found"),
        (["report"], "There is no store"),
        (["strip"], "Missing argument 'NOTEBOOK...'"),
        (["strip", "no.ipynb"], "no.ipynb does not exist"),
    ],
)
def test_what_makes_no_sense_is_one_message(run: Any, line: list[str], message: str) -> None:
    printed = run(*line)
    assert printed.code == 2 and message in printed.err


def test_a_group_shows_its_commands(run: Any) -> None:
    printed = run("init", "--help")
    assert printed.code == 0 and "ci  " in printed.out


def test_a_report_is_written_later(run: Any, root: Path, tmp_path: Path) -> None:
    home = ensure_home(tmp_path / ".mlops")
    with Database(home.database) as database:
        record = database.create_run(NewRun("churn", [("a", "a")]))
        database.finish_step(record.run_id, "a", StepOutcome("succeeded"))
        database.finish_run(record.run_id, "succeeded")
    assert run("report").out == f".mlops/runs/{record.run_id}/report.html\n"
    data = checked(root, "report", run("report", record.run_id[16:], "-o", "r.html", "--format", "json").out)
    assert data["path"] == str(tmp_path / "r.html") and record.run_id in (tmp_path / "r.html").read_text()
    printed = run("report", "2020")
    assert printed.code == 2 and "There is no run '2020'" in printed.err
    assert run("report", "latest", "-o", "no/r.html").code == 2


def test_strip_looks_or_writes(run: Any, write: Any, root: Path) -> None:
    path = write()
    content = json.loads(path.read_text())
    content["cells"][2] |= {"execution_count": 3}
    path.write_text(json.dumps(content))
    clean = write(name="clean.ipynb")
    data = checked(root, "strip", run("strip", "churn.ipynb", clean, "--check", "--format", "json").out)
    assert data == {"schema": 1, "stripped": ["churn.ipynb"], "written": False}
    printed = run("strip", "churn.ipynb", "--check")
    assert (printed.code, printed.out) == (3, "churn.ipynb: has outputs\n")
    printed = run("strip", "no.ipynb", "churn.ipynb")
    assert (printed.code, printed.out) == (2, "churn.ipynb: stripped\n")
    assert json.loads(path.read_text())["cells"][2]["execution_count"] is None
    assert run("strip", "churn.ipynb", "--check").code == 0


def test_strip_takes_other_languages(run: Any, write: Any) -> None:
    path = write(kernelspec={"name": "ir", "display_name": "R", "language": "R"})
    assert run("strip", path).code == 0


def test_check_looks_at_each_of_several(run: Any, write: Any) -> None:
    write()
    write([("step:a", "x = missing")], "bad.ipynb")
    printed = run("check", "bad.ipynb", "no.ipynb", "churn.ipynb", "churn.ipynb")
    assert printed.code == 3
    assert [line.partition(":")[0] for line in printed.out.splitlines() if " step" in line] == [
        "bad.ipynb",
        "churn.ipynb",
    ]
    assert "no.ipynb does not exist" in printed.err
    for option in (["--format", "json"], ["--format", "sarif"], ["--explain", "load"]):
        assert run("check", "bad.ipynb", "churn.ipynb", *option).code == 2
