from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.connection import Duplicate
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.deployments import Change, Share
from jupyter_mlops.store.records import ArtifactRecord, NewRun, StepOutcome

FIRST = Change("churn", "churn", "local", "deploy", (Share(1, 100),), "ann", None, version=1, options={"port": 8080})


@pytest.fixture
def database(tmp_path: Path):
    with Database(tmp_path / "mlops.db") as opened:
        for number in range(2):
            run = opened.create_run(NewRun("churn", [("train", "train")]))
            made = ArtifactRecord("train.forest", "value", ("forest",), f"{number:064x}", 10)
            opened.finish_step(run.run_id, "train", StepOutcome("succeeded", outputs=[made]))
            opened.register_model("churn", run_id=run.run_id, step="train", artifact="train.forest", member="forest")
        yield opened


def test_a_change_and_its_event_are_one(database: Database) -> None:
    first = database.change_deployment(FIRST)
    assert (first.revision, first.change, first.state, first.options) == (1, 1, "starting", {"port": 8080})
    both = (Share(1, 90), Share(2, 10, "canary"))
    canary = replace(FIRST, action="canary", shares=both, expected=1, version=2, options=None, dirty=True)
    second = database.change_deployment(canary)
    assert (second.revision, second.shares, second.options) == (2, both, {"port": 8080})
    event = database.deployment_events("churn")[0]
    assert (event.number, event.follows, event.before, event.after) == (2, 1, FIRST.shares, both)
    assert (event.who, event.version, event.dirty) == ("ann", 2, True)
    assert database.deployments_of_version("churn", 2) == ("churn",)
    assert database.deployments_of_version("churn", 3) == () and database.deployments_of_version("other") == ()


def test_a_change_that_was_thought_out_for_something_else_is_refused(database: Database) -> None:
    database.change_deployment(FIRST)
    for expected in (None, 0, 7):
        with pytest.raises(UsageError, match="changed by somebody else"):
            database.change_deployment(replace(FIRST, expected=expected))
    assert len(database.deployment_events("churn")) == 1


def test_a_version_that_is_deployed_can_not_go(database: Database) -> None:
    database.change_deployment(FIRST)
    with pytest.raises(Duplicate):
        database.delete_model("churn", 1)
    assert database.delete_model("churn", 2)
    assert database.forget_deployment("churn") and not database.forget_deployment("churn")
    assert database.delete_model("churn", 1)
    assert [event.action for event in database.deployment_events("churn")] == ["deploy"], "what was done stays"


def test_how_it_stands_is_told_by_the_process_on_record_alone(database: Database) -> None:
    database.change_deployment(FIRST)
    database.set_deployment_process("churn", host="here", pid=7, pid_started=1.5)
    assert not database.set_deployment_state("churn", "running", endpoint="http://a", pid=8)
    assert database.set_deployment_state("churn", "running", endpoint="http://a", pid=7)
    found = database.deployment("churn")
    assert found is not None and (found.state, found.endpoint, found.pid, found.revision) == (
        "running",
        "http://a",
        7,
        1,
    )
    assert database.set_deployment_state("churn", "failed", problem="it broke")
    found = database.deployment("churn")
    assert found is not None and (found.state, found.endpoint, found.problem) == ("failed", "http://a", "it broke")
