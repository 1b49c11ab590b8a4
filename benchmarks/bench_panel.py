"""What the JupyterLab panel waits for, of a real Jupyter server: the analysis after an edit, and a page of runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from budget import Row
from measuring import Effort
from notebooks.make_diamond import long_notebook
from runs_store import fill

from jupyter_mlops.store.home import ensure_home

CELLS = 100
_BAR = 50
"""Milliseconds."""
_TOKEN = "bench"
_PATIENCE = 120
_LAUNCH = """
import sys
from jupyter_server.serverapp import ServerApp
app = ServerApp.instance()
app.initialize(sys.argv[1:], find_extensions=False)
app.start()
"""


def measure(effort: Effort) -> list[Row]:
    """Ask again and again; take the medians."""
    tries = max(5, 10 * effort.tries)
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        root = Path(name) / "root"
        root.mkdir()
        (root / "pyproject.toml").touch()
        fill(ensure_home(root / ".mlops").database, effort.runs)
        with _server(root, Path(name)) as asked:
            return [_analysis(asked, tries), _runs(asked, effort.runs, tries)]


Ask = Callable[[str, str, Any], tuple[float, float]]
"""Asks, and returns milliseconds, and milliseconds of processor time of the server and its processes."""


def _analysis(asked: Ask, tries: int) -> Row:
    raw = long_notebook(CELLS)
    cells = [{**cell, "source": "".join(cell["source"])} for cell in raw["cells"]]
    body = {"path": "long.ipynb", "cells": cells, "metadata": raw["metadata"]}
    place = next(place for place, cell in enumerate(cells) if place > CELLS // 2 and cell["cell_type"] == "code")
    source = cells[place]["source"]
    asked("POST", "analysis", body)
    took = []
    for number in range(tries):
        cells[place]["source"] = f"{source}\nedited = {number}"
        took.append(asked("POST", "analysis", body))
    return _row(f"a changed cell in a notebook of {CELLS} cells", took)


def _runs(asked: Ask, size: int, tries: int) -> Row:
    asked("GET", "runs", None)
    return _row(
        f"the panel's page of 100 runs, of {size:,}", [asked("GET", "runs?limit=100", None) for _ in range(tries)]
    )


def _row(what: str, took: list[tuple[float, float]]) -> Row:
    wall, processor = (statistics.median(item[place] for item in took) for place in (0, 1))
    return Row(what, wall, _BAR, "ms", note=f"round trip, median of {len(took)}; {processor:.0f} ms of processor time")


@contextlib.contextmanager
def _server(root: Path, folder: Path) -> Iterator[Ask]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_CONFIG_DIR": str(folder)}
    environment.pop("JUPYTER_MLOPS_HOME", None)
    command = [
        *(sys.executable, "-c", _LAUNCH, "--no-browser", "--allow-root", f"--ServerApp.port={port}"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"),
        *(f"--IdentityProvider.token={_TOKEN}", "--ServerApp.jpserver_extensions={'jupyter_mlops': True}"),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield _asking(port, process)
    finally:
        process.terminate()
        process.wait(30)


def _asking(port: int, process: subprocess.Popen[bytes]) -> Ask:
    end = time.monotonic() + _PATIENCE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    while True:
        with contextlib.suppress(OSError):
            connection.connect()
            break
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError("the Jupyter server does not start")
        time.sleep(0.1)
    family = psutil.Process(process.pid)

    def processor() -> float:
        every = [family, *family.children(recursive=True)]
        return 1000 * sum(times.user + times.system for times in (item.cpu_times() for item in every))

    def ask(method: str, path: str, body: Any) -> tuple[float, float]:
        text = None if body is None else json.dumps(body)
        headers = {"Authorization": f"token {_TOKEN}"}
        before, start = processor(), time.perf_counter()
        connection.request(method, f"/jupyter-mlops/api/{path}", text, headers)
        answer = connection.getresponse()
        content = answer.read()
        took = 1000 * (time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return took, processor() - before

    return ask
