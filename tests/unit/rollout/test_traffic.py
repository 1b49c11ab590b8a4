"""Who answers what: parts of the requests, the same version for the same client."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.deploy.router import STICKY, TrafficRouter
from jupyter_mlops.deploy.serving.policy import Choice, Request
from jupyter_mlops.deploy.traffic import Traffic, parse_weights
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.deployments import Share


def request(identity: str, version: int | None = None, **headers: str) -> Request:
    return Request(identity, "churn", version, headers=headers)


def answered(router: TrafficRouter, versions: tuple[int, ...], count: int = 4000) -> dict[str, int]:
    return {str(at): router.choose("churn", request(str(at)), versions).version for at in range(count)}


@given(st.dictionaries(st.integers(1, 9), st.integers(1, 1000), min_size=1, max_size=6))
def test_weights_become_percents_that_make_a_hundred(weights: dict[int, int]) -> None:
    try:
        traffic = Traffic.weighted(weights)
    except UsageError as error:
        assert "less than one request" in error.message
        assert min(weights.values()) / sum(weights.values()) < 0.02
        return
    total = sum(weights.values())
    assert sum(share.weight for share in traffic.shares) == 100
    assert all(abs(share.weight - weights[share.version] * 100 / total) < 1 for share in traffic.shares)


def test_a_canary_takes_from_all_others_in_proportion() -> None:
    traffic = Traffic.weighted({1: 50, 2: 50}).with_canary(3, 10)
    assert traffic.shares == (Share(1, 45), Share(2, 45), Share(3, 10, "canary"))
    assert traffic.canary == Share(3, 10, "canary") and not traffic.is_settled
    assert traffic.without_trials() == Traffic.weighted({1: 50, 2: 50})
    assert Traffic.whole(2).with_canary(3, 10).with_canary(3, 30).shares == (Share(2, 70), Share(3, 30, "canary"))
    assert str(traffic) == "version 1 45 %, version 2 45 %, version 3 canary 10 %"


def test_another_canary_takes_the_place_of_the_one_before() -> None:
    assert Traffic.whole(2).with_canary(3, 10).with_canary(4, 20).shares == (Share(2, 80), Share(4, 20, "canary"))


@pytest.mark.parametrize("percent", [0, 100, -5, 200])
def test_a_canary_has_some_requests_and_not_all(percent: int) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        Traffic.whole(2).with_canary(3, percent)


def test_what_answers_alone_can_be_neither_canary_nor_shadow() -> None:
    with pytest.raises(UsageError, match="nothing to try it beside"):
        Traffic.whole(2).with_canary(2, 10)
    with pytest.raises(UsageError, match="can't be their shadow"):
        Traffic.whole(2).with_shadow(2)


@pytest.mark.parametrize(
    ("text", "weights"), [("2=90,3=10", {2: 90, 3: 10}), ("v2:1 v3:1", {2: 1, 3: 1}), ("2=70%, 3=30%", {2: 70, 3: 30})]
)
def test_weights_are_read(text: str, weights: dict[int, int]) -> None:
    assert parse_weights(text) == weights


@pytest.mark.parametrize("text", ["", "2", "2=x", "2=10,2=20", "two=3", "2=-1"])
def test_what_is_no_weights_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_weights(text)


def test_requests_are_parted_as_the_traffic_says() -> None:
    router = TrafficRouter(Traffic.whole(2).with_canary(3, 10), "churn")
    counts = Counter(answered(router, (3, 2)).values())
    assert counts.keys() == {2, 3}
    assert 320 < counts[3] < 480  # 400 expected, deviation 19


def test_an_id_has_the_same_version_every_time_and_keeps_its_canary_while_that_grows() -> None:
    router = TrafficRouter(Traffic.whole(2).with_canary(3, 10), "churn")
    first = answered(router, (3, 2))
    assert first == answered(router, (2, 3))
    router.follow(Traffic.whole(2).with_canary(3, 30))
    more = answered(router, (3, 2))
    assert all(more[key] == 3 for key, version in first.items() if version == 3)
    assert Counter(more.values())[3] > Counter(first.values())[3]


def test_deployments_part_alike_only_under_one_name() -> None:
    traffic = Traffic.weighted({1: 50, 2: 50})
    here, there, other = (TrafficRouter(traffic, name) for name in ("a", "a", "b"))
    assert answered(here, (2, 1), 200) == answered(there, (2, 1), 200) != answered(other, (2, 1), 200)


def test_a_header_keeps_a_client_with_one_version() -> None:
    router = TrafficRouter(Traffic.weighted({1: 50, 2: 50}))
    chosen = {router.choose("churn", request(str(at), **{STICKY: "ann"}), (2, 1)).version for at in range(100)}
    assert len(chosen) == 1


def test_what_is_not_ready_is_passed_over_and_never_fails() -> None:
    router = TrafficRouter(Traffic.whole(2).with_canary(3, 10))
    assert set(answered(router, (2,), 100).values()) == {2}
    assert set(answered(router, (1,), 10).values()) == {1}


def test_a_version_that_is_asked_for_answers() -> None:
    router = TrafficRouter(Traffic.whole(2).with_shadow(3))
    assert router.choose("churn", request("a", 3), (3, 2)) == Choice(3)


def test_shadows_get_the_rows_and_never_answer() -> None:
    router = TrafficRouter(Traffic.whole(2).with_shadow(3))
    assert {router.choose("churn", request(str(at)), (3, 2)) for at in range(50)} == {Choice(2, (3,))}
    assert router.choose("churn", request("a"), (2,)) == Choice(2)
