"""A deployment in a process of its own: started, asked, changed, killed, found again, stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

sys.path.append(str(Path(__file__).parent))

from served_models import MOODY, NEWER, STEADY, make_store

from jupyter_mlops.api import deployments
from jupyter_mlops.api.deployments import Request, Terms
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store.database import Database


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    home = make_store(tmp_path)
    yield home
    for item in deployments.deployments(home=home):
        deployments.stop_deployment(item.name, home=home)


def test_the_life_of_a_deployment(home: Path) -> None:
    first = deployments.deploy(Request(f"churn@{STEADY}"), home=home)
    found = first.deployment
    assert (found.state, found.endpoint and found.endpoint[:17]) == ("running", "http://127.0.0.1:")
    assert first.before is None and found.pid is not None
    assert os.getsid(found.pid) != os.getsid(0), "it goes on when the terminal is closed"

    answer = deployments.try_it("churn", home=home)
    assert answer.version == STEADY and answer.id and len(answer.outputs["predict"]) >= 1
    given = [{"income": 0.1, "age": 3.0}, {"age": -3.0, "income": 0.1}]
    assert deployments.try_it("churn", given, home=home).outputs["predict"] == [1, 0]
    with pytest.raises(UsageError, match="income"):
        deployments.try_it("churn", [{"age": 1.0}], home=home)

    again = deployments.deploy(Request(f"churn@{STEADY}"), home=home)
    assert not again.changed and again.deployment.pid == found.pid

    over = deployments.deploy(Request(f"churn@{NEWER}"), reason="newer", home=home).deployment
    assert over.pid == found.pid and over.endpoint == found.endpoint
    assert deployments.try_it("churn", home=home).version == NEWER
    deployments.roll_back("churn", home=home)
    assert deployments.try_it("churn", home=home).version == STEADY, "it has gone over when the command is done"
    deployments.set_weights("churn", {STEADY: 50, NEWER: 50}, home=home)
    assert deployments.try_it("churn", version=NEWER, home=home).version == NEWER

    os.kill(found.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(found.pid)] if psutil.pid_exists(found.pid) else [], timeout=10)
    for _ in range(200):
        if deployments.deployment("churn", home=home).deployment.state == "failed":
            break
        time.sleep(0.05)
    lost = deployments.deployment("churn", home=home)
    assert lost.deployment.state == "failed" and "has ended" in (lost.deployment.problem or "")
    assert lost.live is not None and lost.live.versions, "the last numbers stay"
    with pytest.raises(UsageError, match="can't be asked"):
        deployments.try_it("churn", home=home)

    back = deployments.deploy(Request("churn", weights={STEADY: 50, NEWER: 50}), home=home).deployment
    assert back.state == "running" and back.pid != found.pid and back.endpoint == found.endpoint
    with pytest.raises(UsageError, match="still answers"):
        deployments.remove_deployment("churn", home=home)
    assert deployments.stop_deployment("churn", reason="the end", home=home).deployment.state == "stopped"
    assert back.pid is not None and not psutil.pid_exists(back.pid)
    assert not deployments.stop_deployment("churn", home=home).changed
    json.dumps(deployments.deployment("churn", home=home).to_json())
    deployments.remove_deployment("churn", home=home)
    assert deployments.deployments(home=home) == () and not (home / "deployments" / "churn").exists()


def test_a_server_that_can_not_start_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InfrastructureError, match="can't be listened on") as failed:
            deployments.deploy(Request(f"churn@{STEADY}", terms=Terms(port=port)), home=home)
    assert "server.log" in (failed.value.hint or "")
    assert deployments.deployments(home=home)[0].state == "failed"


def test_a_number_that_another_process_has_now_is_not_ours(home: Path) -> None:
    from jupyter_mlops.deploy import local
    from jupyter_mlops.deploy.deployment import Deployment
    from jupyter_mlops.deploy.rollout import Rollouts, Wish
    from jupyter_mlops.tracking.models import Registry

    with Database(home / "mlops.db") as database:
        Rollouts(database).deploy(Wish(Registry(database).version(f"churn@{MOODY}")))
        database.set_deployment_state("churn", "running", endpoint="http://127.0.0.1:1")
        mine = psutil.Process()
        for started, alive in ((mine.create_time(), True), (mine.create_time() - 1000, False)):
            import platform

            database.set_deployment_process("churn", host=platform.node(), pid=mine.pid, pid_started=started)
            record = database.deployment("churn")
            assert record is not None and local.is_alive(Deployment.from_record(record)) is alive
        assert deployments.deployments(home=home)[0].state == "failed"
        database.set_deployment_process("churn", host="another", pid=mine.pid, pid_started=1.0)
        record = database.deployment("churn")
        assert record is not None and local.is_alive(Deployment.from_record(record)) is None
        with pytest.raises(InfrastructureError, match="runs on another"):
            deployments.stop_deployment("churn", home=home)
        database.set_deployment_process("churn", host=None, pid=None, pid_started=None)
