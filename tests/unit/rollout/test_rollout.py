"""Canary, promotion, shadow, weights, rollback: what comes next, and what is on record of it."""

from __future__ import annotations

import pytest

from jupyter_mlops.deploy.deployment import Options
from jupyter_mlops.deploy.guard import Guard
from jupyter_mlops.deploy.rollout import Changed, Reason, Rollouts, Wish
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.tracking.models import Registry


@pytest.fixture
def rollouts(database: Database, register) -> Rollouts:
    for _ in range(3):
        register()
    return Rollouts(database, "ann")


def deploy(rollouts: Rollouts, database: Database, reference: str = "churn@1", **wish) -> Changed:
    return rollouts.deploy(Wish(Registry(database).version(reference), **wish))


def test_from_the_first_version_to_a_rollback(rollouts: Rollouts, database: Database) -> None:
    first = deploy(rollouts, database)
    assert first.changed and first.before is None
    assert (first.deployment.name, first.deployment.target, first.deployment.state) == ("churn", "local", "starting")
    database.set_deployment_state("churn", "running", endpoint="http://127.0.0.1:8000")
    canary = deploy(rollouts, database, "churn@2", canary=10).deployment
    assert str(canary.traffic) == "version 1 90 %, version 2 canary 10 %" and canary.state == "running"
    with pytest.raises(Reason, match=r"Promoting churn@2 needs a reason"):
        rollouts.promote("churn", version=None, reason="  ", force=False)
    promoted = rollouts.promote("churn", version=None, reason="better recall", force=False)
    assert promoted.deployment.traffic == Traffic.whole(2)
    back = rollouts.roll_back("churn", reason="complaints")
    assert back.deployment.traffic == Traffic.whole(1) and back.before == Traffic.whole(2)

    told = [(item.action, item.who, item.reason, item.version) for item in rollouts.events("churn")]
    assert told == [
        ("rollback", "ann", "complaints", 1),
        ("promote", "ann", "better recall", 2),
        ("canary", "ann", None, 2),
        ("deploy", "ann", None, 1),
    ]
    newest = rollouts.events("churn", 1)[0]
    assert (newest.before, newest.after) == (Traffic.whole(2).shares, Traffic.whole(1).shares)
    assert (newest.commit, newest.dirty, newest.model) == ("c0ffee", False, "churn")
    assert newest.run_id == Registry(database).version("churn@1").run_id


