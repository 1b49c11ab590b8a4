"""``jupyter mlops deploy``: text, JSON, exit codes, mistakes; what answers is tested in tests/unit/rollout."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from jupyter_mlops.deploy.rollout import Rollouts, Wish
from jupyter_mlops.engine.surroundings import GIT_DIFF
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import ArtifactRecord, NewRun, StepOutcome
from jupyter_mlops.tracking.models import Registry


@pytest.fixture
def store(mlops_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.chdir(tmp_path)
    with Database(ensure_home(mlops_home).database) as database:
        for number in range(3):
            run = database.create_run(NewRun("churn", [("train", "Train")], commit="c0ffee"))
            forest = ArtifactRecord("train.forest", "value", ("forest",), f"{number:064x}", 1, type="lib.Forest")
            database.finish_step(run.run_id, "train", StepOutcome("succeeded", outputs=[forest]))
            database.record_document(run.run_id, GIT_DIFF, "" if number < 2 else "diff --git a b\n")
            database.register_model("churn", run_id=run.run_id, step="train", artifact="train.forest", member="forest")
        yield database


@pytest.fixture
def built(store: Database) -> Database:
    """A deployment of two versions that needs no process: an image that somebody else runs."""
    rollouts = Rollouts(store, "ann")
    for version, canary in ((1, None), (2, 10)):
        rollouts.deploy(Wish(Registry(store).version(f"churn@{version}"), target="container", canary=canary))
        store.set_deployment_state("churn", "built")
    return store


def check(root: Path, text: str) -> dict:
    found = json.loads(text)
    jsonschema.validate(found, json.loads((root / "docs" / "schema" / "deploy.schema.json").read_text("utf-8")))
    return found


def test_nothing_is_deployed(run, store: Database, root: Path) -> None:
    assert "Nothing is deployed" in run("deploy", "list").out
    assert check(root, run("deploy", "list", "--format", "json").out)["deployments"] == []


def test_a_list_and_all_of_one(run, built: Database, root: Path) -> None:
    assert "version 1 90 %, version 2 canary 10 %" in run("deploy", "list").out
    check(root, run("deploy", "list", "--format", "json").out)
    shown = run("deploy", "show", "churn")
    assert shown.code == 0 and "ann" in shown.out and "canary" in shown.out
    data = check(root, run("deploy", "show", "churn", "--format", "json").out)
    assert [event["action"] for event in data["events"]] == ["canary", "deploy"]
    assert data["events"][0]["commit"] == "c0ffee" and data["events"][0]["dirty"] is False
    assert data["live"] is None


def test_promotion_asks_for_a_reason_and_rollback_does_not(run, built: Database, root: Path) -> None:
    refused = run("deploy", "promote", "churn")
    assert refused.code == 2 and "needs a reason" in refused.err and "--reason" in refused.err
    done = run("deploy", "promote", "churn", "--reason", "better recall")
    assert (done.code, done.out) == (0, "churn: version 2; before: version 1 90 %, version 2 canary 10 %\n")
    data = check(root, run("deploy", "rollback", "churn", "--format", "json").out)
    assert data["changed"] and [item["version"] for item in data["deployment"]["versions"]] == [1]
    assert "nothing to go back to" in run("deploy", "rollback", "churn").err


def test_code_that_was_not_committed_needs_force(run, built: Database) -> None:
    refused = run("deploy", "promote", "churn", "--version", "3", "--reason", "x")
    assert refused.code == 2 and "not committed" in refused.err and "--force" in refused.err
    forced = run("deploy", "promote", "churn", "--version", "3", "--reason", "x", "--force")
    assert forced.code == 0 and "note: churn/3 came from a working copy" in forced.err
    assert "(not committed)" in run("deploy", "show", "churn").out


def test_weights_stop_and_rm(run, built: Database, root: Path) -> None:
    assert "version 1 50 %, version 2 50 %" in run("deploy", "weights", "churn", "1=1,2=1").out
    assert "still" not in run("deploy", "stop", "churn").out
    assert run("deploy", "stop", "churn").out == "churn was stopped already.\n"
    assert check(root, run("deploy", "rm", "churn", "--format", "json").out)["removed"] == "churn"
    assert run("deploy", "show", "churn").code == 2


def test_models_that_are_deployed_are_not_removed(run, built: Database) -> None:
    for reference in ("churn/1", "churn"):
        refused = run("models", "rm", reference, "--yes", "--force")
        assert refused.code == 2 and "it is deployed as churn" in refused.err
    assert run("models", "rm", "churn/3", "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["deploy"], "Which model?"),
        (["deploy", "chrn@1"], 'no model "chrn"'),
        (["deploy", "churn@9"], "no version 9"),
        (["deploy", "churn@1", "--target", "kserv"], "Did you mean kserve?"),
        (["deploy", "churn@1", "--target", "kserve"], "that has to be said"),
        (["deploy", "churn@1", "--dry-run", "--apply"], "give one of them"),
        (["deploy", "churn@1", "--dry-run"], "takes no manifests"),
        (["deploy", "churn@1", "--canary", "10"], "could be the canary of"),
        (["deploy", "churn@1", "--weights", "1"], "no version with a weight"),
        (["deploy", "churn@1", "--name", "A B"], "can't be the name"),
        (["deploy", "churn@1", "--max-errors", "200"], "no percentage"),
        (["deploy", "churn@1", "--window", "10"], "at least 500"),
        (["deploy", "churn@1", "--port", "99999"], "no port"),
        (["deploy", "show", "nothing"], 'no deployment "nothing"'),
        (["deploy", "promote", "nothing", "--reason", "x"], 'no deployment "nothing"'),
        (["deploy", "try", "nothing"], 'no deployment "nothing"'),
    ],
)
def test_mistakes(run, store: Database, words: list[str], said: str) -> None:
    done = run(*words)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err
    assert store.deployments() == ()


@pytest.mark.parametrize(("rows", "said"), [("none.json", "can't be read"), ('{"instances": ', "no JSON")])
def test_rows_that_can_not_be_read(run, built: Database, rows: str, said: str) -> None:
    done = run("deploy", "try", "churn", rows)
    assert done.code == 2 and said in done.err


def test_what_is_no_process_can_not_be_asked(run, built: Database) -> None:
    done = run("deploy", "try", "churn")
    assert done.code == 2 and "churn can't be asked: it is built" in done.err


def test_monitoring_files(run, store: Database, tmp_path: Path) -> None:
    assert run("init", "monitoring").out.startswith("monitoring/jupyter-mlops-rules.yml: written\n")
    data = json.loads(run("init", "monitoring", "--format", "json").out)
    assert [item["status"] for item in data["files"]] == ["unchanged", "unchanged"]
    assert run("init", "monitoring", "--latency", "0").code == 2
