"""``compare`` and ``lineage`` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from jupyter_mlops.cli.main import main
from jupyter_mlops.store.database import Database

sys.path.insert(0, str(Path(__file__).parents[1] / "tracking"))

from histories import History


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two runs in the store of the working directory."""
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    with Database(tmp_path / "home" / "mlops.db") as database:
        history = History(database)
        first = history.churn(commit="c0ffee")
        return first, history.churn(rate=0.2, reuse={"load": first})


def test_compare_prints_text_and_json(runs: tuple[str, str], run, root: Path) -> None:
    printed = run("compare", *runs)
    assert printed.code == 0 and printed.err == ""
    assert "0.4 (+0.2, +100.0 %)" in printed.out and "patients.csv" not in printed.out
    assert "patients.csv" in run("compare", *runs, "--all").out
    printed = run("compare", runs[1], "--baseline", "calm-otter-0000", "--format", "json")
    found = json.loads(printed.out)
    jsonschema.validate(found, json.loads((root / "docs" / "schema" / "compare.schema.json").read_text("utf-8")))
    assert found["baseline"] == runs[0] and [row["name"] for row in found["parameters"]] == ["rate"]


def test_lineage_prints_every_form(runs: tuple[str, str], run, root: Path, tmp_path: Path) -> None:
    printed = run("lineage", f"{runs[0]}:model", "--up")
    assert printed.code == 0 and "patients.csv" in printed.out and "Used by" not in printed.out
    assert "Made from" not in run("lineage", runs[0], "--down").out
    both = run("lineage", runs[0], "--up", "--down").out
    assert "Made from" in both and "Used by" in both
    found = json.loads(run("lineage", "latest", "--format", "json").out)
    jsonschema.validate(found, json.loads((root / "docs" / "schema" / "lineage.schema.json").read_text("utf-8")))
    assert run("lineage", "latest", "--format", "mermaid").out.startswith("flowchart TD\n")
    assert run("lineage", "latest", "--format", "svg").out.startswith("<svg ")
    for suffix, start in ((".svg", "<svg "), (".mmd", "flowchart TD"), (".json", "{"), (".txt", "Run ")):
        file = tmp_path / f"lineage{suffix}"
        assert run("lineage", "latest", "-o", file) == type(printed)(0, "", "")
        assert file.read_text("utf-8").startswith(start)
    assert "… 1 more" in run("lineage", f"{runs[0]}:model", "--up", "--depth", "1").out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("compare", "latest"), "needs two runs"),
        (("compare", "latest", "latest"), "named twice"),
        (("compare", "latest", "nope"), "There is no run 'nope'"),
        (("compare",), "Missing argument"),
        (("lineage",), "Missing argument"),
        (("lineage", "nope"), 'no run, artifact or file "nope"'),
        (("lineage", "latest", "--depth", "0"), "--depth"),
        (("lineage", "latest", "--depth", "x"), "--depth"),
        (("lineage", "latest", "-o", "no/such/folder.svg"), "does not exist"),
        (("lineage", "2026"), "More than one run"),
    ],
)
def test_mistakes_are_usage_errors(runs: tuple[str, str], run, line: tuple[str, ...], message: str) -> None:
    printed = run(*line)
    assert printed.code == 2 and printed.out == "" and message in printed.err
    assert "Traceback" not in printed.err


def test_without_a_store(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "none"))
    for line in (("compare", "a", "b"), ("lineage", "latest")):
        printed = run(*line)
        assert printed.code == 2 and "There is no store" in printed.err


def test_heavy_modules_stay_out(runs: tuple[str, str]) -> None:
    code = (
        "import sys; from jupyter_mlops.cli.main import main; main(sys.argv[1:]); "
        "heavy = {'nbformat', 'jsonschema', 'nbclient', 'papermill', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for line in (("compare", *runs), ("lineage", runs[0]), ("lineage", runs[0], "--format", "svg")):
        done = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "[]\n", done.stderr


def test_a_terminal_without_unicode(runs: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsysbinary) -> None:
    import io

    for line in (("compare", *runs, "--all"), ("lineage", runs[0])):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        assert main(list(line)) == 0
        sys.stdout.flush()
        assert b"\\u" not in raw.getvalue() and b"\\x" not in raw.getvalue()


def test_python_gets_the_same(runs: tuple[str, str]) -> None:
    import jupyter_mlops as mlops
    from jupyter_mlops import api
    from jupyter_mlops.errors import UsageError

    found = mlops.lineage("latest:model", "up")
    assert [node.name for node in found.nodes if node.kind == "file"] == ["patients.csv"]
    assert api.comparison(["calm-otter-0000", "latest"]).metrics[0].deltas[1] == pytest.approx(0.2)
    for wrong in ({"direction": "sideways"}, {"depth": -1}):
        with pytest.raises(UsageError):
            mlops.lineage("latest", **wrong)  # type: ignore[arg-type]