def test_a_rollback_takes_the_canary_away_however_often_it_grew(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    deploy(rollouts, database, "churn@2", canary=10)
    deploy(rollouts, database, "churn@2", canary=50)
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(1)


def test_rollbacks_go_further_back_and_not_to_and_fro(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    for version in (2, 3):
        deploy(rollouts, database, f"churn@{version}", reason="newer")
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(2)
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(1)
    with pytest.raises(UsageError, match="nothing to go back to"):
        rollouts.roll_back("churn")
    assert rollouts.roll_back("churn", to=3).deployment.traffic == Traffic.whole(3)


def test_a_rollback_passes_over_versions_that_are_gone(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    for version in (2, 3):
        deploy(rollouts, database, f"churn@{version}", reason="newer")
    database.delete_model("churn", 2)
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(1)


def test_what_replaces_another_version_needs_a_reason(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    with pytest.raises(Reason):
        deploy(rollouts, database, "churn@2")
    assert rollouts.deployment("churn").traffic == Traffic.whole(1)
    assert deploy(rollouts, database, "churn@2", reason="newer").deployment.traffic == Traffic.whole(2)


def test_code_that_was_not_committed_is_not_promoted_unless_forced(database: Database, register) -> None:
    rollouts = Rollouts(database, "ann")
    register()
    register(diff="diff --git a/churn.ipynb b/churn.ipynb\n")
    deploy(rollouts, database)
    noted = deploy(rollouts, database, "churn@2", canary=10)
    assert "not committed" in noted.notes[0]
    with pytest.raises(UsageError, match="not committed") as refused:
        rollouts.promote("churn", version=None, reason="better", force=False)
    assert "--force" in (refused.value.hint or "")
    with pytest.raises(UsageError, match="not committed"):
        rollouts.set_weights("churn", {2: 100}, reason="better")
    with pytest.raises(UsageError, match="not committed"):
        deploy(rollouts, database, "churn@2", reason="better")
    done = rollouts.promote("churn", version=None, reason="better", force=True)
    assert done.deployment.traffic == Traffic.whole(2) and "not committed" in done.notes[0]
    assert rollouts.events("churn")[0].dirty is True


def test_code_of_which_nobody_knows_is_promoted_with_a_note(database: Database, register) -> None:
    rollouts = Rollouts(database, "ann")
    register()
    register(diff="# not known: git failed\n")
    register(diff=None, commit=None)
    deploy(rollouts, database)
    assert "Nobody knows" in deploy(rollouts, database, "churn@2", reason="b").notes[0]
    assert deploy(rollouts, database, "churn@3", reason="c").notes == ()


def test_a_shadow_is_promoted_like_a_canary(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    shadow = deploy(rollouts, database, "churn@2", shadow=True).deployment.traffic
    assert shadow.shadows == (2,) and str(shadow) == "version 1 100 %, version 2 shadow"
    assert rollouts.promote("churn", version=None, reason="agrees", force=False).deployment.traffic == Traffic.whole(2)


def test_weights_for_two_versions_and_back(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    both = rollouts.set_weights("churn", {1: 1, 2: 1})
    assert both.deployment.traffic == Traffic.weighted({1: 50, 2: 50})
    with pytest.raises(UsageError, match="no canary"):
        rollouts.promote("churn", version=None, reason="x", force=False)
    with pytest.raises(Reason):
        rollouts.set_weights("churn", {2: 100})
    with pytest.raises(UsageError, match="no version 9"):
        rollouts.set_weights("churn", {1: 1, 9: 1})
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(1)


def test_what_is_so_already_is_no_change(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    again = deploy(rollouts, database)
    assert not again.changed and len(rollouts.events("churn")) == 1
    guarded = deploy(rollouts, database, options=Options(Guard(max_latency=200)))
    assert guarded.changed and guarded.deployment.options.guard.max_latency == 200
    assert deploy(rollouts, database).deployment.options.guard.max_latency == 200, "options stay until others are given"


def test_a_stopped_deployment_starts_again_and_remembers(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    deploy(rollouts, database, "churn@2", reason="newer")
    assert rollouts.stopped("churn").state == "stopped"
    again = deploy(rollouts, database, "churn@2")
    assert again.changed and again.deployment.state == "starting"
    assert rollouts.roll_back("churn").deployment.traffic == Traffic.whole(1)


def test_two_who_change_at_once_are_told(rollouts: Rollouts, database: Database) -> None:
    first = deploy(rollouts, database).deployment
    deploy(rollouts, database, "churn@2", reason="newer")
    with pytest.raises(UsageError, match="changed meanwhile"):
        rollouts.roll_back("churn", expected=first.revision)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"canary": 10}, "could be the canary of"),
        ({"shadow": True}, "could be the shadow of"),
        ({"canary": 10, "shadow": True}, "give one of them"),
        ({"name": "Churn EU"}, "can't be the name"),
        ({"name": "../x"}, "can't be the name"),
    ],
)
def test_wishes_that_make_no_sense(rollouts: Rollouts, database: Database, wish: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        deploy(rollouts, database, **wish)
    assert rollouts.deployments() == ()


def test_a_name_belongs_to_one_model_and_one_target(rollouts: Rollouts, database: Database, register) -> None:
    register("price")
    deploy(rollouts, database)
    with pytest.raises(UsageError, match="of the model churn"):
        deploy(rollouts, database, "price@1", name="churn", reason="x")
    with pytest.raises(UsageError, match="deployed to local"):
        deploy(rollouts, database, "churn@1", target="kserve")
    assert deploy(rollouts, database, "price@1", name="churn-eu").deployment.model == "price"


def test_a_name_that_is_not_there_is_guessed(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    with pytest.raises(UsageError) as missing:
        rollouts.deployment("chrun")
    assert missing.value.hint == "Did you mean churn?"


def test_what_was_done_stays_when_the_deployment_is_gone(rollouts: Rollouts, database: Database) -> None:
    deploy(rollouts, database)
    assert database.forget_deployment("churn")
    assert [event.action for event in rollouts.events("churn")] == ["deploy"]
    deploy(rollouts, database)
    assert [event.number for event in rollouts.events("churn")] == [2, 1]
