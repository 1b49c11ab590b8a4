"""``jupyter mlops runs`` and its subcommands, on a store without kernels."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

import jupyter_mlops as mlops
from jupyter_mlops.cli import runs_text
from jupyter_mlops.cli.runs import command
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, NewRun, StepOutcome

STEPS = (("load", "Load"), ("fit", "Fit it"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return ensure_home(tmp_path / "store")


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    with Database(home.database) as opened:
        yield opened


def finished(
    database: Database,
    status: Any = "succeeded",
    metrics: dict[str, float] | None = None,
    pipeline: str = "churn",
    **parameters: Any,
) -> str:
    new = NewRun(pipeline, STEPS, parameters, dict.fromkeys(parameters, "-p"), notebook="nb/churn.ipynb", user="ann")
    run_id = database.create_run(new).run_id
    values = [MetricRecord(name, value) for name, value in (metrics or {}).items()]
    digest = "ab" * 32
    made = (ArtifactRecord("load.X", "value", ("X",), digest, 10, "DataFrame", preview="<b>1</b>\n2"),)
    database.finish_step(run_id, "load", StepOutcome("succeeded", 1.5, outputs=made, metrics=values))
    error = FailureRecord("ValueError", "no\nway", "cell-2", 3) if status == "failed" else None
    outcome = StepOutcome(status, 0.5, inputs=made, error=error, documents={"key": "k"}, kernel="warm")
    database.finish_step(run_id, "fit", outcome)
    database.finish_run(run_id, status, seconds=2.0)
    return run_id


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def check(root: Path, name: str, text: str) -> Any:
    schema = json.loads((root / "docs" / "schema" / name).read_text("utf-8"))
    found = json.loads(text)
    Draft202012Validator(schema).validate(found)
    return found


def test_the_list_is_newest_first_with_what_differs(database: Database, run) -> None:
    first = finished(database, metrics={"accuracy": 0.5}, model="rf", seed=1)
    second = finished(database, "failed", {"accuracy": math.nan}, model="gb", seed=1)
    database._connection.execute("UPDATE runs SET started = started - 5000 WHERE run_id = ?", (first,))
    printed = run("runs")
    heading, *rows = lines(printed.out)
    assert printed.code == 0 and printed.err == ""
    assert heading == ["run", "started", "status", "time", "metrics.accuracy", "params.model"], (
        "seed is the same in all"
    )
    assert [row[0] for row in rows] == [second[16:], first[16:]]
    assert [row[3:] for row in rows] == [["failed", "2.0", "s", "NaN", "gb"], ["succeeded", "2.0", "s", "0.5", "rf"]]


def test_filter_sort_columns_and_pages(database: Database, run, root: Path) -> None:
    ids = [
        finished(database, metrics={"loss": value}, trees=number) for number, value in enumerate((3, 1, 2, math.inf))
    ]
    printed = run(
        "runs", "metrics.loss < 3", "--sort", "metrics.loss desc", "--columns", "run_id,metrics", "--limit", "1"
    )
    assert lines(printed.out) == [["run_id", "metrics.loss"], [ids[2], "2"]]
    assert printed.err == "(more: --page 2)\n"
    printed = run(
        "runs", "metrics.loss < 3", "--sort", "metrics.loss desc", "--columns", "run_id", "--limit", "1", "--page", "2"
    )
    assert lines(printed.out) == [["run_id"], [ids[1]]] and printed.err == ""
    assert run("runs", "--page", "9").out == "There are no runs on page 9.\n"
    found = check(root, "runs.schema.json", run("runs", "--sort", "params.trees", "--format", "json", "--all").out)
    assert [each["run_id"] for each in found["runs"]] == ids
    assert found["runs"][3]["metrics"] == {"loss": "Infinity"} and found["runs"][3]["params"] == {"trees": 3}
    found = check(root, "runs.schema.json", run("runs", "--columns", "params.trees,started", "--format", "json").out)
    assert {tuple(each) for each in found["runs"]} == {("params.trees", "started")}
    assert found["runs"][0]["started"].endswith("Z")


def test_shorthands(database: Database, run) -> None:
    one, other = finished(database), finished(database, pipeline="other")
    assert [row[0] for row in lines(run("runs", "--pipeline", "other", "--columns", "run_id").out)[1:]] == [other]
    for name, count in (("churn.ipynb", 2), ("./nb/churn.ipynb", 2), ("hurn.ipynb", 0), ("%.ipynb", 0)):
        found = json.loads(run("runs", "--notebook", name, "--format", "json").out)
        assert len(found["runs"]) == count, name
    assert one != other


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["metrics.a >"], ["a value is missing (in the filter, character 12)", "metrics.a >\n", "^"]),
        (["status = 'faild'"], ['no status "faild"', 'Did you mean "failed"?']),
        (["--sort", "metrics.a down"], ['"down" can\'t stand here', "in the order, character 11"]),
        (["--columns", "stat us"], ['no attribute "stat"', "list of columns"]),
        (["accuracy > 1"], ['no attribute "accuracy"', "Did you mean metrics.accuracy?"]),
        (["shwo"], ["did you mean jupyter mlops runs show?"]),
        (["--limit", "0"], ["0 is not in the range"]),
    ],
)
def test_what_makes_no_sense_is_said(arguments: list[str], words: list[str], database: Database, run) -> None:
    finished(database, metrics={"accuracy": 1})
    printed = run("runs", *arguments)
    assert printed.code == 2 and printed.out == ""
    assert all(word in printed.err for word in words), printed.err


def test_names_that_no_run_has_are_noted(database: Database, run) -> None:
    finished(database, metrics={"accuracy": 1})
    printed = run("runs", "metrics.acuracy > 0", "--sort", "params.x", "--columns", "tags.y")
    assert printed.code == 0 and printed.out == "No runs.\n"
    assert printed.err.splitlines() == [
        "note: No run has metrics.acuracy; did you mean metrics.accuracy?",
        "note: No run has params.x.",
        "note: No run has tags.y.",
    ]


def test_a_terminal_gets_what_fits(database: Database, run, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(database, metrics={f"metric {number}": number for number in range(200)})
    assert len(lines(run("runs").out)[0]) < 40, "not all of two hundred"
    monkeypatch.setattr(runs_text, "is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    printed = run("runs")
    assert max(map(len, printed.out.splitlines())) <= 80 and "columns left out" in printed.err


def test_odd_texts_take_one_line(database: Database, run) -> None:
    finished(database, metrics={"a\nb": 1}, text="x\ty\x1b[31m\n" * 50)
    printed = run("runs")
    assert len(printed.out.splitlines()) == 2 and "\x1b" not in printed.out
    assert "\x1b" not in run("runs", "show", "latest").out


def test_all_of_one_run(database: Database, home: Home, run, root: Path) -> None:
    run_id = finished(database, "failed", {"accuracy": 0.5, "loss": math.nan}, model='"><script>', rate=0.1)
    database.record_metrics(run_id, [MetricRecord("accuracy", 0.75, "load", 1)])
    database.set_tag(run_id, "team", "fraud")
    home.run(run_id).mkdir()
    text = run("runs", "show", run_id[16:]).out
    for part in (
        run_id,
        "failed",
        "from -p",
        "last of 2 values",
        "NaN",
        "team",
        "ValueError: no\\nway",
        "(cell cell-2, line 3)",
    ):
        assert part in text, part
    assert "makes X  DataFrame  10 B  abababababab  <b>1</b>\\n2" in text
    found = check(root, "runs-show.schema.json", run("runs", "show", "latest", "--format", "json").out)
    assert found["metrics"] == {"accuracy": 0.75, "loss": "NaN"} and len(found["history"]) == 3
    assert found["folder"] == str(home.run(run_id)) and found["documents"] == [{"step": "fit", "name": "key"}]
    assert [step["slug"] for step in found["steps"]] == ["load", "fit"]
    assert found["steps"][1]["inputs"][0]["names"] == ["X"]


def test_ten_thousand_metrics(database: Database, run) -> None:
    finished(database, metrics={f"m{number}": number for number in range(10_000)})
    text = run("runs", "show", "latest").out
    assert "and 9,960 more: --format json" in text and len(text.splitlines()) < 100
    assert len(json.loads(run("runs", "show", "latest", "--format", "json").out)["metrics"]) == 10_000
    assert len(run("runs").out) < 2000
    assert lines(run("runs", "--columns", "metrics.m77").out) == [["metrics.m77"], ["77"]]


def test_texts_that_were_kept(database: Database, run) -> None:
    run_id = finished(database)
    database.record_document(run_id, "pipeline", '{"a": 1}')
    assert run("runs", "show", "latest", "--document", "pipeline").out == '{"a": 1}\n'
    assert run("runs", "show", "latest", "--document", "key", "--step", "Fit it").out == "k\n"
    for arguments, words in (
        (["--document", "pipline"], "Did you mean 'pipeline'?"),
        (["--document", "key", "--step", "fti"], "Did you mean 'fit'?"),
        (["--step", "fit"], "--document"),
    ):
        printed = run("runs", "show", "latest", *arguments)
        assert printed.code == 2 and words in printed.err


def test_a_beginning_of_several_ids_lists_them(database: Database, run) -> None:
    ids = [finished(database), finished(database)]
    printed = run("runs", "show", ids[0][:4])
    assert printed.code == 2 and all(run_id in printed.err for run_id in ids)
    assert run("runs", "show", "nothing-such").code == 2


def test_tags_and_notes(database: Database, run) -> None:
    one, other = finished(database), finished(database)
    printed = run("runs", "tag", one, other, "team=a=b", "x=")
    assert printed.code == 0 and len(printed.out.splitlines()) == 2
    assert database.run(one).tags == database.run(other).tags == {"team": "a=b", "x": ""}
    assert run("runs", 'tags.team = "a=b"', "--format", "json").code == 0
    assert run("runs", "untag", one, "x", "tema").code == 2 and "x" in database.run(one).tags
    assert json.loads(run("runs", "untag", one, "x", "--format", "json").out)["runs"][0]["tags"] == {"team": "a=b"}
    assert run("runs", "note", one, "the good\none").code == 0 and database.run(one).note == "the good\none"
    assert run("runs", "note", one, " ").code == 0 and database.run(one).note is None
    for words in (["tag", one], ["tag", "a=b"], ["tag", one, "=b"], ["tag", "gone", "a=b"], ["note", one]):
        assert run("runs", *words).code == 2, words


def test_removing(database: Database, home: Home, run) -> None:
    ids = [finished(database) for _ in range(3)]
    for run_id in ids:
        home.run(run_id).mkdir()
        (home.run(run_id) / "out.ipynb").write_text("{}")
    printed = run("runs", "rm", ids[0])
    assert printed.code == 2 and "--yes" in printed.err and database.count_runs() == 3, "nobody to be asked"
    working = database.create_run(NewRun("p")).run_id
    printed = run("runs", "rm", "-y", ids[0], working)
    assert printed.code == 2 and "in progress" in printed.err and database.count_runs() == 4, "all or none"
    database._connection.execute("INSERT INTO models (name, created) VALUES ('m', 1)")
    database._connection.execute(
        "INSERT INTO model_versions (model, version, run_id, slug, artifact, artifact_key, created) "
        "SELECT 'm', 1, ?, 'load', 'load.X', artifact_key, 1 FROM artifacts",
        (ids[1],),
    )
    printed = run("runs", "rm", "-y", ids[0], ids[1])
    assert printed.code == 2 and "a model was registered" in printed.err and database.count_runs() == 4
    printed = run("runs", "rm", "-y", ids[0], ids[2], ids[0], "--format", "json")
    assert json.loads(printed.out)["runs"] == [ids[0], ids[2]]
    assert database.count_runs() == 2 and not home.run(ids[0]).exists() and home.run(ids[1]).exists()


def test_archives(database: Database, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = finished(database)
    printed = run("runs", "export", run_id, "-o", "a.zip")
    assert printed.code == 0 and "Wrote 1 run" in printed.out and "note: what had the digest" in printed.err
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "other"))
    assert run("runs", "import", "a.zip").out.splitlines() == [run_id, "Imported 1 run and 0 objects."]
    assert run("runs", "import", "a.zip").out == "Imported 0 runs and 0 objects; already here: 1 run.\n"
    assert json.loads(run("runs", "import", "a.zip", "--format", "json").out)["present"] == [run_id]
    assert run("runs", "import", "gone.zip").code == 2
    assert run("runs", "show", run_id).code == 0


def test_without_a_store(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "none"))
    for words in ([], ["show", "latest"], ["rm", "x", "-y"]):
        printed = run("runs", *words)
        assert printed.code == 2 and "There is no store" in printed.err
    assert not (tmp_path / "none").exists()


def test_help_names_the_subcommands(run) -> None:
    text = run("runs", "--help").out
    assert "Subcommands:" in text and "untag" in text
    assert "--document" in run("runs", "show", "--help").out


def test_the_list_imports_little(database: Database, home: Home) -> None:
    finished(database)
    code = (
        "import sys; from jupyter_mlops.cli.main import main; assert main(['runs']) == 0; "
        "heavy = {'pandas', 'nbformat', 'nbclient', 'papermill', 'jsonschema', 'numpy'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_dataframe(database: Database) -> None:
    ids = [finished(database, metrics={"loss": value}, model=model) for value, model in ((1.0, "rf"), (math.inf, None))]
    working = database.create_run(NewRun("p", tags={"a": "b"}, experiments=("e", "f"))).run_id
    frame = mlops.runs(sort="metrics.loss")
    assert list(frame["run_id"]) == [*ids, working]
    assert list(frame["metrics.loss"][:2]) == [1.0, math.inf] and math.isnan(frame["metrics.loss"][2])
    assert frame["metrics.loss"].dtype == "float64" and list(frame["params.model"]) == ["rf", None, None]
    assert str(frame["started"].dtype).startswith("datetime64[") and str(frame["started"].dtype).endswith("UTC]")
    assert frame["finished"].isna().tolist() == [False, False, True] and frame["experiment"][2] == "e, f"
    assert list(mlops.runs("metrics.loss > 5", limit=None)["run_id"]) == [ids[1]]
    assert len(mlops.runs(limit=1)) == 1 and isinstance(mlops.runs("params.model = 'x'"), pd.DataFrame)
    with pytest.warns(UserWarning, match=r"did you mean metrics\.loss"):
        assert mlops.runs("metrics.los > 1").empty
    with pytest.raises(UsageError, match="a value is missing"):
        mlops.runs("metrics.loss >")


def test_subcommands_are_documented(root: Path) -> None:
    import re

    text = (root / "docs" / "cli.md").read_text("utf-8").partition("\n## `runs`")[2].partition("\n## ")[0]
    parts = re.split(r"^### `runs (\w+)`$", text, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    subcommands = type(command).subcommands  # type: ignore[attr-defined]
    assert set(found) == set(subcommands)
    for name, subcommand in subcommands.items():
        real = {text for option in subcommand.params if isinstance(option, click.Option) for text in option.opts}
        written = set(
            re.findall(r"(?<![\w-])--?[a-z][\w-]*", "".join(re.findall(r"^\| (`-[^|]*)\|", found[name], re.M)))
        )
        assert written == real, name
        assert all(option.help for option in subcommand.params if isinstance(option, click.Option))
