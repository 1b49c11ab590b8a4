"""What is told of versions that are served, by a clock that the tests turn."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.deploy.guard import Guard, verdict
from jupyter_mlops.deploy.schema import Column, ModelSchema, Tensor
from jupyter_mlops.deploy.serving.policy import Observation, Request
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.deploy.watching.drift import ALERT, NOTICE, Seen, compare, psi, shapes_of
from jupyter_mlops.deploy.watching.live import LiveVersion, live_from_json
from jupyter_mlops.deploy.watching.watcher import Watcher, WatchSettings
from jupyter_mlops.deploy.watching.windows import read_window, window_path
from jupyter_mlops.errors import UsageError


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def reference() -> dict[str, Any]:
    """Of 1,000 rows of two columns, and of a model that says "no" to three in four."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=1000)
    edges = np.quantile(values, np.arange(1, 10) / 10)
    counts = np.bincount(np.searchsorted(edges, values), minlength=10)
    number = {
        "kind": "number",
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "missing": 0.0,
        "min": float(values.min()),
        "max": float(values.max()),
    }
    colour = {"kind": "category", "counts": {"red": 700, "blue": 300}, "other": 0, "missing": 0.1}
    said = {"kind": "category", "counts": {"no": 750, "yes": 250}, "other": 0, "missing": 0.0}
    return {
        "rows": 1000,
        "features": {"age": number, "colour": colour},
        "outputs": {"predict": said, "predict_proba[no]": number, "predict_proba[yes]": number},
    }


def rows(count: int, *, shift: float = 0.0, seed: int = 1, red: float = 0.7) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    colours = np.where(generator.random(count) < red, "red", "blue").astype(object)
    return {"age": generator.normal(shift, size=count), "colour": colours}


def answers(count: int, yes: float = 0.25) -> dict[str, Any]:
    labels = np.array(["yes"] * round(count * yes) + ["no"] * (count - round(count * yes)), dtype=object)
    chances = np.random.default_rng(2).normal(size=(count, 2))
    return {"predict": labels, "predict_proba": chances}


def observation(
    identity: str = "a",
    version: int = 1,
    *,
    shadow: bool = False,
    inputs: Any = None,
    outputs: Mapping[str, Any] | None = None,
    seconds: float = 0.01,
    fault: str | None = None,
) -> Observation:
    inputs = rows(1) if inputs is None else inputs
    count = len(next(iter(inputs.values()))) if isinstance(inputs, Mapping) else len(inputs)
    given = ({} if fault else answers(count)) if outputs is None else outputs
    return Observation(Request(identity, "churn"), version, shadow, inputs, given, seconds, fault and "it broke", fault)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(tmp_path: Path, clock: Clock) -> Watcher:
    return Watcher(WatchSettings(), lambda version: reference(), tmp_path, clock=clock, wall=clock, draw=lambda: 0.0)


def live(watcher: Watcher, version: int = 1, traffic: Traffic | None = None) -> LiveVersion:
    found = watcher.live("churn", "churn", traffic or Traffic.whole(version), (version,))
    return next(item for item in found.versions if item.version == version)


# --- rates, latencies, errors -----------------------------------------------------------------------------------------


def test_rates_errors_and_latencies_are_of_the_last_minutes(watcher: Watcher, clock: Clock) -> None:
    for second in range(100):
        clock.now += 1
        for at in range(10):
            watcher.observed(observation(f"{second}-{at}", seconds=0.010 if at else 0.200))
    shown = live(watcher)
    assert (shown.total, shown.requests, shown.errors, shown.failures) == (1000, 1000, {}, 0.0)
    assert shown.rate == pytest.approx(10, rel=0.02)
    assert shown.p50 == pytest.approx(10, rel=0.06) and shown.p99 == pytest.approx(200, rel=0.06)
    clock.now += 280
    assert live(watcher).requests == 210  # of 21 seconds
    clock.now += 400
    quiet = live(watcher)
    assert (quiet.total, quiet.requests, quiet.rate, quiet.p50) == (1000, 0, 0.0, None)


