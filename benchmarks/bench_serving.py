"""What a request costs at ``jupyter mlops serve`` and at ``mlflow models serve``: loopback, one process each."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from budget import Row
from measuring import Effort, workplace

MODELS = {"logistic": 0.35, "forest": 0.15}
"""Each with the bar of its processor time per request, in relation to the peer's."""
NOTEBOOK = """\
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
X4, y4 = make_classification(600, 4, n_informative=3, n_redundant=0, random_state=1)
X30, y30 = make_classification(600, 30, n_informative=9, random_state=1)
logistic4 = LogisticRegression(max_iter=1000).fit(X4, y4)
logistic30 = LogisticRegression(max_iter=1000).fit(X30, y30)
forest4 = RandomForestClassifier(100, random_state=1).fit(X4, y4)
forest30 = RandomForestClassifier(100, random_state=1).fit(X30, y30)
"""


@dataclass(frozen=True)
class Cost:
    """Of requests to a server.

    Args:
        cpu: Seconds of the server's processor time for each.
        p99: Seconds that the slowest hundredth took at least.
    """

    cpu: float
    p99: float


@dataclass(frozen=True)
class Peer:
    """A running server."""

    port: int
    process: psutil.Process
    cold: float

    def memory(self) -> float:
        """Resident bytes of the server and its children."""
        return float(sum(item.memory_info().rss for item in self._all()))

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return float(sum(sum(item.cpu_times()[:2]) for item in self._all()))

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def measure(effort: Effort) -> list[Row]:
    """Measure both servers for each model, number of features, batch and number of connections."""
    requests = 1000 if effort.tries > 1 else 60
    rows: list[Row] = []
    colds: list[tuple[float, float]] = []
    memories: list[tuple[float, float]] = []
    with workplace() as (folder, env):
        _prepare(folder, env)
        for model, bar in MODELS.items():
            for features in (4, 30):
                name = f"{model}{features}"
                with _ours(folder, env, name) as ours, _mlflow(folder, env, name) as theirs:
                    colds.append((ours.cold, theirs.cold))
                    for batch in (1, 64):
                        body = _body(features, batch)
                        one = [_load(peer, body, 1, requests) for peer in (ours, theirs)]
                        eight = [_load(peer, body, 8, requests) for peer in (ours, theirs)]
                        rows += _rows(f"{model}, {features} features, batch of {batch}", bar, one, eight)
                    memories.append((ours.memory(), theirs.memory()))
    rows.append(_ratio("cold start, to MLflow's", colds, 0.3, "s", 1))
    rows.append(_ratio("memory after the requests, to MLflow's", memories, 0.6, "MB", 1e6))
    return rows


def _rows(what: str, bar: float, one: list[Cost], eight: list[Cost]) -> list[Row]:
    ours, theirs = one
    cpu = f"{ours.cpu * 1e3:.2f} ms against {theirs.cpu * 1e3:.2f} ms"
    p99 = f"{eight[0].p99 * 1e3:.1f} ms against {eight[1].p99 * 1e3:.1f} ms"
    return [
        Row(f"served: {what}: processor time per request, to MLflow's", ours.cpu / theirs.cpu, bar, note=cpu),
        Row(f"served: {what}: p99 with 8 connections, to MLflow's", eight[0].p99 / eight[1].p99, 0.5, note=p99),
    ]


def _ratio(what: str, pairs: list[tuple[float, float]], bar: float, unit: str, scale: float) -> Row:
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    return Row(
        f"served: {what}", ours / theirs, bar, note=f"{ours / scale:.3g} {unit} against {theirs / scale:.3g} {unit}"
    )


def _prepare(folder: Path, env: dict[str, str]) -> None:
    """A store with the models, and the same models as MLflow keeps them."""
    code = [*NOTEBOOK.splitlines()]
    cells = [("imports", "\n".join(code[:3])), ("step:load", "\n".join(code[3:5]))]
    outs = [f"out:{model}{features}" for model in MODELS for features in (4, 30)]
    cells.append((" ".join(["step:train", *outs]), "\n".join(code[5:])))
    raw = {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"c{at}", "metadata": {"tags": tags.split()}, "source": source,
             "outputs": [], "execution_count": None}
            for at, (tags, source) in enumerate(cells)
        ],
    }  # fmt: skip
    (folder / "mlops.toml").touch()
    (folder / "served.ipynb").write_text(json.dumps(raw), encoding="utf-8")
    _mlops(folder, env, "run", "served.ipynb")
    for model in MODELS:
        for features in (4, 30):
            name = f"{model}{features}"
            _mlops(folder, env, "models", "register", f"latest:train/{name}", "--name", name)
            _mlops(folder, env, "bundle", name)
    save = (
        f"{NOTEBOOK}\nimport mlflow.sklearn\n"
        "for name in ['logistic4', 'logistic30', 'forest4', 'forest30']:\n"
        "    mlflow.sklearn.save_model(globals()[name], 'mlflow_' + name, serialization_format='cloudpickle')\n"
    )
    subprocess.run([sys.executable, "-c", save], cwd=folder, env=env, check=True, capture_output=True, timeout=300)


def _mlops(folder: Path, env: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "jupyter_mlops.cli", *words]
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, timeout=300)


@contextlib.contextmanager
def _ours(folder: Path, env: dict[str, str], name: str) -> Iterator[Peer]:
    port = _free_port()
    command = [sys.executable, "-m", "jupyter_mlops.cli", "serve", name, "--port", str(port)]
    with _running(command, folder, env, port) as peer:
        yield peer


@contextlib.contextmanager
def _mlflow(folder: Path, env: dict[str, str], name: str) -> Iterator[Peer]:
    port = _free_port()
    command = [
        sys.executable, "-m", "mlflow", "models", "serve", "-m", f"mlflow_{name}", "-p", str(port),
        "--env-manager", "local", "--workers", "1",
    ]  # fmt: skip
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.environ["PATH"])])
    with _running(command, folder, {**env, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}, port) as peer:
        yield peer


@contextlib.contextmanager
def _running(command: list[str], folder: Path, env: dict[str, str], port: int) -> Iterator[Peer]:
    start = time.perf_counter()
    log = (folder / f"server-{port}.log").open("w+")
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 120
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"{command} did not start: {log.read()[-2000:]}")
            time.sleep(0.02)
        yield Peer(port, psutil.Process(process.pid), time.perf_counter() - start)
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def _load(peer: Peer, body: bytes, connections: int, requests: int) -> Cost:
    _client(peer.port, body, 20, [])
    before = peer.cpu()
    times: list[float] = []
    each = requests // connections
    threads = [threading.Thread(target=_client, args=(peer.port, body, each, times)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return Cost((peer.cpu() - before) / (each * connections), times[int(len(times) * 0.99)])


def _client(port: int, body: bytes, requests: int, times: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(requests):
        start = time.perf_counter()
        connection.request("POST", "/invocations", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(content[:500])
        times.append(time.perf_counter() - start)


def _body(features: int, batch: int) -> bytes:
    data: list[list[Any]] = [[((row * 7 + at) % 13) / 7 - 0.9 for at in range(features)] for row in range(batch)]
    return json.dumps({"inputs": data}).encode()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
