"""Submit, follow, stop, retry and schedule; the same tests run on a real cluster (MLOPS_KFP_HOST, docs/clusters.md)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlops.api import clusters
from jupyter_mlops.kubeflow.following import Follower
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import ObjectStore

Store = Callable[[], Database]

TWO = (
    ("parameters", "n = 3"),
    ("step:make", "rows = list(range(n))\nprint('made', n, 'rows')"),
    ("metrics;step:count rows", "total = float(sum(rows))"),
)
ENDLESS = (
    ("step:first", "x = 1"),
    ("step:wait", "import time\nfor _ in range(600):\n    time.sleep(0.1)\ny = x + 1"),
    ("step:last", "z = y + 1"),
)
FAILING = (("step:first", "x = 1"), ("step:divide", "y = x / 0"), ("step:last", "z = y + 1"))


def submit(run, write, kubeflow, cells, *more):
    return run("submit", write(cells), "--runtime", "prod", "--image", kubeflow.image, *more)


def test_a_run_is_followed_and_recorded_like_a_local_one(kubeflow, write, run, store: Store, project: Path) -> None:
    printed = submit(run, write, kubeflow, TWO, "-p", "n", "5", "--follow", "--experiment", "tests")
    assert printed.code == 0, printed.err
    assert "make: done" in printed.err and "count rows: done" in printed.err
    with store() as database:
        found = database.run("latest")
        steps = {step.slug: step for step in database.steps_of(found.run_id)}
        made = database.artifacts_of(found.run_id)
        taken = database.artifacts_of(found.run_id, direction="in")
        assert (found.backend, found.status, found.parameters) == ("kubeflow", "succeeded", {"n": 5})
        assert database.experiments_of(found.run_id) == ("tests",)
        assert found.metrics == {"total": 10.0}
    assert [step.status for step in steps.values()] == ["succeeded", "succeeded"]
    assert all(step.seconds is not None and step.started is not None for step in steps.values())
    assert [item.id for item in made] == ["make.rows"] and [item.digest for item in taken] == [made[0].digest]
    assert (project / ".mlops" / "runs" / found.run_id / str(steps["make"].notebook)).is_file()
    shown = run("runs", "show", "latest", "--format", "json").json()
    assert "/#/runs/details/" in str(shown["page"])
    assert run("lineage", f"{found.run_id}:rows").code == 0
    objects = ObjectStore(project / ".mlops" / "objects")
    assert not objects.has(made[0].digest)
    assert clusters.fetch_run("latest", ["rows"]) == (1, 0) and objects.verify(made[0].digest)


def test_what_steps_print_is_shown_while_they_run(kubeflow, write, run) -> None:
    printed = submit(run, write, kubeflow, TWO, "--follow")
    assert "  make | made 3 rows\n" in printed.err


def test_the_users_error_is_told_with_cell_and_line(kubeflow, write, run, store: Store) -> None:
    printed = submit(run, write, kubeflow, FAILING, "--wait")
    assert printed.code == 1 and "ZeroDivisionError: division by zero" in printed.out
    with store() as database:
        run_id = database.run_id("latest")
        steps = {step.slug: step for step in database.steps_of(run_id)}
    assert [step.status for step in steps.values()] == ["succeeded", "failed", "skipped"]
    error = steps["divide"].error
    assert error is not None and (error.type, error.message) == ("ZeroDivisionError", "division by zero")
    assert (error.cell, error.line) == ("cell-1", 1) and "cell 2 (divide), line 1" in error.traceback


def test_a_run_is_stopped_and_goes_on_where_it_was(kubeflow, write, run, store: Store) -> None:
    assert submit(run, write, kubeflow, ENDLESS).code == 0
    _until(run, "wait", "running")
    assert run("retry", "latest").code == 2, "a run that goes on is not tried again"
    assert run("stop", "latest").code == 0
    assert run("runs", "refresh", "latest", "--follow").code == 130
    with store() as database:
        run_id = database.run_id("latest")
        first = {step.slug: step for step in database.steps_of(run_id)}
    assert [step.status for step in first.values()] == ["succeeded", "cancelled", "cancelled"]
    assert run("stop", "latest").code == 2, "it has ended"
    assert run("retry", "latest").code == 0
    _until(run, "wait", "running")
    with store() as database:
        again = {step.slug: step for step in database.steps_of(run_id)}
    assert again["first"] == first["first"], "what ended well is not done again"
    assert run("stop", "latest").code == 0


def test_a_version_is_uploaded_once(kubeflow, write, run) -> None:
    first = submit(run, write, kubeflow, TWO, "--format", "json").json()
    second = submit(run, write, kubeflow, TWO, "-p", "n", "9", "--format", "json").json()
    other = submit(run, write, kubeflow, FAILING, "--format", "json").json()
    assert first["version"] == second["version"] != other["version"]
    assert len({str(item["cluster_run_id"]) for item in (first, second, other)}) == 3
    for item in (first, second, other):
        run("stop", str(item["run_id"]))


def test_what_did_not_change_is_reused_unless_that_is_not_wanted(kubeflow, write, run) -> None:
    submit(run, write, kubeflow, TWO, "--wait")
    reused = submit(run, write, kubeflow, TWO, "--wait", "--format", "json").json()
    assert [step["status"] for step in reused["run"]["steps"]] == ["reused", "reused"]
    assert reused["run"]["metrics"] == {"total": 3.0}
    assert [item["names"] for item in reused["run"]["steps"][0]["outputs"]] == [["rows"]]
    assert clusters.fetch_run("latest") == (1, 0)
    assert "here already" in run("runs", "fetch", "latest").out
    anew = submit(run, write, kubeflow, TWO, "--wait", "--no-cache", "--format", "json").json()
    assert [step["status"] for step in anew["run"]["steps"]] == ["succeeded", "succeeded"]


def test_two_who_follow_record_once(kubeflow, write, run, store: Store) -> None:
    assert submit(run, write, kubeflow, TWO).code == 0
    ended: list[str] = []
    followers = [threading.Thread(target=lambda: ended.append(clusters.follow_run("latest"))) for _ in range(3)]
    for thread in followers:
        thread.start()
    for thread in followers:
        thread.join(60)
    assert ended == ["succeeded"] * 3
    with store() as database:
        found = database.run("latest")
        assert len(database.metrics_of(found.run_id)) == 1 and len(database.artifacts_of(found.run_id)) == 1
        assert [step.attempts for step in database.steps_of(found.run_id)] == [1, 1]


def test_schedules(kubeflow, write, run) -> None:
    notebook = write(TWO)
    made = run(
        *("schedule", notebook, "--cron", "0 6 * * 1", "--runtime", "prod", "--image", kubeflow.image),
        *("-p", "n", "4", "--format", "json"),
    ).json()
    name = str(made["name"])
    try:
        assert made["cron"] == "0 0 6 * * 1" and len(made["next"]) == 3 and made["parameters"] == {"n": 4}
        listed = run("schedule", "list", "--runtime", "prod")
        assert f"{name}  0 0 6 * * 1  on" in listed.out
        assert run("schedule", "pause", name, "--runtime", "prod").code == 0
        assert "paused" in run("schedule", "list", "--runtime", "prod").out
        assert run("schedule", "resume", name, "--runtime", "prod").code == 0
        shown = run("schedule", "list", "--runtime", "prod", "--format", "json").json()
        assert [item["enabled"] for item in shown["schedules"] if item["name"] == name] == [True]
    finally:
        assert run("schedule", "delete", name, "--runtime", "prod").code == 0
    assert "did you mean jupyter mlops schedule list" in run("schedule", "lst", "--runtime", "prod").err
    missing = run("schedule", "pause", name, "--runtime", "prod")
    assert missing.code == 2 and "There is no schedule" in missing.err


def test_ctrl_c_leaves_the_run_going(kubeflow, write, run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(follower: Follower) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Follower, "refresh", interrupt)
        printed = submit(run, write, kubeflow, ENDLESS, "--follow")
    assert printed.code == 130
    assert "goes on" in printed.err and "jupyter mlops stop" in printed.err
    _until(run, "wait", "running")
    assert run("stop", "latest").code == 0


def test_the_real_client_sees_what_was_submitted(
    kubeflow, write, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kfp's own client and this project's commands speak of the same things."""
    if kubeflow.ours is None:
        pytest.skip("a real cluster may need credentials that kfp.Client would have to be given")
    done = submit(run, write, kubeflow, TWO, "--wait", "--format", "json").json()
    monkeypatch.setenv("HOME", str(tmp_path))
    import kfp

    with pytest.warns(FutureWarning):
        client = kfp.Client(host=kubeflow.ours.host)
    found = client.get_run(str(done["cluster_run_id"]))
    assert found.state == "SUCCEEDED" and str(done["run_id"]) in found.display_name
    assert client.get_pipeline_id("count") == found.pipeline_version_reference.pipeline_id
    versions = client.list_pipeline_versions(found.pipeline_version_reference.pipeline_id).pipeline_versions
    assert [item.display_name for item in versions] == [done["version"]]
    assert [item.run_id for item in client.list_runs().runs] == [done["cluster_run_id"]]
    states = {task.display_name: task.state for task in found.run_details.task_details}
    assert states["count rows"] == "SUCCEEDED"


def test_a_run_of_the_real_client_executes(kubeflow, write, run, tmp_path: Path, monkeypatch) -> None:
    """The compiled file is one that kfp's client uploads and runs without us."""
    if kubeflow.ours is None:
        pytest.skip("a real cluster may need credentials that kfp.Client would have to be given")
    monkeypatch.setenv("HOME", str(tmp_path))
    import kfp

    target = tmp_path / "pipeline.yaml"
    assert run("compile", write(TWO), "-o", target, "--image", kubeflow.image).code == 0
    with pytest.warns(FutureWarning):
        client = kfp.Client(host=kubeflow.ours.host)
    started = client.create_run_from_pipeline_package(str(target), arguments={"n": 2}, enable_caching=False)
    ended = client.wait_for_run_completion(started.run_id, timeout=60, sleep_duration=1)
    assert ended.state == "SUCCEEDED"


def _until(run, step: str, status: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        shown = json.loads(run("runs", "show", "latest", "--format", "json").out)
        if next(item for item in shown["steps"] if item["slug"] == step)["status"] == status:
            return
        time.sleep(0.2)
    raise AssertionError(f"{step} is not {status}: {shown['steps']}")
