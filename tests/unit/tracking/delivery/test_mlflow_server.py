"""A real server of MLflow: it is killed in the middle, is away, comes back, and has everything once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.cli.main import main
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import Addressee
from jupyter_mlops.tracking.delivery import deliver

pytestmark = pytest.mark.kernel

RUNS = 50


class Server:
    """``mlflow server`` with a database and a folder of artifacts of its own, on the loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                start_new_session=True,
            )
        due = time.monotonic() + 90
        while not self._is_up():
            assert process.poll() is None and time.monotonic() < due, self._log()
            time.sleep(0.1)

    def kill(self) -> None:
        """End it and its workers as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def runs(self, client: Any, **tags: str) -> list[Any]:
        """All runs with these tags, whatever experiment they are in."""
        wanted = " and ".join(f"tags.mlops.{name} = '{value}'" for name, value in tags.items())
        places = [item.experiment_id for item in client.search_experiments()]
        return list(client.search_runs(places, wanted, max_results=1000))

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _log(self) -> str:
        return (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def client(server: Server) -> Any:
    import mlflow

    return mlflow.MlflowClient(server.uri, server.uri)


def test_fifty_runs_arrive_once_though_the_server_is_killed(
    books: Any, server: Server, client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = Addressee("mlflow", server.uri, {"experiment": "fifty"})
    runs = [books.run(to, steps=number % 10 == 0) for number in range(RUNS)]
    delivered: list[str] = []
    killer = threading.Timer(0.1, server.kill)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    def told(delivery: Any, error: str | None) -> None:
        if error is None:
            delivered.append(delivery.subject)
        if len(delivered) == 20 and error is None:
            killer.start()  # ends the server while the next one is under way

    done = deliver(books.database, books.home, os.environ, told=told)
    killer.join()
    assert 20 <= len(done.delivered) < RUNS and len(done.delivered) + len(done.waiting) == RUNS
    assert all(item.error for item in done.waiting) and done.exit_code == 4
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(books.home.root))
    assert main(["sync"]) == 4  # still away: said in words, with nothing lost
    printed = capsys.readouterr()
    assert "nobody answers at 127.0.0.1" in printed.out and "Traceback" not in printed.out + printed.err

    server.start()
    assert main(["sync", "--format", "json"]) == 0
    synced = json.loads(capsys.readouterr().out)
    assert synced["waiting"] == [] and {item["subject"] for item in synced["delivered"]} <= set(runs)
    found = server.runs(client, kind="run")
    assert Counter(run.data.tags["mlops.run_id"] for run in found) == Counter(runs)
    assert {run.data.tags.get("mlops.delivered") for run in found} == {"1"}
    steps = server.runs(client, kind="step")
    assert len(steps) == 5 * 3 + 45
    parents = {run.info.run_id for run in found}
    assert {run.data.tags["mlflow.parentRunId"] for run in steps} == parents
    for run in found:
        assert [(item.value, item.step) for item in client.get_metric_history(run.info.run_id, "rows")] == [(3.0, 0)]
        assert {item.path for item in client.list_artifacts(run.info.run_id)} == {
            "output.ipynb",
            "report.html",
            "run.json",
        }
    train = next(run for run in steps if run.info.run_name == "Train")
    losses = client.get_metric_history(train.info.run_id, "loss")
    assert sorted((item.step, item.timestamp) for item in losses) == [(number, 1000 + number) for number in range(5)]
    assert main(["sync"]) == 0
    assert "There is nothing to deliver." in capsys.readouterr().out


def test_a_registered_model_is_loaded_by_mlflow(books: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    from sklearn.dummy import DummyClassifier

    from jupyter_mlops.runtime.serializers import choose
    from jupyter_mlops.runtime.usercode import UserCode
    from jupyter_mlops.runtime.writer import HashingFile

    model = DummyClassifier(strategy="constant", constant=1).fit([[0], [1]], [0, 1])
    serializer, path = choose((model,)), books.home.tmp / "model"
    with HashingFile(path, fsync=False) as file:
        serializer.write(file, (model,), UserCode({}, frozenset()))
    to = Addressee("mlflow", server.uri)
    run_id = books.run(to, steps=False)
    record = books.keep(path.read_bytes(), "model", "value", "DummyClassifier", serializer=serializer.name)
    books.database.record_artifacts(run_id, "load", outputs=[record])
    books.register("leavers", run_id, "load", "load.model", versions=1, aliases={"champion": 1})
    books.database.queue_delivery(to, "model", "leavers")
    assert deliver(books.database, books.home, os.environ).waiting == ()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    loaded = mlflow.pyfunc.load_model("models:/leavers@champion")
    assert list(loaded.predict([[5], [6]])) == [1, 1]


def _notebook(folder: Path, name: str, **cells: tuple[str, str]) -> Path:
    """Write a notebook of (source, tag) pairs."""
    made = [
        {"cell_type": "code", "id": key, "metadata": {"tags": [tag]}, "source": source, "outputs": []}
        | {"execution_count": None}
        for key, (source, tag) in cells.items()
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": made}), "utf-8")
    return path


NOTEBOOK = {
    "prepare": (
        "import mlflow\nfrom sklearn.datasets import make_classification\n"
        "X, y = make_classification(200, 4, random_state=0)\n"
        "mlflow.log_metric('rows', len(X))\nmlflow.log_param('seed', 0)\n",
        "step:prepare",
    ),
    "train": (
        "from sklearn.linear_model import LogisticRegression\n"
        "mlflow.sklearn.autolog(log_models=False)\n"
        "model = LogisticRegression(C=0.5).fit(X, y)\n"
        "mlflow.sklearn.log_model(model, name='forest', pip_requirements=[], registered_model_name='forest')\n",
        "step:train",
    ),
    "both": (
        "for name in ('one', 'two'):\n"
        "    with mlflow.start_run(run_name=name):\n"
        "        mlflow.log_metric('size', len(name))\n"
        "        with mlflow.start_run(run_name=name + ' below', nested=True):\n"
        "            mlflow.log_metric('deep', 1, step=3)\n",
        "step:both",
    ),
}


def test_what_steps_log_lands_under_their_runs(
    tmp_path: Path, server: Server, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = _notebook(tmp_path, "logging", **NOTEBOOK)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "steps")
    monkeypatch.setenv("JUPYTER_MLOPS_SYNC_WAIT", "120")
    result = api.run(notebook, home=tmp_path / "home")
    assert result.status == "succeeded" and result.notes == ()
    _check_logged(server, client, result.run_id)
    again = api.run(notebook, home=tmp_path / "home")
    assert {step.status for step in again.steps} == {"reused"} and again.notes == ()
    _check_logged(server, client, again.run_id)
    assert len(server.runs(client, run_id=result.run_id)) == 8  # the run, three steps, four runs of the last step
    with Database(tmp_path / "home" / "mlops.db") as database:
        assert database.deliveries() == ()
    assert not list(tmp_path.rglob("mlruns")) and not list(tmp_path.rglob("mlflow.db"))


def _check_logged(server: Server, client: Any, run_id: str) -> None:
    (run,) = server.runs(client, run_id=run_id, kind="run")
    steps = {item.data.tags["mlops.step"]: item for item in server.runs(client, run_id=run_id, kind="step")}
    assert {item.data.tags["mlflow.parentRunId"] for item in steps.values()} == {run.info.run_id}
    assert steps["prepare"].data.metrics == {"rows": 200} and steps["prepare"].data.params == {"seed": "0"}
    train = steps["train"]
    assert train.data.params["C"] == "0.5" and train.data.metrics["training_accuracy_score"] > 0.5
    assert len(client.get_metric_history(train.info.run_id, "training_accuracy_score")) == 1
    assert train.inputs.dataset_inputs and {item.path for item in client.list_artifacts(train.info.run_id)} >= {
        "estimator.html",
        "step.ipynb",
    }
    (output,) = client.get_run(train.info.run_id).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert model.name == "forest" and str(model.status) == "READY"
    versions = client.search_model_versions("name = 'forest'")
    (version,) = [item for item in versions if item.run_id == train.info.run_id]
    assert version.source == f"models:/{model.model_id}"
    own = {item.info.run_name: item for item in server.runs(client, run_id=run_id, kind="own")}
    assert set(own) == {"one", "two", "one below", "two below"}
    for name in ("one", "two"):
        assert own[name].data.tags["mlflow.parentRunId"] == steps["both"].info.run_id
        assert own[name].data.metrics == {"size": 3.0} and own[name].info.status == "FINISHED"
        below = own[f"{name} below"]
        assert below.data.tags["mlflow.parentRunId"] == own[name].info.run_id
        assert [item.step for item in client.get_metric_history(below.info.run_id, "deep")] == [3]


def test_a_notebook_that_reads_from_mlflow_talks_to_the_server(
    tmp_path: Path, server: Server, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "import mlflow\nwith mlflow.start_run(run_name='mine'):\n    mlflow.log_metric('a', 1)\n"
        "found = len(mlflow.search_runs(search_all_experiments=True, filter_string=\"run_name = 'mine'\"))\n"
    )
    notebook = _notebook(tmp_path, "reading", cell=(source, "step:read"), last=("seen = found", "metrics"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("JUPYTER_MLOPS_SYNC_WAIT", "120")
    result = api.run(notebook, home=tmp_path / "home")
    assert dict(result.metrics) == {"seen": 1} and result.notes == ()
    (mine,) = server.runs(client, within="read")
    (step,) = server.runs(client, run_id=result.run_id, step="read")
    assert mine.data.tags["mlflow.parentRunId"] == step.info.run_id and mine.data.tags["mlops.run_id"] == result.run_id


def test_a_server_that_is_away_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    notebook = _notebook(tmp_path, "away", cell=("import mlflow\nmlflow.log_metric('a', 1)\n", "step:log"))
    with socket.socket() as deaf:  # takes nobody's call, so that whoever waits for an answer waits long
        deaf.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
        assert main(["run", str(notebook), "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["steps"][0]["seconds"] < 60  # MLflow alone would try for minutes
    with Database(tmp_path / "home" / "mlops.db") as database:
        (waiting,) = database.deliveries()
        assert waiting.subject == result["run_id"]
        due = time.monotonic() + 60
        while not database.deliveries()[0].error and time.monotonic() < due:
            time.sleep(0.2)
    assert main(["run", str(notebook)]) == 0
    assert "Note: 1 run waits for http://127.0.0.1" in capsys.readouterr().out
    assert main(["sync", "--dry-run"]) == 0
    assert "2 runs wait." in capsys.readouterr().out
