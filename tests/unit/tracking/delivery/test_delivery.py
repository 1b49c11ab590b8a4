"""The outbox: what waits, who empties it, and what happens when a tracker is away."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.connection import Connection
from jupyter_mlops.store.lockfiles import lock
from jupyter_mlops.store.records import Addressee, Delivery, NewRun
from jupyter_mlops.tracking import delivery as delivery_module
from jupyter_mlops.tracking.delivery import deliver, main
from jupyter_mlops.tracking.handover import WAIT_VARIABLE, hand_over, hand_over_model
from jupyter_mlops.tracking.trackers import RejectedError, UnreachableError, addressees, open_tracker

HERE = Addressee("mlflow", "http://here", {"experiment": "x"})
THERE = Addressee("mlflow", "http://there")


class Tracker:
    """Takes what it is given, or raises."""

    def __init__(self, *problems: Exception | None) -> None:
        self.problems = list(problems)
        self.got: list[str] = []
        self.opened = 0

    def __call__(self, to: Addressee, environ: Any) -> Tracker:
        self.opened += 1
        return self

    def deliver_run(self, parcel: Any) -> None:
        problem = self.problems.pop(0) if self.problems else None
        if problem is not None:
            raise problem
        self.got.append(parcel.run.run_id)

    def deliver_model(self, parcel: Any) -> None:
        self.got.append(parcel.name)


def test_a_run_waits_from_its_beginning_and_is_ready_at_its_end(books: Any) -> None:
    run_id = books.database.create_run(NewRun("p", (("a", "A"),), addressees=(HERE,))).run_id
    assert books.database.deliveries() == ()
    books.database.finish_run(run_id, "succeeded")
    (found,) = books.database.deliveries()
    assert (found.to, found.kind, found.subject, found.attempts, found.error) == (HERE, "run", run_id, 0, None)
    tracker = Tracker()
    assert deliver(books.database, books.home, {}, connect=tracker).exit_code == 0
    assert tracker.got == [run_id] and books.database.deliveries() == ()
    assert deliver(books.database, books.home, {}, connect=tracker).delivered == () and tracker.opened == 1


def test_what_changes_while_it_is_delivered_is_delivered_again(books: Any) -> None:
    run_id = books.run(HERE)
    books.register("churn", run_id, "load", "load.frame", versions=1, aliases={})
    books.database.queue_delivery(HERE, "model", "churn")
    tracker = Tracker()
    sent = tracker.deliver_model

    def change(parcel: Any) -> None:
        if "churn" not in tracker.got:
            books.database.queue_delivery(HERE, "model", "churn")
        sent(parcel)

    tracker.deliver_model = change  # type: ignore[method-assign]
    deliver(books.database, books.home, {}, connect=tracker)
    # The run of a version goes first, each time.
    assert tracker.got == [run_id, run_id, "churn", run_id, "churn"]
    assert books.database.deliveries() == ()


def test_a_tracker_that_is_away_is_asked_once_and_others_are_served(books: Any) -> None:
    runs = [books.run(HERE, steps=False) for _ in range(3)]
    other = books.run(THERE, steps=False)
    away, there = Tracker(UnreachableError("nobody is in")), Tracker()

    def connect(to: Addressee, environ: Any) -> Tracker:
        return (away if to.target == HERE.target else there)(to, environ)

    done = deliver(books.database, books.home, {}, connect=connect)
    assert [item.subject for item in done.delivered] == [other] and done.exit_code == 4
    assert [(item.subject, item.error, item.attempts) for item in done.waiting] == [
        (run_id, "nobody is in", 0) for run_id in runs
    ]
    assert away.opened == 1 and there.got == [other]
    done = deliver(books.database, books.home, {}, only_due=True, connect=connect)
    assert away.got == runs and done.waiting == ()


def test_a_run_that_is_rejected_holds_up_nobody_and_is_tried_less_and_less_often(books: Any) -> None:
    bad, good = books.run(HERE, steps=False), books.run(HERE, steps=False)
    tracker = Tracker(RejectedError("too long"), None, RejectedError("still too long"))
    done = deliver(books.database, books.home, {}, connect=tracker)
    assert tracker.got == [good] and [item.error for item in done.waiting] == ["too long"]
    assert deliver(books.database, books.home, {}, only_due=True, connect=tracker).waiting[0].attempts == 1
    first = books.database.deliveries()[0].due
    assert first > time.time() * 1000
    deliver(books.database, books.home, {}, connect=tracker)
    (item,) = books.database.deliveries()
    assert (item.attempts, item.error) == (2, "still too long") and item.due > first
    deliver(books.database, books.home, {}, connect=tracker)
    assert tracker.got == [good, bad]


def test_variables_that_a_tracker_sets_for_itself_are_put_back(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    books.run(HERE, steps=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)

    def connect(to: Addressee, environ: Any) -> Tracker:
        os.environ.update({"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_ALLOW_FILE_STORE": "true"})
        return Tracker()

    assert len(deliver(books.database, books.home, {}, connect=connect).delivered) == 1
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7" and "MLFLOW_ALLOW_FILE_STORE" not in os.environ


def test_runs_that_are_gone_leave_the_outbox(books: Any) -> None:
    run_id = books.run(HERE, steps=False)
    books.database.delete_run(run_id)
    tracker = Tracker()
    deliver(books.database, books.home, {}, connect=tracker)
    assert tracker.got == [] and books.database.deliveries() == ()


def _hold(folder: Path, names: list[str], ready: Any, done: Any) -> None:
    held = [lock(folder / "locks" / name) for name in names]
    ready.set()
    done.wait(30)
    assert None not in held


@pytest.mark.parametrize("names", [["outbox"], ["outbox-next"]])
def test_two_never_deliver_at_once(books: Any, names: list[str]) -> None:
    books.run(HERE, steps=False)
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(books.home.root, names, ready, done))
    process.start()
    try:
        assert ready.wait(30)
        tracker = Tracker()
        result = deliver(books.database, books.home, {}, connect=tracker)
        assert result.busy and len(result.waiting) == 1 and tracker.got == [] and result.exit_code == 0
    finally:
        done.set()
        process.join(30)
    assert not deliver(books.database, books.home, {}, connect=tracker).busy and len(tracker.got) == 1


def test_the_process_that_nobody_watches_tries_again(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = books.run(HERE, steps=False)
    tracker = Tracker(UnreachableError("away"), UnreachableError("away"))
    monkeypatch.setattr(delivery_module, "_AGAIN", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(delivery_module.deliver, "__kwdefaults__", {**deliver.__kwdefaults__, "connect": tracker})
    monkeypatch.setattr(delivery_module.os, "nice", lambda _: 0)
    assert main([str(books.home.root), "once"]) == 0
    assert tracker.opened == 1
    assert main([str(books.home.root)]) == 0
    assert tracker.got == [run_id] and tracker.opened == 3
    assert main([str(books.home.root / "nowhere")]) == 0


# --- the end of a run -------------------------------------------------------------------------------------------------


def _result(run_id: str, books: Any) -> RunResult:
    return RunResult(run_id, "succeeded", 1.0, (), None, books.home.run(run_id))


def test_a_run_says_what_could_not_be_delivered(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    monkeypatch.setattr("jupyter_mlops.tracking.handover._start", lambda home, wait: started.append(wait))
    run_id = books.run(steps=False)
    assert hand_over(_result(run_id, books), books.home.root, {}).notes == () and started == []
    run_id = books.run(HERE, steps=False)
    assert hand_over(_result(run_id, books), books.home.root, {}).notes == () and started == [0.0]
    books.database.postpone_all(HERE, "nobody is in")
    (note,) = hand_over(_result(run_id, books), books.home.root, {"CI": "true"}).notes
    assert note.startswith("1 run waits for http://here: nobody is in. `jupyter mlops sync`") and started[-1] == 30
    hand_over(_result(run_id, books), books.home.root, {"CI": "true", WAIT_VARIABLE: "2.5"})
    assert started[-1] == 2.5
    notes = hand_over(_result(run_id, books), books.home.root, {WAIT_VARIABLE: "soon"}).notes
    assert "'soon'" in notes[0] and started[-1] == 0


def test_a_model_is_handed_over_to_whom_the_environment_names(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    monkeypatch.setattr("jupyter_mlops.tracking.handover._start", lambda home, wait: started.append(wait))
    books.register("churn", books.run(steps=False), "load", "load.frame", versions=1, aliases={})
    hand_over_model(books.database, books.home, "churn", {}, books.home.root)
    assert books.database.deliveries() == () and started == []
    hand_over_model(books.database, books.home, "churn", {"MLFLOW_TRACKING_URI": "http://here"}, books.home.root)
    assert [(item.kind, item.subject) for item in books.database.deliveries()] == [("model", "churn")]
    assert started == [0.0]


def test_a_damaged_store_does_not_make_a_run_fail(books: Any) -> None:
    result = _result("r", books)
    (books.home.root / "broken").mkdir()
    (books.home.root / "broken" / "mlops.db").write_bytes(b"no database" * 100)
    assert hand_over(result, books.home.root / "broken", {}) == result


# --- who is told ------------------------------------------------------------------------------------------------------


def test_addresses(tmp_path: Path) -> None:
    def target(uri: str, **more: str) -> Addressee:
        (found,) = addressees({"MLFLOW_TRACKING_URI": uri, **more}, tmp_path)
        return found

    assert addressees({}, tmp_path) == addressees({"MLFLOW_TRACKING_URI": " "}, tmp_path) == ()
    assert target("https://ada:pw@host:5000/x").target == "https://host:5000/x"
    assert target("sqlite:///some.db").target == f"sqlite:///{tmp_path}/some.db"
    assert target("sqlite:////some.db").target == "sqlite:////some.db"
    assert target("mlruns").target == (tmp_path / "mlruns").as_uri()
    assert target("databricks://profile").target == "databricks://profile"
    more = {"MLFLOW_EXPERIMENT_NAME": "winter", "MLFLOW_RUN_ID": "abc"}
    assert target("http://here", **more).options == {"experiment": "winter", "parent": "abc"}


def test_nobody_is_told_without_mlflow(tmp_path: Path, books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    environ = {"MLFLOW_TRACKING_URI": "http://here"}
    assert addressees(environ, tmp_path) == ()
    (note,) = hand_over(_result(books.run(steps=False), books), books.home.root, environ).notes
    assert "pip install 'jupyter-mlops[mlflow]'" in note


def test_a_dead_port_is_noticed_without_importing_mlflow() -> None:
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match=r"nobody answers at 127\.0\.0\.1"):
        open_tracker(Addressee("mlflow", "http://127.0.0.1:9"), {})
    assert time.monotonic() - begun < 5
    with pytest.raises(UnreachableError, match="smoke"):
        open_tracker(Addressee("smoke", "signals"), {})


# --- storing ----------------------------------------------------------------------------------------------------------


def test_an_older_store_gets_an_outbox(books: Any) -> None:
    books.database.close()
    connection = Connection(books.home.database)
    with connection.transaction():
        columns = connection.rows("PRAGMA table_info(outbox)")
    assert {row["name"] for row in columns} >= {"tracker", "target", "kind", "subject", "revision"}
    connection.close()


def test_clean_up_spares_what_waits(books: Any) -> None:
    waits, *others = (books.run(*to, steps=False) for to in ((HERE,), (), ()))
    for run_id in (waits, *others):
        books.database.set_tag(run_id, "team", None)
    assert "still to be delivered" in (dict(books.database.unwanted(1, None))[waits] or "")
    assert not books.database.may_be_forgotten(waits)
    deliver(books.database, books.home, {}, connect=Tracker())
    assert dict(books.database.unwanted(1, None))[waits] is None and books.database.may_be_forgotten(waits)


def test_forgetting(books: Any) -> None:
    runs = {books.run(HERE, steps=False), books.run(THERE, steps=False)}
    forgotten = books.database.forget_deliveries()
    assert {item.subject for item in forgotten} == runs and books.database.deliveries() == ()


def test_queueing_in_a_store_that_may_only_be_read(books: Any) -> None:
    from jupyter_mlops.store.database import Database

    books.run(HERE, steps=False)
    with Database(books.home.database, read_only=True) as database:
        (item,) = database.deliveries()
        assert isinstance(item, Delivery) and replace(item, attempts=1).attempts == 1
        with pytest.raises(UsageError):
            database.has_delivered(item)
    assert json.dumps(item.to.options) == '{"experiment": "x"}'
