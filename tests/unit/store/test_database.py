import json
import math
import re
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store import database as database_module
from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.ids import new_run_id
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, NewRun, StepOutcome

STEPS = (("load", "Load data"), ("train", "Train"), ("report", "Report"))


@pytest.fixture
def database(tmp_path: Path):
    with Database(tmp_path / "mlops.db") as opened:
        yield opened


def artifact(name: str, content: bytes, **more: object) -> ArtifactRecord:
    values = {"kind": "value", "names": (name,), "bytes": len(content), "type": "numpy.ndarray", "serializer": "numpy"}
    return ArtifactRecord(id=f"load.{name}", digest=hash_bytes(content), **(values | more))  # type: ignore[arg-type]


def test_run_ids_sort_by_time_and_differ() -> None:
    assert re.fullmatch(r"20010909-014640-[a-z]+-[a-z]+-[0-9a-f]{4}", new_run_id(1e9))
    assert new_run_id(1e9) < new_run_id(1e9 + 1)
    assert len({new_run_id(1e9) for _ in range(200)}) > 190


def test_the_life_of_a_run(database: Database) -> None:
    new = NewRun(
        "churn",
        STEPS,
        parameters={"rate": 0.1, "trees": 100, "kind": "rf", "bag": [1, None], "limit": math.inf, "on": True},
        parameter_sources={"rate": "-p"},
        notebook="nb/churn.ipynb",
        commit="abc123",
        tags={"team": "ü"},
        documents={"pipeline": '{"schema": 1}'},
        experiments=("spring", "spring"),
    )
    run = database.create_run(new)
    assert (run.status, run.finished, run.trigger, run.backend) == ("running", None, "hand", "local")
    assert dict(run.parameters) == new.parameters
    assert run.parameter_sources == {"rate": "-p"} and run.tags == {"team": "ü"} and run.commit == "abc123"
    assert run.host and run.pid
    assert database.experiments_of(run.run_id) == ("spring",)
    assert [(step.slug, step.name, step.status) for step in database.steps_of(run.run_id)] == [
        (slug, name, "queued") for slug, name in STEPS
    ]

    frame = artifact("frame", b"frame", preview="3 rows", schema={"columns": ["a"]}, members={"frame": {"type": "x"}})
    source = ArtifactRecord("file:data.csv", "file", ("data.csv",), hash_bytes(b"csv"), 3)
    database.start_step(run.run_id, "load", kernel="cold")
    database.finish_step(
        run.run_id, "load", StepOutcome("succeeded", 1.5, cache_key="k1", inputs=[source], outputs=[frame])
    )
    failure = FailureRecord("ValueError", "no", "cell-2", 3, "Traceback …")
    database.start_step(run.run_id, "train")
    database.finish_step(
        run.run_id,
        "train",
        StepOutcome("failed", error=failure, inputs=[frame], metrics=[MetricRecord("accuracy", 0.5)]),
    )
    database.finish_run(run.run_id, "failed", seconds=2.5)

    done = database.run(run.run_id)
    assert (done.status, done.seconds, done.metrics) == ("failed", 2.5, {"accuracy": 0.5})
    load, train, report = database.steps_of(run.run_id)
    assert (load.status, load.seconds, load.kernel, load.attempts, load.error) == ("succeeded", 1.5, "cold", 1, None)
    assert train.error == failure and train.seconds is not None and train.seconds >= 0
    assert report.status == "cancelled", "a step that never ended is cancelled with its run"
    (made,) = database.artifacts_of(run.run_id)
    assert made == ArtifactRecord(
        **{**{f: getattr(frame, f) for f in frame.__slots__}, "run_id": run.run_id, "step": "load"}
    )
    assert [item.id for item in database.artifacts_of(run.run_id, "train", "in")] == ["load.frame"]
    assert database.document(run.run_id, "pipeline") == '{"schema": 1}'
    assert database.document(run.run_id, "nothing") is None and database.documents(run.run_id) == ("pipeline",)


