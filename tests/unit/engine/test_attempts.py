"""Whether and when a step is tried again."""

from __future__ import annotations

import json

import pytest

from jupyter_mlops.engine.attempts import FAILED_ATTEMPTS, Attempts
from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.engine.retries import RetryPolicy
from jupyter_mlops.notebook.model import Backoff, StepSettings

FLAKY = StepFailure("user", "ConnectionError", "no route\nto host", cell="c", line=3, traceback="Traceback ...")
LASTING = StepFailure("user", "SyntaxError", "invalid syntax", lasting=True)


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_delays_grow_as_kubeflow_has_it() -> None:
    policy = RetryPolicy.of(StepSettings(retries=4, backoff=Backoff(60, 2)))
    assert [policy.next_delay(FLAKY, failed, 0) for failed in range(1, 6)] == [60, 120, 240, 480, None]
    assert RetryPolicy.of(StepSettings(retries=1)).next_delay(FLAKY, 1, 0) == 1
    assert RetryPolicy.of(StepSettings()).next_delay(FLAKY, 1, 0) is None
    assert RetryPolicy(3, Backoff(0)).next_delay(FLAKY, 3, 0) == 0


def test_time_runs_out() -> None:
    policy = RetryPolicy(9, Backoff(10, 1, max_duration=60))
    assert policy.next_delay(FLAKY, 1, 50) == 10
    assert policy.next_delay(FLAKY, 2, 50.1) is None
    assert RetryPolicy(5000, Backoff(1.0, 10.0)).next_delay(FLAKY, 4000, 0) is None, "longer than any number"


def test_what_would_fail_again_is_not_tried() -> None:
    assert RetryPolicy(3).next_delay(LASTING, 1, 0) is None


def test_attempts_are_counted_and_kept() -> None:
    clock = Clock()
    attempts = Attempts(RetryPolicy(2, Backoff(5, 2)), clock)
    assert attempts.wait == 0
    assert attempts.begin() == 1
    assert attempts.fail(FLAKY) == 5
    assert (attempts.wait, attempts.reason()) == (5, None)
    clock.now += 4
    assert attempts.wait == 1
    clock.now += 2
    assert attempts.wait == 0
    assert attempts.begin() == 2
    assert attempts.reason() == "attempt 2 of 3; attempt 1: ConnectionError: no route"
    (kept,) = json.loads(attempts.documents()[FAILED_ATTEMPTS])
    assert kept == {
        "ename": "ConnectionError",
        "evalue": "no route\nto host",
        "cell": "c",
        "line": 3,
        "traceback": "Traceback ...",
    }
    assert attempts.fail(LASTING) is None
    assert len(json.loads(attempts.documents()[FAILED_ATTEMPTS])) == 1, "the last one is the step's own error"


@pytest.mark.parametrize("failures", [0, 1])
def test_one_attempt_has_nothing_to_tell(failures: int) -> None:
    attempts = Attempts(RetryPolicy())
    attempts.begin()
    for _ in range(failures):
        attempts.fail(FLAKY)
    assert (attempts.reason(), dict(attempts.documents())) == (None, {})
