"""What arrives in MLflow, and that it does so exactly once wherever the line goes dead."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.store.records import MetricRecord
from jupyter_mlops.tracking.mlflow_client import MlflowTracker
from jupyter_mlops.tracking.parcels import model_parcel, run_parcel
from jupyter_mlops.tracking.trackers import RejectedError, UnreachableError


def content(server: Any) -> dict[str, Any]:
    """All that a server holds, without its own ids."""
    names = {key: run.data.tags.get("mlops.kind", "") + ":" + run.info.run_name for key, run in server.runs.items()}
    assert len(set(names.values())) == len(names), "two runs are the same"
    return {
        names[key]: {
            "experiment": server.experiments[run.info.experiment_id],
            "above": names.get(run.data.tags.get("mlflow.parentRunId", ""), ""),
            "status": run.info.status,
            "params": run.data.params,
            "tags": {name: value for name, value in run.data.tags.items() if name != "mlflow.parentRunId"},
            "metrics": Counter((item.key, repr(item.value), item.step, item.timestamp) for item in server.history[key]),
            "datasets": Counter((item.dataset.name, item.dataset.digest) for item in run.inputs.dataset_inputs),
            "models": Counter(server.models[item.model_id].name for item in run.outputs.model_outputs),
            "files": sorted(server.files[key]),
        }
        for key, run in server.runs.items()
    }


def test_a_run_arrives_with_all_that_is_known_of_it(books: Any, stand_in: Any) -> None:
    run_id = books.run(experiments=("spring",))
    server = stand_in.StandIn()
    MlflowTracker(server).deliver_run(run_parcel(books.database, books.home, run_id, {}))
    found = content(server)
    assert set(found) == {f"run:{run_id}", "step:Load data", "step:Train", "step:Report"}
    run, load, train = found[f"run:{run_id}"], found["step:Load data"], found["step:Train"]
    assert {item["experiment"] for item in found.values()} == {"churn"}
    assert {found[name]["above"] for name in found if name.startswith("step:")} == {f"run:{run_id}"}
    assert run["params"]["rate"] == "0.1" and run["params"]["model"] == "rf"
    assert [value for name, value in run["params"].items() if name.startswith("ümlaut _1_.")] == ["[1, null]"]
    assert run["status"] == "FAILED" and found["step:Report"]["status"] == "FAILED" and load["status"] == "FINISHED"
    assert run["tags"]["team"] == "ü" and run["tags"]["mlflow.source.git.commit"] == "abc123"
    assert run["tags"]["mlops.experiments"] == "spring" and run["tags"]["mlflow.user"] == "ada"
    assert found["step:Report"]["tags"]["mlops.error"] == "ValueError: no"
    losses = [key for key in train["metrics"] if key[0] == "loss"]
    assert sorted((step, time) for _, _, step, time in losses) == [(number, 1000 + number) for number in range(5)]
    assert run["metrics"] == load["metrics"] + train["metrics"]
    assert load["files"] == ["figures/curve.png"] and run["files"] == ["output.ipynb", "report.html", "run.json"]
    assert list(load["datasets"]) == [("data.csv", books.database.artifacts_of(run_id, "load", "in")[0].digest[:36])]
    (frame,) = [run.inputs.dataset_inputs for run in server.runs.values() if run.info.run_name == "Train"]
    whole = books.database.artifacts_of(run_id, "load")[1].digest
    assert {tag.key: tag.value for tag in frame[0].tags}["mlops.digest"] == whole
    assert json.loads(frame[0].dataset.schema) == {"mlflow_colspec": [{"name": "a", "type": "int64"}]}


def _deliver_cut(server: Any, deliver: Any, position: int, after: bool) -> bool:
    """Deliver with a line that goes dead at one call; tell whether there were so many."""
    server.calls, server.cut, server.after = 0, position, after
    try:
        deliver(MlflowTracker(server))
    except UnreachableError:
        return True
    finally:
        server.cut = None
    return False


@pytest.mark.parametrize("after", [False, True])
def test_wherever_the_line_goes_dead_a_run_arrives_once(books: Any, stand_in: Any, own: Path, after: bool) -> None:
    run_id = books.run()
    target = books.home.run(run_id) / "mlflow" / "train"
    target.parent.mkdir()
    own.rename(target)
    parcel = run_parcel(books.database, books.home, run_id, {})
    whole = stand_in.StandIn()
    MlflowTracker(whole).deliver_run(parcel)
    wanted = content(whole)
    assert wanted["step:Train"]["params"] == {"depth": "3"} and whole.versions and whole.models
    for position in range(1, 1000):
        server = stand_in.StandIn()
        if not _deliver_cut(server, lambda tracker: tracker.deliver_run(parcel), position, after):
            break
        MlflowTracker(server).deliver_run(parcel)
        MlflowTracker(server).deliver_run(parcel)  # the outbox may have forgotten that it has arrived
        assert content(server) == wanted, position
        assert len(server.models) == len(whole.models) and len(server.versions) == len(whole.versions), position
        assert all(model.status == "READY" for model in server.models.values())
    assert position > 40


def test_a_line_that_goes_dead_again_and_again(books: Any, stand_in: Any) -> None:
    parcel = run_parcel(books.database, books.home, books.run(), {})
    whole, server = stand_in.StandIn(), stand_in.StandIn()
    MlflowTracker(whole).deliver_run(parcel)
    attempts = 0
    for position in range(2, 40):
        for after in (True, False):
            attempts += _deliver_cut(server, lambda tracker: tracker.deliver_run(parcel), position, after)
    assert attempts > 5
    MlflowTracker(server).deliver_run(parcel)
    assert content(server) == content(whole)


def test_ten_thousand_metrics_in_a_step(books: Any, stand_in: Any) -> None:
    run_id = books.run(steps=False)
    values = [MetricRecord("loss", float(number), "load", number, number) for number in range(10_000)]
    books.database.record_metrics(run_id, values)
    server = stand_in.StandIn()
    parcel = run_parcel(books.database, books.home, run_id, {})
    assert _deliver_cut(server, lambda tracker: tracker.deliver_run(parcel), 9, after=True)
    MlflowTracker(server).deliver_run(parcel)
    assert {len(history) for history in server.history.values()} == {10_001}


def test_a_run_that_was_deleted_there_stays_deleted(books: Any, stand_in: Any) -> None:
    parcel = run_parcel(books.database, books.home, books.run(), {})
    server = stand_in.StandIn()
    MlflowTracker(server).deliver_run(parcel)
    for run in server.runs.values():
        run.info.lifecycle_stage = "deleted"
    MlflowTracker(server).deliver_run(parcel)
    assert len(server.runs) == 4


def test_artifacts_that_cannot_be_stored_come_last_and_are_given_up(books: Any, stand_in: Any) -> None:
    run_id = books.run()
    server = stand_in.StandIn()

    def refuse(*_: Any) -> None:
        raise ImportError("boto3 is not installed")

    server.log_artifacts = refuse
    with pytest.raises(RejectedError, match="boto3"):
        MlflowTracker(server).deliver_run(run_parcel(books.database, books.home, run_id, {}, patient=True))
    found = content(server)
    assert found["step:Train"]["metrics"] and found[f"run:{run_id}"]["status"] == "FAILED"
    MlflowTracker(server).deliver_run(run_parcel(books.database, books.home, run_id, {}))
    tags = content(server)[f"run:{run_id}"]["tags"]
    assert tags["mlops.artifacts_not_stored"] == "boto3 is not installed" and tags["mlops.delivered"] == "1"


def test_the_experiment_and_the_run_above_are_those_of_the_environment(books: Any, stand_in: Any) -> None:
    server = stand_in.StandIn()
    options = {"experiment": "winter", "parent": "above"}
    MlflowTracker(server).deliver_run(run_parcel(books.database, books.home, books.run(steps=False), options))
    assert set(server.experiments.values()) == {"Default", "winter"}
    assert next(iter(server.runs.values())).data.tags["mlflow.parentRunId"] == "above"


def test_a_password_is_not_kept_in_an_error(books: Any, stand_in: Any) -> None:
    server = stand_in.StandIn()

    def fail(*_: Any) -> None:
        raise ConnectionError("API request to https://ada:secret@host/api failed")

    server.get_experiment_by_name = fail
    with pytest.raises(UnreachableError) as raised:
        MlflowTracker(server).deliver_run(run_parcel(books.database, books.home, books.run(steps=False), {}))
    assert str(raised.value) == "API request to https://host/api failed"


@pytest.mark.parametrize("after", [False, True])
def test_models_arrive_once_with_versions_and_aliases(books: Any, stand_in: Any, after: bool) -> None:
    run_id = books.run()
    books.register("churn", run_id, "load", "load.frame", versions=2, aliases={"champion": 1, "next": 2})
    parcel = run_parcel(books.database, books.home, run_id, {})
    model = model_parcel(books.database, books.home, "churn", {})
    assert model is not None
    for position in range(1, 100):
        server = stand_in.StandIn()
        MlflowTracker(server).deliver_run(parcel)
        if not _deliver_cut(server, lambda tracker: tracker.deliver_model(model), position, after):
            break
        MlflowTracker(server).deliver_model(model)
        assert [(item.version, item.tags["mlops.artifact"]) for item in server.versions] == [
            (1, "load.frame"),
            (2, "load.frame"),
        ]
        assert server.registered["churn"].aliases == {"champion": "1", "next": "2"}
    assert position > 10
    books.register("churn", run_id, "load", "load.frame", versions=2, aliases={"champion": 2})
    server.registered["churn"].aliases["theirs"] = "1"
    moved = model_parcel(books.database, books.home, "churn", {})
    assert moved is not None
    MlflowTracker(server).deliver_model(moved)
    assert server.registered["churn"].aliases == {"champion": "2", "theirs": "1"}
    assert server.versions[0].source.endswith("/models/churn/1")


def test_a_model_without_its_run_is_rejected(books: Any, stand_in: Any) -> None:
    run_id = books.run()
    books.register("churn", run_id, "load", "load.frame", versions=1, aliases={})
    model = model_parcel(books.database, books.home, "churn", {})
    assert model is not None
    with pytest.raises(RejectedError, match=run_id):
        MlflowTracker(stand_in.StandIn()).deliver_model(model)
