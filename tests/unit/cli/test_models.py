"""``jupyter mlops models``: text, JSON, exit codes, mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, NewRun, StepOutcome


@pytest.fixture
def store(mlops_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.chdir(tmp_path)
    home = ensure_home(mlops_home)
    with Database(home.database) as database:
        for number in range(2):
            run = database.create_run(NewRun("churn", [("load", "Load"), ("train", "Train <it>")], {"depth": number}))
            digest = ObjectStore(home.objects).put_bytes(b"%d" % number)
            frame = ArtifactRecord("load.X", "value", ("X",), digest, 1, type="pandas.DataFrame", serializer="pickle")
            forest = ArtifactRecord(
                *("train.forest", "value", ("forest",), digest, 1), type="sklearn.ensemble.Forest", serializer="pickle"
            )
            database.finish_step(run.run_id, "load", StepOutcome("succeeded", outputs=[frame]))
            scores = [MetricRecord("accuracy", 0.5 + number)]
            outcome = StepOutcome("succeeded", inputs=[frame], outputs=[forest], metrics=scores)
            database.finish_step(run.run_id, "train", outcome)
            database.finish_run(run.run_id, "succeeded")
            if number == 0:
                monkeypatch.setenv("FIRST", run.run_id)
        yield database


def check(root: Path, text: str) -> dict:
    found = json.loads(text)
    jsonschema.validate(found, json.loads((root / "docs" / "schema" / "models.schema.json").read_text("utf-8")))
    return found


def test_from_registration_to_removal(run, store: Database, root: Path) -> None:
    assert "no models" in run("models").out
    done = run(
        "models", "register", "latest:forest", "--name", "churn", "--alias", "champion", "--description", "first"
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Registered churn/1 (champion) from ")
    again = run("models", "register", "latest:train/forest", "--name", "churn", "--format", "json")
    assert check(root, again.out)["new"] is False
    first = store.runs()[1].run_id
    assert "churn/2" in run("models", "register", f"{first}:forest", "--name", "churn").out
    moved = run("models", "alias", "churn", "2", "champion")
    assert (moved.out, moved.err) == (
        "champion stands for version 2 of churn.\n",
        "note: champion stood for version 1 before.\n",
    )
    assert run("models", "describe", "churn", "of customers").code == 0
    listed = check(root, run("models", "--format", "json").out)["models"]
    assert [(item["name"], item["latest"], item["aliases"]) for item in listed] == [("churn", 2, {"champion": 2})]
    assert "of customers" in run("models").out
    shown = check(root, run("models", "show", "churn/1", "--format", "json").out)
    assert (shown["shown"]["version"], shown["metrics"]) == (1, {"accuracy": 1.5})
    assert [item["name"] for item in shown["lineage"]["data"]] == ["X", "forest"]
    text = run("models", "show", "churn@champion").out
    assert "Version 2" in text and "accuracy  0.5" in text and "Train <it>" in text
    kept = run("models", "rm", "churn/2", "--yes")
    assert kept.code == 2 and "champion (2) stands for it" in kept.err and "--force" in kept.err
    assert check(root, run("models", "rm", "churn/2", "--yes", "--force", "--format", "json").out)["versions"] == [2]
    assert (
        check(root, run("models", "alias", "churn", "latest", "staging", "--format", "json").out)["version"]["version"]
        == 1
    )
    assert (
        check(root, run("models", "alias", "churn", "staging", "--remove", "--format", "json").out)["removed"]
        == "staging"
    )
    assert run("models", "rm", "churn", "--yes").out == "Removed the model churn with 1 version.\n"


def test_nothing_is_removed_without_being_asked(run, store: Database) -> None:
    run("models", "register", "latest:forest", "--name", "churn")
    done = run("models", "rm", "churn")
    assert (done.code, "Nobody is there to be asked" in done.err) == (2, True)
    assert len(store.models()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["register", "latest:forrest", "--name", "a"], 'did you mean "forest"?'),
        (["register", "latest:X", "--name", "a"], "it is data (pandas.DataFrame)"),
        (["register", "latest:forest", "--name", "a/b"], 'can\'t have "/" in it'),
        (["register", "latest:forest", "--name", "a", "--alias", "3"], "means a version's number"),
        (["register", "latest:forest"], "Missing option '--name'"),
        (["register", "nowhere:forest", "--name", "a"], "no run 'nowhere'"),
        (["register", "latest", "--name", "a"], "does not say which variable"),
        (["show", "nowhere"], 'no model "nowhere"'),
        (["alias", "nowhere", "champion"], "not a version and an alias"),
        (["alias", "nowhere", "1", "champion"], 'no model "nowhere"'),
        (["describe", "nowhere", "x"], 'no model "nowhere"'),
        (["rm", "nowhere"], 'no model "nowhere"'),
        (["shwo"], "did you mean jupyter mlops models show?"),
    ],
)
def test_mistakes_are_told(run, store: Database, words: list[str], said: str) -> None:
    done = run("models", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ") and said in done.err
    assert store.models() == ()


def test_names_with_quotes_and_markup_stay_as_they_are(run, store: Database, root: Path) -> None:
    name = 'it\'s <b onclick="x()">'
    run("models", "register", "latest:forest", "--name", name)
    assert check(root, run("models", "--format", "json").out)["models"][0]["name"] == name
    assert name in run("models", "show", name).out
