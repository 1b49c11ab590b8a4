"""What the API says of runs, as the store knows them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.kubeflow.following import failure_in
from jupyter_mlops.kubeflow.states import milliseconds, run_status, step_states
from jupyter_mlops.kubeflow.trouble import message_of

STEPS = (("train-forest", "train forest"), ("report", "report"))


def task(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"display_name": name, "state": state, "task_id": f"id-{name}-{state}", **more}


def states(run_state: str, *tasks: dict[str, Any]) -> list[str]:
    run = {"state": run_state, "run_details": {"task_details": list(tasks)}}
    return [item.status for item in step_states(run, STEPS)]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("PENDING", "queued"),
        ("RUNNING", "running"),
        ("CANCELING", "running"),
        ("SUCCEEDED", "succeeded"),
        ("FAILED", "failed"),
        ("CANCELED", "cancelled"),
        ("SKIPPED", "skipped"),
        ("RUNTIME_STATE_UNSPECIFIED", "running"),
        ("SOMETHING_NEW", "running"),
        ("", "running"),
    ],
)
def test_runs(state: str, status: str) -> None:
    assert run_status({"state": state}) == status


def test_steps() -> None:
    assert states("RUNNING") == ["queued", "queued"]
    assert states("RUNNING", task("train-forest-driver", "SUCCEEDED")) == ["queued", "queued"]
    assert states("RUNNING", task("train-forest", "RUNNING")) == ["running", "queued"]
    assert states("RUNNING", task("train forest", "SUCCEEDED"), task("report", "PENDING")) == ["succeeded", "queued"]
    assert states("FAILED", task("train forest", "FAILED")) == ["failed", "skipped"]
    assert states("CANCELED", task("train forest", "RUNNING")) == ["cancelled", "cancelled"]
    assert states("FAILED", task("train forest", "RUNNING")) == ["failed", "skipped"], "its end was never told"
    assert states("RUNNING", task("train forest", "NEW_STATE")) == ["queued", "queued"]


def test_a_step_whose_pod_did_nothing_was_reused() -> None:
    child = task("executor", "SKIPPED", pod_name="pod-1")
    parent = task("train forest", "SUCCEEDED", child_tasks=[{"pod_name": "pod-1"}, {"pod_name": "other"}])
    assert states("RUNNING", child, parent)[0] == "reused"
    child["state"] = "SUCCEEDED"
    assert states("RUNNING", child, parent)[0] == "succeeded"


def test_errors_and_pods_come_from_the_pod_first() -> None:
    child = task("executor", "FAILED", pod_name="pod-1", error={"code": 1, "message": "exit code 1"})
    parent = task("report", "FAILED", child_tasks=[{"pod_name": "pod-1"}], error={"message": "child failed"})
    found = step_states({"state": "FAILED", "run_details": {"task_details": [child, parent]}}, STEPS)[1]
    assert (found.error, found.pod) == ("exit code 1", "pod-1")


def test_the_newest_of_several_tries_counts() -> None:
    old = task("report", "FAILED", create_time="2026-11-24T10:00:00Z")
    new = task("report", "SUCCEEDED", create_time="2026-11-24T11:00:00Z")
    assert states("RUNNING", new, old)[1] == states("RUNNING", old, new)[1] == "succeeded"


@pytest.mark.parametrize("details", [None, {}, {"task_details": None}, {"task_details": ["x", {}]}])
def test_details_that_are_not_there(details: Any) -> None:
    assert [item.status for item in step_states({"state": "RUNNING", "run_details": details}, STEPS)] == ["queued"] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-24T11:00:00Z", 1795518000000),
        ("2026-11-24T11:00:00.5Z", 1795518000500),
        ("2026-11-24T11:00:00.123456789Z", 1795518000123),
        ("2026-11-24T12:00:00+01:00", 1795518000000),
        ("1970-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_moments(text: Any, value: int | None) -> None:
    assert milliseconds(text) == value


def test_why_a_step_failed_is_in_its_log() -> None:
    log = "epoch 1\nStep 'fit' failed in cell 4 (fit): ValueError: no rows: 0\n  cell 4 (fit), line 2\n    f(x)\n"
    found = failure_in(log, "exit code 1", ["a", "b", "c", "d"])
    assert (found.type, found.message) == ("ValueError", "no rows: 0") and found.traceback.endswith("f(x)")
    assert (found.cell, found.line) == ("d", 2)
    assert (failure_in(log, "").cell, failure_in(log, "").line) == (None, 2)
    assert failure_in("Step 'fit' failed in saving its outputs: SaveError: x\n", "").type == "SaveError"
    needs = failure_in("error: The image lacks what step 'fit' needs:\n  - the package x\n", "exit code 4")
    assert needs.message.startswith("The image lacks") and "the package x" in needs.message
    assert failure_in("", "exit code 137 (OOMKilled)").message == "exit code 137 (OOMKilled)"
    assert failure_in("a\nb\n", "gone").traceback == "a\nb"


def test_what_servers_say_is_one_short_line() -> None:
    page = b"<html><head><style>x{}</style></head><body><h1>502 Bad&nbsp;Gateway</h1><hr>nginx</body></html>"
    assert message_of(page, "text/html") == "502 Bad Gateway"
    assert message_of(b'{"error":"e","message":"m","code":3}', "application/json") == "m"
    assert message_of(b"", "") == "" and len(message_of(b"x" * 9000, "text/plain")) == 300
    assert message_of(b"\xff\xfe", "text/plain")
