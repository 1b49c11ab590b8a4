"""Real runs that are held against gates and told to a CI service."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from jupyter_mlops import api
from jupyter_mlops.store.database import Database

CELLS = (
    ("parameters", "level = 0.95\nfail = False"),
    ("step:load data", "rows = list(range(4))\nprint('\\x1b[31mloaded\\x1b[0m')"),
    ("step:train", "model = sum(rows)\nif fail:\n    raise ValueError('no luck')"),
    ("metrics|step:evaluate", "accuracy = level + model * 0"),
)


@pytest.fixture
def here(work: Path, write: Callable[..., Path]) -> Path:
    write(*CELLS)
    return work


def suite_of(path: Path, root: Path) -> Any:
    schema = etree.XMLSchema(etree.parse(root / "tests" / "unit" / "tracking" / "ci" / "junit.xsd"))
    document = etree.parse(path)
    schema.assertValid(document)
    return document.getroot()[0]


def test_gates_baseline_and_files(here: Path, run: Any, root: Path) -> None:
    line = ["run", "nb.ipynb", "--junit", "j.xml", "--markdown", "m.md", "--report", "r.html", "--baseline", "latest"]
    gates = ["accuracy >= 0.9", "`load data`.seconds < 1h", "accuracy >= baseline - 0.01", "peak_memory < 100 GB"]
    asked = [word for gate in gates for word in ("--gate", gate)]
    assert run(*line, *asked).code == 0
    assert "There is no baseline: no earlier run of nb has succeeded." in (here / "m.md").read_text()

    printed = run(*line, *asked, "-p", "level", "0.93", "--format", "json", "--no-progress-bar")
    assert printed.code == 5
    data = json.loads(printed.out)
    assert data["status"] == "succeeded" and data["baseline"] is not None
    assert [gate["verdict"] for gate in data["gates"]] == ["passed", "passed", "failed", "passed"]
    suite = suite_of(here / "j.xml", root)
    assert suite.get("tests") == "7" and suite.get("failures") == "1"
    assert suite.find("testcase/failure").get("message") == "accuracy is 0.93, baseline is 0.95"
    assert "| <code>accuracy</code> | 0.93 | 0.95 | \N{MINUS SIGN}0.02 |" in (here / "m.md").read_text()
    assert "accuracy &gt;= baseline - 0.01" in (here / "r.html").read_text()
    with Database(here / ".mlops" / "mlops.db") as database:
        record = database.run(data["run_id"])
        assert (record.status, record.tags["ci.gates"]) == ("succeeded", "failed")
        kept = json.loads(database.document(record.run_id, "gates") or "")
        assert kept == {"baseline": data["baseline"], "gates": data["gates"]}

    again = json.loads(run(*line, "--format", "json", "--no-progress-bar").out)
    assert again["baseline"] == data["baseline"], "a run that failed its gates is no baseline"


def test_a_failing_run_is_told_as_well(here: Path, run: Any, root: Path) -> None:
    line = ["--junit", "j.xml", "--markdown", "m.md", "--report", "r.html", "--gate", "accuracy >= 0.9"]
    printed = run("run", "nb.ipynb", "-p", "fail", "true", *line, "--no-progress-bar")
    assert printed.code == 1
    suite = suite_of(here / "j.xml", root)
    failure = suite.find("testcase/failure")
    assert (failure.get("type"), failure.get("message")) == (
        "ValueError",
        "cell 3 (train), line 3: ValueError: no luck",
    )
    assert suite.find("testcase/system-out").text == "loaded\n"
    assert [case.get("name") for case in suite.findall("testcase") if case.find("skipped") is not None] == [
        "evaluate",
        "accuracy >= 0.9",
    ]
    assert "#### train failed in cell 3 (train), line 3" in (here / "m.md").read_text()
    assert "no luck" in (here / "r.html").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--junit", "--markdown", "--report", "--stdout-file"])
def test_a_full_disk_does_not_lose_the_result(here: Path, run: Any, option: str) -> None:
    printed = run("run", "nb.ipynb", option, "/dev/full", "--format", "json", "--no-progress-bar")
    assert printed.code == 4
    data = json.loads(printed.out)
    assert data["status"] == "succeeded" and data["metrics"] == {"accuracy": 0.95}
    assert data["problems"] == ["/dev/full can't be written: No space left on device."]
    assert "error: /dev/full can't be written: No space left on device." in printed.err
    with Database(here / ".mlops" / "mlops.db") as database:
        assert database.run(data["run_id"]).status == "succeeded"


def test_an_ambiguous_baseline_is_refused_before_anything_runs(here: Path, run: Any) -> None:
    for _ in range(2):
        assert run("run", "nb.ipynb", "--no-progress-bar").code == 0
    with Database(here / ".mlops" / "mlops.db") as database:
        before = [item.run_id for item in database.runs()]
    printed = run("run", "nb.ipynb", "--baseline", before[0][:4], "--no-progress-bar")
    assert printed.code == 2 and "could be more than one run" in printed.err
    with Database(here / ".mlops" / "mlops.db") as database:
        assert [item.run_id for item in database.runs()] == before


def test_gates_from_python(here: Path) -> None:
    result = api.run("nb.ipynb", gates=["accuracy > 1"], junit="j.xml")
    assert (result.status, result.exit_code, result.gates[0].verdict) == ("succeeded", 5, "failed")
    assert (here / "j.xml").is_file()


def test_a_cell_may_have_a_limit(here: Path, run: Any, write: Any) -> None:
    write(("step:a", "import time"), ("", "time.sleep(60)"), ("step:b", "x = 1"))
    printed = run("run", "nb.ipynb", "--execution-timeout", "0.5", "--no-progress-bar")
    assert printed.code == 1
    assert "nb.ipynb, cell 2 (a): the cell took longer than its timeout of 0.5 s" in printed.err


def test_a_notebook_from_a_pipe_runs_in_the_working_directory(
    here: Path, run: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(
        ("step:a", "import os\nplace = os.getcwd()\nopen('made.txt', 'w').write('x')\nprint(place)")
    ).read_bytes()
    (here / "nb.ipynb").unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    printed = run("run", "-", "-", "--no-progress-bar")
    assert printed.code == 0, printed.err
    (cell,) = json.loads(printed.out)["cells"]
    assert "".join(cell["outputs"][0]["text"]).strip() == str(here)
    assert (here / "made.txt").is_file()
