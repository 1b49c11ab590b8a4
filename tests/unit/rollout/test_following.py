"""A server that follows its deployment: canary, promotion, rollback, by hand and by itself, shadows, feedback."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from served_models import MOODY, NEWER, STEADY, Running, make_store

from jupyter_mlops.deploy.deployment import Options
from jupyter_mlops.deploy.guard import Guard
from jupyter_mlops.deploy.rollout import AUTOMATIC, Rollouts, Wish
from jupyter_mlops.deploy.status import read_status
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.store.database import Database
from jupyter_mlops.tracking.models import Registry

Start = Callable[..., Running]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("rollout"))


@pytest.fixture
def rollouts(store: Path) -> Iterator[Rollouts]:
    with Database(store / "mlops.db") as database:
        yield Rollouts(database, "ann")


@pytest.fixture
def deploy(store: Path, rollouts: Rollouts):
    """Deploy a version under the name of the test."""

    def deployed(version: int, name: str, **wish) -> int:
        with Database(store / "mlops.db") as database:
            found = Registry(database).version(f"churn@{version}")
        return rollouts.deploy(Wish(found, name, force=True, **wish)).deployment.revision

    return deployed


@pytest.fixture
def start(store: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def started(name: str) -> Running:
        running.append(Running(store, name, tmp_path / name))
        return running[-1]

    yield started
    for item in running:
        item.stop()


def versions(running: Running, count: int = 200) -> Counter:
    answers = [running.ask(f"id-{at}") for at in range(count)]
    assert {answer.status_code for answer in answers} == {200}
    return Counter(int(answer.json()["model_version"]) for answer in answers)


def test_from_a_canary_to_a_rollback_without_a_failed_request(
    start: Start, deploy, rollouts: Rollouts, tmp_path: Path
) -> None:
    deploy(STEADY, "story")
    running = start("story")
    failed: list[int] = []
    seen: Counter = Counter()
    done = threading.Event()

    def hammer() -> None:
        at = 0
        while not done.is_set():
            answer = running.ask(f"hammer-{at}")
            failed.extend([answer.status_code] if answer.status_code != 200 else [])
            seen[answer.json().get("model_version")] += 1
            at += 1

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        assert versions(running, 20) == {STEADY: 20}
        running.follows(deploy(NEWER, "story", canary=25))
        counts = versions(running)
        assert counts.keys() == {STEADY, NEWER} and 25 <= counts[NEWER] <= 80
        assert versions(running) == counts, "the same ids, the same versions"
        running.follows(rollouts.promote("story", version=None, reason="good", force=True).deployment.revision)
        assert versions(running, 20) == {NEWER: 20}
        assert running.app.host.versions("churn") == (NEWER, STEADY), "what a rollback needs stays loaded"
        running.follows(rollouts.roll_back("story").deployment.revision)
        assert versions(running, 20) == {STEADY: 20}
        assert running.app.host.versions("churn") == (STEADY,), "nothing else is needed"
    finally:
        done.set()
        thread.join(20)
    assert failed == [] and seen.keys() == {"1", "2"}
    running.stop()
    status = read_status(tmp_path / "story")
    assert status is not None and status.problem is None
    assert status.live.versions[0].version == STEADY and status.live.versions[0].total > 40


def test_a_canary_that_fails_is_taken_back_by_itself(start: Start, deploy, rollouts: Rollouts) -> None:
    deploy(STEADY, "harm", options=Options(Guard(max_errors=5, least=20, window=60)))
    running = start("harm")
    revision = deploy(MOODY, "harm", canary=50)
    running.follows(revision)
    answers = [running.ask(f"id-{at}", age=20.0) for at in range(100)]
    counted = Counter(answer.status_code for answer in answers)
    assert counted[200] > 0 and set(counted) == {200, 422}
    assert all("Traceback" not in answer.text for answer in answers)
    running.follows(revision + 1)
    assert running.app.deployment.traffic == Traffic.whole(STEADY)
    assert {running.ask(f"id-{at}", age=20.0).status_code for at in range(100)} == {200}
    event = rollouts.events("harm", 1)[0]
    assert (event.action, event.who) == ("rollback", AUTOMATIC)
    assert event.reason is not None and event.reason.startswith("version 3 was taken back: 100.0% of ")
    running.until(lambda: rollouts.deployment("harm").problem)
    assert "taken back" in (rollouts.deployment("harm").problem or "")


def test_a_promoted_version_is_on_trial_for_a_while(start: Start, deploy, rollouts: Rollouts) -> None:
    deploy(STEADY, "probation", options=Options(Guard(least=20)))
    running = start("probation")
    revision = deploy(MOODY, "probation", reason="newest")
    running.follows(revision)
    for at in range(30):
        running.ask(f"id-{at}", age=20.0)
    running.follows(revision + 1)
    assert running.app.deployment.traffic == Traffic.whole(STEADY)
    assert rollouts.events("probation", 1)[0].who == AUTOMATIC


def test_no_version_is_taken_back_where_nothing_was_before(start: Start, deploy, rollouts: Rollouts) -> None:
    deploy(MOODY, "first", options=Options(Guard(least=5)))
    running = start("first")
    for at in range(20):
        assert running.ask(f"id-{at}", age=20.0).status_code == 422
    running.clock.now += 2
    running.until(lambda: (found := read_status(running.app._folder)) and found.live.versions[0].failures == 1.0)
    assert len(rollouts.events("first")) == 1


def test_what_clients_send_wrong_takes_nothing_back(start: Start, deploy, rollouts: Rollouts) -> None:
    deploy(STEADY, "clients", options=Options(Guard(least=5)))
    running = start("clients")
    running.follows(deploy(NEWER, "clients", canary=50))
    for at in range(40):
        body = {"id": f"id-{at}", "inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
        assert running.http.post("/v2/models/churn/infer", json=body).status_code == 400
    running.clock.now += 2
    running.until(lambda: (found := read_status(running.app._folder)) and found.live.versions[1].errors.get("client"))
    assert rollouts.events("clients", 1)[0].action == "canary"


def test_shadows_are_compared_and_harm_nobody(start: Start, deploy, rollouts: Rollouts) -> None:
    deploy(STEADY, "shade", options=Options(Guard(least=5)))
    running = start("shade")
    running.follows(deploy(MOODY, "shade", shadow=True))
    assert {running.ask(f"low-{at}", age=-1.0).json()["model_version"] for at in range(10)} == {str(STEADY)}
    assert {running.ask(f"high-{at}", age=20.0).status_code for at in range(10)} == {200}
    running.until(lambda: running.app.live().versions[1].total == 20)
    shadow = running.app.live().versions[1]
    assert (shadow.role, shadow.weight, shadow.errors) == ("shadow", 0, {"model": 10})
    assert shadow.accuracy.agreement == 1.0 and shadow.accuracy.compared == 10
    assert rollouts.events("shade", 1)[0].action == "shadow"


def test_a_version_that_can_not_be_loaded_changes_nothing(
    start: Start, deploy, rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(STEADY, "broken")
    running = start("broken")
    source, load = running.app.host.source, running.app.host.source.bundle

    def bundle(model: str, version: int):
        if version == NEWER:
            raise RuntimeError("the pickle is of another world")
        return load(model, version)

    monkeypatch.setattr(source, "bundle", bundle)
    revision = deploy(NEWER, "broken", reason="newer")
    running.until(lambda: (found := read_status(running.app._folder)) and found.revision == revision)
    status = read_status(running.app._folder)
    assert status is not None and "version 2 can't be loaded" in (status.problem or "")
    assert versions(running, 10) == {STEADY: 10}
    running.follows(rollouts.roll_back("broken").deployment.revision)
    running.until(lambda: rollouts.deployment("broken").problem is None)


def test_labels_come_by_the_requests_id(start: Start, deploy) -> None:
    deploy(STEADY, "labels")
    running = start("labels")
    said = running.ask("one", rows=2).json()["outputs"][0]["data"]
    answer = running.http.post("/feedback", json={"id": "one", "labels": [said[0], 1 - said[1]]})
    assert answer.json() == {"joined": 1, "unknown": [], "wrong": []}
    running.ask("two")
    many = {"feedback": [{"id": "two", "labels": [1, 2]}, {"id": "nobody", "label": 1}]}
    found = running.http.post("/feedback", json=many).json()
    assert (found["joined"], found["unknown"], found["wrong"][0]["id"]) == (0, ["nobody"], "two")
    live = running.http.get("/deployment").json()["live"]
    assert live["versions"][0]["accuracy"]["accuracy"] == 0.5 and live["unknown"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", None),
        (b"5", "feedback"),
        (b"[]", "feedback"),
        (b'{"labels": [1]}', "id"),
        (b'{"id": 3, "labels": [1]}', "id"),
        (b'{"id": "a"}', "labels"),
        (b'{"id": "a", "labels": {}}', "labels"),
    ],
)
def test_feedback_that_makes_no_sense_is_told(start: Start, deploy, body: bytes, field: str | None) -> None:
    deploy(STEADY, "nonsense")
    answer = start("nonsense").http.post("/feedback", content=body)
    assert answer.status_code == 400 and answer.json()["error"]
    assert answer.json().get("field") == field


def test_drift_is_told_to_prometheus_and_its_rows_are_kept(start: Start, deploy) -> None:
    deploy(STEADY, "drifting")
    running = start("drifting")
    running.ask("many", age=4.0, rows=600)
    page = running.http.get("/metrics").text
    line = next(line for line in page.splitlines() if line.startswith("mlops_drift_psi{") and 'feature="age"' in line)
    assert float(line.rpartition(" ")[2]) > 1
    assert 'mlops_traffic_percent{model="churn",role="stable",version="1"} 100.0' in page
    assert (running.app._folder / "window-1.csv").read_text("utf-8").startswith("age,income\n4.0,0.5\n")