def test_a_step_that_never_started_can_end(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    database.finish_step(
        run.run_id, "load", StepOutcome("reused", cached=True, reason="nothing changed", reused_from="other")
    )
    database.finish_step(run.run_id, "train", StepOutcome("skipped", reason="Load data failed"))
    load, train, _ = database.steps_of(run.run_id)
    assert (load.status, load.cached, load.reused_from, load.seconds, load.attempts) == ("reused", True, "other", 0, 0)
    assert (train.status, train.reason) == ("skipped", "Load data failed")


def test_results_are_recorded_whole_or_not_at_all(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    database.start_step(run.run_id, "load")
    broken = MetricRecord("accuracy", "high")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="high"):
        database.finish_step(
            run.run_id,
            "load",
            StepOutcome("succeeded", cache_key="k", outputs=[artifact("x", b"x")], metrics=[broken]),
        )
    assert database.steps_of(run.run_id)[0].status == "running"
    assert database.artifacts_of(run.run_id) == () and database.reusable("k") is None
    with pytest.raises(KeyError), database.transaction():
        database.set_note(run.run_id, "written")
        raise KeyError
    assert database.run(run.run_id).note is None


def test_what_does_not_exist_is_refused(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    for call in (
        lambda: database.start_step(run.run_id, "nope"),
        lambda: database.finish_step(run.run_id, "nope", StepOutcome("failed")),
        lambda: database.finish_run("nope", "failed"),
        lambda: database.set_note("nope", ""),
        lambda: database.delete_run("nope"),
        lambda: database.create_run(NewRun("p", (("a", "A"), ("a", "B")))),
    ):
        with pytest.raises(UsageError):
            call()
    with pytest.raises(ValueError, match="running"):
        database.finish_run(run.run_id, "running")
    assert database.count_runs() == 1


def test_reuse_finds_the_newest_good_result(database: Database) -> None:
    ids = []
    for status, content in (("succeeded", b"1"), ("succeeded", b"2"), ("failed", b"3")):
        run = database.create_run(NewRun("p", STEPS))
        time.sleep(0.002)
        database.finish_step(
            run.run_id, "load", StepOutcome(status, 2.0, cache_key="key", outputs=[artifact("x", content)])
        )
        ids.append(run.run_id)
    found = database.reusable("key")
    assert found is not None and found.run_id == ids[1]
    assert database.artifacts_of(found.run_id, found.slug)[0].digest == hash_bytes(b"2")
    assert database.reusable("other") is None
    assert database.durations("p") == {"load": 2.0} and database.durations("q") == {}


def test_look_ups_in_both_directions(database: Database) -> None:
    shared = artifact("x", b"shared")
    runs = [database.create_run(NewRun("p", STEPS)).run_id for _ in range(2)]
    for run_id in runs:
        database.finish_step(run_id, "load", StepOutcome("succeeded", outputs=[shared]))
        database.finish_step(run_id, "train", StepOutcome("succeeded", inputs=[shared]))
    made, used = database.producers(shared.digest), database.consumers(shared.digest)
    assert {(event.run_id, event.step, event.direction) for event in made} == {(run, "load", "out") for run in runs}
    assert {(event.run_id, event.step, event.direction) for event in used} == {(run, "train", "in") for run in runs}
    assert made[0].artifact.names == ("x",) and made[0].pipeline == "p"
    assert len(database.producers(shared.digest, limit=1)) == 1
    assert database.digest(shared.digest[:8].upper()) == shared.digest
    with pytest.raises(UsageError, match="No artifact"):
        database.digest("zz")


def test_equal_bytes_of_another_kind_stay_apart(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    value = artifact("x", b"npy")
    file = ArtifactRecord("load.x.npy", "file", ("x.npy",), value.digest, 3)
    database.finish_step(run.run_id, "load", StepOutcome("succeeded", outputs=[value, file]))
    assert {(item.kind, item.type) for item in database.artifacts_of(run.run_id)} == {
        ("value", "numpy.ndarray"),
        ("file", None),
    }


def test_metrics_keep_their_history_and_odd_values(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    losses = [MetricRecord("loss", 1 / (n + 1), iteration=n, time=1000 + n) for n in range(10_000)]
    odd = [MetricRecord("nan", math.nan), MetricRecord("inf", -math.inf)]
    database.finish_step(run.run_id, "train", StepOutcome("succeeded", metrics=[*losses, *odd]))
    database.record_metrics(run.run_id, [MetricRecord("loss", 7.0, step="train", iteration=10_000)])
    history = database.metrics_of(run.run_id, "loss")
    assert [item.iteration for item in history] == list(range(10_001))
    assert history[3] == MetricRecord("loss", 0.25, "train", 3, 1003)
    assert {item.name for item in database.metrics_of(run.run_id, step="train")} == {"loss", "nan", "inf"}
    metrics = database.run(run.run_id).metrics
    assert metrics["loss"] == 7.0 and math.isnan(metrics["nan"]) and metrics["inf"] == -math.inf


def test_the_later_step_on_the_page_has_the_last_word_on_a_metric(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS))
    for step, value in (("report", 0.9), ("train", 0.8), ("load", 0.7)):
        database.finish_step(run.run_id, step, StepOutcome("succeeded", metrics=[MetricRecord("accuracy", value)]))
    assert database.run(run.run_id).metrics == {"accuracy": 0.9}
    database.record_metrics(run.run_id, [MetricRecord("accuracy", 0.95)])
    assert database.run(run.run_id).metrics == {"accuracy": 0.95}


def test_runs_are_found_by_the_beginning_of_their_id_or_its_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ["20260101-000000-brisk-otter-0001", "20260101-000009-calm-owl-0002", "20260202-000000-calm-elk-0003"]
    waiting = [ids[0], *ids]  # the first name is drawn twice
    monkeypatch.setattr(database_module, "new_run_id", lambda: waiting.pop(0))
    for moment in range(3):
        monkeypatch.setattr(database_module, "_now", lambda moment=moment: moment)
        database.create_run(NewRun("p"))
    assert database.run_id(ids[0]) == ids[0]
    assert database.run_id("202602") == ids[2]
    assert database.run_id("brisk") == ids[0] and database.run_id("Calm-Elk") == ids[2]
    assert database.run_id("latest") == ids[2]
    with pytest.raises(UsageError, match=r"More than one run.*calm-owl.*brisk-otter"):
        database.run("20260101")
    with pytest.raises(UsageError, match="More than one"):
        database.run("calm")
    for nothing in ("2027", "", "%", "otter' OR 1=1 --", "_"):
        with pytest.raises(UsageError, match="no run"):
            database.run(nothing)


def test_an_id_that_begins_like_a_longer_one_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = ["a-1", "a-12"]
    monkeypatch.setattr(database_module, "new_run_id", lambda: waiting.pop(0))
    database.create_run(NewRun("p"))
    database.create_run(NewRun("p"))
    assert database.run_id("a-1") == "a-1"


def test_runs_come_in_pages_newest_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for moment in range(7):
        monkeypatch.setattr(database_module, "_now", lambda moment=moment: moment)
        experiments = ("e",) if moment == 3 else ()
        run = database.create_run(NewRun("even" if moment % 2 == 0 else "odd", experiments=experiments))
        ids.append(run.run_id)
    database.finish_run(ids[1], "succeeded")
    assert [run.run_id for run in database.runs(limit=3)] == ids[:3:-1]
    assert [run.run_id for run in database.runs(limit=3, offset=3)] == ids[3:0:-1]
    assert [run.run_id for run in database.runs(condition=equals("pipeline", "odd"))] == [ids[5], ids[3], ids[1]]
    assert [run.run_id for run in database.runs(condition=equals("status", "succeeded"))] == [ids[1]]
    assert [run.run_id for run in database.runs(condition=equals("experiment", "e"))] == [ids[3]]
    assert database.count_runs(equals("pipeline", "even")) == 4 and database.count_runs() == 7


def test_a_forgotten_run_leaves_nothing_that_others_do_not_need(database: Database) -> None:
    shared, own = artifact("x", b"shared"), artifact("y", b"own")
    first, second = (database.create_run(NewRun("p", STEPS, documents={"pipeline": "{}"})).run_id for _ in range(2))
    database.finish_step(first, "load", StepOutcome("succeeded", outputs=[shared, own]))
    database.finish_step(second, "load", StepOutcome("succeeded", outputs=[shared]))
    database.delete_run(first)
    assert database.digests() == {shared.digest}
    assert [run.run_id for run in database.runs()] == [second]
    assert database.document(second, "pipeline") == "{}"
    database.delete_run(second)
    assert database.digests() == frozenset() and database.producers(shared.digest) == ()


def test_tags_and_notes(database: Database) -> None:
    run = database.create_run(NewRun("p"))
    database.set_tag(run.run_id, "a'b", "<1>")
    database.set_tag(run.run_id, "a'b", "2")
    database.set_tag(run.run_id, "c", "3")
    database.set_tag(run.run_id, "c", None)
    database.set_note(run.run_id, "good\none")
    assert database.run(run.run_id).tags == {"a'b": "2"} and database.run(run.run_id).note == "good\none"


def test_texts_that_are_not_unicode_are_kept_as_well_as_may_be(database: Database) -> None:
    run = database.create_run(NewRun("p", STEPS, parameters={"text": "\ud800"}, documents={"log": "a\udcffb\0"}))
    database.finish_step(run.run_id, "load", StepOutcome("failed", reason="bad \ud800"))
    assert run.parameters["text"] == "\ud800"
    assert database.document(run.run_id, "log") == "a?b\0"
    assert database.steps_of(run.run_id)[0].reason == "bad ?"


def test_threads_share_a_database(database: Database) -> None:
    run = database.create_run(NewRun("p", tuple((f"s{n}", f"S{n}") for n in range(8))))
    problems: list[BaseException] = []

    def work(slug: str) -> None:
        try:
            for count in range(10):
                database.start_step(run.run_id, slug)
                database.finish_step(run.run_id, slug, StepOutcome("succeeded", metrics=[MetricRecord(slug, count)]))
                assert database.run(run.run_id).metrics[slug] == count
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(f"s{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert problems == []
    assert {step.attempts for step in database.steps_of(run.run_id)} == {10}
    assert len(database.metrics_of(run.run_id)) == 80


def test_searches_use_an_index(database: Database) -> None:
    questions = (
        "SELECT run_id FROM runs ORDER BY started DESC, run_id DESC LIMIT 5",
        "SELECT run_id FROM runs WHERE pipeline = 'p' ORDER BY started DESC, run_id DESC LIMIT 5",
        "SELECT run_id FROM latest_metrics WHERE name = 'a' AND value > 0.9",
        "SELECT run_id FROM params WHERE name = 'a' AND word = 'rf'",
        "SELECT run_id FROM params WHERE name = 'a' AND number > 3",
        "SELECT events.run_id FROM artifacts JOIN events ON events.artifact_key = artifacts.artifact_key "
        "WHERE digest = 'd' AND direction = 'in'",
        "SELECT slug FROM step_runs WHERE cache_key = 'k' ORDER BY finished DESC LIMIT 1",
    )
    for question in questions:
        plan = [row["detail"] for row in database._connection.rows(f"EXPLAIN QUERY PLAN {question}")]
        assert all("INDEX" in line for line in plan) and not any("TEMP B-TREE" in line for line in plan), (
            question,
            plan,
        )


def test_parameters_can_be_searched_as_numbers_and_words(database: Database) -> None:
    run = database.create_run(
        NewRun("p", parameters={"n": 3, "big": 10**400, "nan": math.nan, "s": "x" * 999, "l": [1], "b": False})
    )
    rows = database._connection.rows("SELECT name, number, word FROM params WHERE run_id = ?", (run.run_id,))
    found = {row["name"]: (row["number"], row["word"]) for row in rows}
    assert found == {
        "n": (3.0, None),
        "big": (None, None),
        "nan": (None, None),
        "s": (None, "x" * 200),
        "l": (None, json.dumps([1])),
        "b": (0.0, "false"),
    }
    assert run.parameters["big"] == 10**400