def test_what_clients_sent_wrong_is_not_the_models_fault(watcher: Watcher) -> None:
    for at in range(90):
        watcher.observed(observation(str(at)))
    for fault, count in (("client", 50), ("server", 5), ("model", 5)):
        for at in range(count):
            watcher.observed(observation(f"{fault}{at}", fault=fault))
    shown = live(watcher)
    assert shown.errors == {"client": 50, "server": 5, "model": 5}
    assert shown.failures == pytest.approx(5 / 100)


def test_versions_are_watched_apart_and_shadows_too(watcher: Watcher) -> None:
    traffic = Traffic.whole(1).with_canary(2, 10).with_shadow(3)
    watcher.observed(observation("a", 1))
    watcher.observed(observation("a", 3, shadow=True))
    watcher.observed(observation("b", 2))
    found = watcher.live("churn", "churn", traffic, (1, 2))
    told = [(item.version, item.role, item.weight, item.ready, item.total) for item in found.versions]
    assert told == [(1, "stable", 90, True, 1), (2, "canary", 10, True, 1), (3, "shadow", 0, False, 1)]
    assert live_from_json(json.loads(json.dumps(found.to_json()))) == found


def test_more_than_can_be_watched_is_counted(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.deploy.watching.watcher._MOST_WAITING", 10)
    for at in range(25):
        watcher.observed(observation(str(at)))
    found = watcher.live("churn", "churn", Traffic.whole(1), (1,))
    assert (found.lost, found.versions[0].total) == (15, 10)


def test_what_can_not_be_watched_is_passed_over(watcher: Watcher) -> None:
    watcher.observed(observation("a", inputs={"age": np.array(["old"], dtype=object)}))
    watcher.observed(observation("b"))
    assert live(watcher).total == 2


# --- drift ------------------------------------------------------------------------------------------------------------


def test_rows_like_the_training_data_have_not_drifted(watcher: Watcher) -> None:
    watcher.observed(observation(inputs=rows(499), outputs=answers(499)))
    waiting = live(watcher).drift
    assert (waiting.rows, waiting.waiting, waiting.needed, waiting.level) == (0, 499, 500, "unknown")
    watcher.observed(observation(inputs=rows(1), outputs=answers(1, 0)))
    drift = live(watcher).drift
    assert (drift.rows, drift.waiting, drift.level) == (500, 0, "ok")
    assert [item.name for item in drift.outputs] == ["predict", "predict_proba[no]", "predict_proba[yes]"]
    assert all(item.psi < NOTICE for item in (*drift.features, *drift.outputs))


def test_rows_that_have_drifted_are_told_by_feature(watcher: Watcher) -> None:
    watcher.observed(observation(inputs=rows(600, shift=1.0), outputs=answers(600, 0.6)))
    drift = live(watcher).drift
    assert drift.level == "alert"
    assert [(item.name, item.level) for item in drift.features] == [("age", "alert"), ("colour", "ok")]
    assert drift.features[0].psi > ALERT and drift.features[0].out_of_range > 0
    assert drift.outputs[0].level == "alert"
    watcher.observed(observation(inputs=rows(500, seed=3), outputs=answers(500)))
    assert live(watcher).drift.level == "ok", "the next window stands for itself"


def test_a_matrix_has_the_columns_of_the_training_data(watcher: Watcher) -> None:
    numbers = {"features": {name: reference()["features"]["age"] for name in ("a", "b")}, "outputs": {}}
    watcher = Watcher(WatchSettings(), lambda version: numbers)
    generator = np.random.default_rng(5)
    matrix = np.column_stack([generator.normal(size=500), generator.normal(2, size=500)])
    watcher.observed(observation(inputs=matrix, outputs={"predict": np.zeros(500)}))
    levels = {item.name: item.level for item in live(watcher).drift.features}
    assert levels == {"a": "ok", "b": "alert"}


def test_missing_values_and_those_beyond_the_training_data_are_told(watcher: Watcher) -> None:
    inputs = rows(500)
    inputs["age"][:50], inputs["age"][50:60], inputs["age"][60] = np.nan, 1e9, np.inf
    inputs["colour"][:25], inputs["colour"][25:100] = None, "green"
    watcher.observed(observation(inputs=inputs, outputs=answers(500)))
    age, colour = sorted(live(watcher).drift.features, key=lambda item: item.name)
    assert (age.missing, age.missing_before) == (pytest.approx(0.1), 0.0)
    assert age.out_of_range == pytest.approx(11 / 500, abs=3 / 500)
    assert (colour.missing, colour.missing_before, colour.out_of_range) == (pytest.approx(0.05), 0.1, 0.15)
    assert colour.level == "alert"


def test_without_statistics_of_the_training_data_drift_says_so() -> None:
    watcher = Watcher(WatchSettings(), lambda version: None)
    watcher.observed(observation(inputs=rows(600), outputs=answers(600)))
    drift = live(watcher).drift
    assert (drift.level, drift.reason) == ("unknown", "the bundle has no statistics of the training data")


def test_the_statistics_of_a_bundle_are_understood() -> None:
    """Whatever the bundle writes of rows, the same rows have no drift against it."""
    from jupyter_mlops.deploy.schema import Rows
    from jupyter_mlops.deploy.statistics import reference_statistics

    columns = (Column("age"), Column("colour", "object"))
    schema = ModelSchema(layout="frame", columns=columns, outputs=(Tensor("predict", "FP64", (-1,)),))
    data = rows(800)
    made = reference_statistics(Rows(schema, columns=data), {"predict": data["age"]}, schema)
    for shape in (*shapes_of(made["features"]), *shapes_of(made["outputs"])):
        seen = Seen(shape)
        seen.add(data.get(shape.name, data["age"]))
        assert (compare(seen, 800).psi, seen.outside) == (0.0, 0), shape.name


def test_the_index_is_what_its_formula_says() -> None:
    assert psi([50, 50], [50, 50]) == 0.0
    expected = (0.8 - 0.5) * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5)
    assert psi([50_000, 50_000], [80_000, 20_000]) == pytest.approx(expected, rel=1e-3)
    assert 0 < psi([100, 0], [0, 100]) < 20, "an empty bin is not infinitely far"
    assert psi([0], [5]) == 0.0 and psi([1, 1], [0, 0]) == 0.0


def test_the_rows_of_a_window_are_kept_for_a_look(watcher: Watcher, tmp_path: Path) -> None:
    first, last = rows(500), rows(500, seed=9)
    for inputs in (first, last):
        watcher.observed(observation(inputs=inputs, outputs=answers(500)))
    watcher.work_up()
    kept = read_window(tmp_path, 1)
    assert kept is not None and list(kept.columns) == ["age", "colour"]
    np.testing.assert_array_equal(kept["age"].to_numpy(), last["age"])
    assert read_window(tmp_path, 2) is None
    if os.name == "posix":
        assert window_path(tmp_path, 1).stat().st_mode & 0o077 == 0


# --- labels -----------------------------------------------------------------------------------------------------------


def test_true_labels_join_what_was_answered(watcher: Watcher) -> None:
    said = np.array(["yes", "no", "no"], dtype=object)
    watcher.observed(observation("a", inputs=rows(3), outputs={"predict": said}))
    watcher.observed(observation("b", inputs=rows(1), outputs={"predict": said[:1]}))
    assert watcher.label("a", ["yes", "no", "yes"]) == (1,)
    accuracy = live(watcher).accuracy
    assert (accuracy.labels, accuracy.accuracy, accuracy.error) == (3, pytest.approx(2 / 3), None)
    assert watcher.label("a", ["yes", "no", "yes"]) is None, "labels count once"
    assert watcher.label("zzz", ["yes"]) is None
    assert watcher.live("churn", "churn", Traffic.whole(1), ()).unknown == 2
    with pytest.raises(UsageError, match="had 1 rows, and there are 2 labels"):
        watcher.label("b", ["yes", "no"])
    assert watcher.label("b", ["yes"]) == (1,), "what was wrong can be said right"


def test_numbers_have_an_error_instead_of_an_accuracy(watcher: Watcher) -> None:
    watcher.observed(observation("a", inputs=rows(2), outputs={"predict": np.array([1.5, 2.0])}))
    watcher.label("a", [1, 2.5])
    accuracy = live(watcher).accuracy
    assert (accuracy.labels, accuracy.accuracy, accuracy.error) == (2, None, 0.5)


@pytest.mark.parametrize("order", [(False, True), (True, False)])
def test_a_shadow_is_compared_with_what_the_client_got(watcher: Watcher, order: tuple[bool, bool]) -> None:
    said = {False: np.array(["yes", "no"], dtype=object), True: np.array(["yes", "yes"], dtype=object)}
    for shadow in order:
        version = 2 if shadow else 1
        watcher.observed(observation("a", version, shadow=shadow, inputs=rows(2), outputs={"predict": said[shadow]}))
    traffic = Traffic.whole(1).with_shadow(2)
    assert live(watcher, 2, traffic).accuracy.agreement == 0.5
    watcher.label("a", ["yes", "yes"])
    assert live(watcher, 1, traffic).accuracy.accuracy == 0.5
    assert live(watcher, 2, traffic).accuracy.accuracy == 1.0


# --- the request log --------------------------------------------------------------------------------------------------


def test_a_part_of_the_requests_is_written_down(tmp_path: Path, clock: Clock) -> None:
    draws = iter([0.05, 0.5, 0.05])
    settings = WatchSettings(sample=0.1)
    watcher = Watcher(settings, lambda version: None, tmp_path, clock=clock, wall=clock, draw=lambda: next(draws))
    for name in "abc":
        watcher.observed(observation(name, fault="model" if name == "c" else None))
    watcher.work_up()
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text("utf-8").splitlines()]
    assert [(line["id"], line["fault"]) for line in lines] == [("a", None), ("c", "model")]
    assert lines[0]["inputs"]["colour"] in (["red"], ["blue"]) and len(lines[0]["outputs"]["predict"]) == 1


def test_nothing_is_written_down_unless_asked_for(watcher: Watcher, tmp_path: Path) -> None:
    watcher.observed(observation())
    watcher.work_up()
    assert list(tmp_path.iterdir()) == []


# --- the guard --------------------------------------------------------------------------------------------------------


def test_a_version_that_fails_is_condemned_and_only_by_recent_requests(watcher: Watcher, clock: Clock) -> None:
    guard = Guard(max_errors=5, window=60, least=50)

    def judged() -> str | None:
        watcher.work_up()
        summary = watcher.summary(1, guard.window, since=1000)
        assert summary is not None
        return verdict(guard, summary)

    for at in range(40):
        watcher.observed(observation(str(at), fault="model"))
    assert judged() is None, "too few to say"
    for at in range(10):
        watcher.observed(observation(f"b{at}", fault="model"))
    assert judged() == "100.0% of 50 requests failed, more than 5 %"
    clock.now += 120
    for at in range(100):
        watcher.observed(observation(f"c{at}"))
    assert judged() is None, "that is past"


def test_a_version_that_is_slow_is_condemned_if_a_limit_was_given(watcher: Watcher) -> None:
    for at in range(100):
        watcher.observed(observation(str(at), seconds=0.5 if at % 10 == 0 else 0.01))
    watcher.work_up()
    summary = watcher.summary(1, 60, since=0)
    assert summary is not None
    assert verdict(Guard(), summary) is None
    assert "ms, more than 100 ms" in (verdict(Guard(max_latency=100), summary) or "")


def test_a_version_that_refuses_what_others_take_is_condemned(watcher: Watcher) -> None:
    for at in range(50):
        watcher.observed(observation(str(at), 1, fault="client" if at % 10 == 0 else None))
        watcher.observed(observation(str(at), 2, fault="client"))
    watcher.work_up()
    old, new = (watcher.summary(version, 60, since=0) for version in (1, 2))
    assert old is not None and new is not None
    assert verdict(Guard(), new, old) == "100.0% of 50 requests were refused as wrong, and 10.0% before"
    assert verdict(Guard(), old, old) is None and verdict(Guard(), new) is None


@pytest.mark.parametrize(
    "guard",
    [Guard(max_errors=-1), Guard(max_errors=200), Guard(max_latency=0), Guard(window=0), Guard(least=0)],
)
def test_guards_that_make_no_sense(guard: Guard) -> None:
    with pytest.raises(UsageError):
        guard.checked()
