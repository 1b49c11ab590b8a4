"""Jobs in processes of their own: they run, are stopped, and outlive the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving import TOKEN, Client, Server, saved, serving, start_server, until, validator
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.kernel

_STEPS = (
    ("n: int = 3", ["parameters"]),
    ("print('loading', n)\nvalues = list(range(n))", ["step:load"]),
    ("total = sum(values)", ["step:add"]),
    ("score = total / 2", ["metrics"]),
)
_SLOW = (
    ("a = 1", ["step:quick"]),
    ("import time\nprint('waiting')\nfor _ in range(600):\n    time.sleep(a / 10)", ["step:slow"]),
)


def _project(root: Path, name: str) -> str:
    (root / name).mkdir()
    (root / name / "pyproject.toml").touch()
    return name


def _ended(client: Client, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"jobs/{job}")
        return found if found["state"] in ("succeeded", "failed", "cancelled", "lost") else None

    found: dict[str, Any] = until(look, "The end of the job", 120)
    return found


def _at_work(client: Client, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"jobs/{job}")
        assert found["state"] in ("queued", "running"), found
        return found if "waiting" in found["log"] else None

    found: dict[str, Any] = until(look, "The slow step", 120)
    return found


async def _told(server: Server, since: int, until_type: str) -> list[dict[str, Any]]:
    """Messages of the stream up to the first of a type."""
    url = f"ws://127.0.0.1:{server.port}/jupyter-mlops/api/events?since={since}"
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"}))
    found: list[dict[str, Any]] = []
    with contextlib.closing(socket):
        while not found or found[-1]["type"] != until_type:
            message = await asyncio.wait_for(socket.read_message(), 30)
            assert message is not None
            found.append(json.loads(message))
            validator("Event").validate(found[-1])
    return found


def test_a_run_goes_through_and_is_told(client: Client, server: Server) -> None:
    folder = _project(server.root, "through")
    saved(server.root / folder, "a.ipynb", *_STEPS)
    before = client.get("status", path=folder)["seq"]
    wish = {"kind": "run", "path": f"{folder}/a.ipynb", "parameters": {"n": 4, "api_key": "hunter2"}}
    refused = _ended(client, client.send("POST", "jobs", wish)["id"])
    assert (refused["state"], refused["problem"]["code"]) == ("failed", "usage") and refused["run_id"] is None
    assert "hunter2" not in json.dumps(refused) and refused["parameters"]["n"] == 4
    done = _ended(client, client.send("POST", "jobs", {**wish, "parameters": {"n": 4}})["id"])
    assert done["state"] == "succeeded", done
    assert [step["status"] for step in done["steps"]] == ["succeeded"] * 3
    assert done["log"] == "loading 4\n" and done["result"]["metrics"] == {"score": 3.0}
    assert done["seconds"] > 0 and not done["warming"] and done["current"] is None
    log = client.get(f"jobs/{done['id']}/log", step="load")
    assert log["text"] == "loading 4\n" and client.get(f"jobs/{done['id']}/log", step="add")["text"] == ""
    run = client.get(f"runs/{done['run_id']}", path=folder)
    assert {item["name"]: item["value"] for item in run["params"]} == {"n": 4}
    assert client.get(f"runs/{done['run_id']}/steps/load/log", path=folder)["text"] == "loading 4\n"
    told = asyncio.run(_told(server, before, "job"))
    assert told[0]["resumed"] is True
    again = _ended(client, client.send("POST", "jobs", {**wish, "parameters": {"n": 4}})["id"])
    assert [step["status"] for step in again["steps"]] == ["reused"] * 3
    code = client.send("POST", "load-code", {"path": folder, "run": done["run_id"], "step": "add"})
    namespace: dict[str, Any] = {}
    assert eval(code["probe"], namespace) == []
    exec(code["code"], namespace)
    assert namespace["values"] == [0, 1, 2, 3] and code["names"] == ["values"]
    assert eval(code["probe"], namespace) == ["values"]
    client.send("DELETE", f"jobs/{again['id']}")
    assert again["id"] not in {job["id"] for job in client.get("jobs", path=folder)["jobs"]}
    assert asyncio.run(_told(server, before, "job-gone"))[-1]["id"] == again["id"]


def test_a_failure_is_told_with_its_cell_and_retried(client: Client, server: Server) -> None:
    folder = _project(server.root, "failing")
    saved(server.root / folder, "a.ipynb", ("a = 1", ["step:one"]), ("b = a\nc = 1 / (a - 1)", ["step:two"]))
    failed = _ended(client, client.send("POST", "jobs", {"kind": "run", "path": f"{folder}/a.ipynb"})["id"])
    assert failed["state"] == "failed" and [step["status"] for step in failed["steps"]] == ["succeeded", "failed"]
    failure = failed["failure"]
    assert (failure["cell"], failure["number"], failure["line"], failure["type"]) == ("c1", 2, 2, "ZeroDivisionError")
    saved(server.root / folder, "a.ipynb", ("a = 1", ["step:one"]), ("b = a\nc = 1 / a", ["step:two"]))
    mended = _ended(client, client.send("POST", f"runs/{failed['run_id']}/retry", {}, path=folder)["id"])
    assert mended["state"] == "succeeded"
    assert [step["status"] for step in mended["steps"]] == ["reused", "succeeded"]


def test_a_notebook_with_errors_does_not_run(client: Client, server: Server) -> None:
    folder = _project(server.root, "wrong")
    saved(server.root / folder, "a.ipynb", ("a = (", ["step:one"]))
    found = _ended(client, client.send("POST", "jobs", {"kind": "run", "path": f"{folder}/a.ipynb"})["id"])
    assert (found["state"], found["problem"]["code"]) == ("failed", "not-a-pipeline")
    assert found["problem"]["diagnostics"][0]["cell"] == "c0"


def test_a_job_is_verified(client: Client, server: Server) -> None:
    folder = _project(server.root, "verified")
    saved(server.root / folder, "a.ipynb", ("a = 1", ["step:one"]), ("b = a + 1", ["step:two"]))
    found = _ended(client, client.send("POST", "jobs", {"kind": "verify", "path": f"{folder}/a.ipynb"})["id"])
    assert found["state"] == "succeeded", found
    assert found["verification"]["equal"] and found["run_id"] is None


def test_a_job_outlives_the_server_and_is_found_by_the_next(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    folder = _project(root, "outliving")
    saved(root / folder, "a.ipynb", *_SLOW)
    first = start_server(root, tmp_path / "runtime")
    try:
        job = first.client.send("POST", "jobs", {"kind": "run", "path": f"{folder}/a.ipynb"})["id"]
        at_work = _at_work(first.client, job)
        assert at_work["current"] == {"step": "slow", "cell": "c1"} and not at_work["warming"]
        assert first.client.refused("DELETE", f"jobs/{job}")[1]["code"] == "conflict"
        other = first.client.send("POST", "jobs", {"kind": "run", "path": f"{folder}/a.ipynb"})["id"]
        until(lambda: first.client.get(f"jobs/{other}")["state"] == "running", "The second job")
    finally:
        first.stop(kill=True)
    events = (root / folder / ".mlops" / "jobs" / other / "events.ndjson").read_text(encoding="utf-8")
    pid = json.loads(events.splitlines()[0])["pid"]
    _end_family(pid)  # while no server looks
    with serving(root, tmp_path / "runtime") as second:
        found = {item["id"]: item for item in second.client.get("jobs")["jobs"]}
        assert found[job]["state"] == "running" and found[job]["log"] == "waiting\n"
        assert found[other]["state"] == "lost" and found[other]["problem"]["hint"]
        assert second.client.send("POST", f"jobs/{job}/stop")["state"] == "stopping"
        done = _ended(second.client, job)
        assert done["state"] == "cancelled"
        assert [step["status"] for step in done["steps"]] == ["succeeded", "cancelled"]
        assert second.client.get(f"runs/{done['run_id']}", path=folder)["status"] == "cancelled"
        assert second.client.send("POST", f"jobs/{job}/stop")["state"] == "cancelled"


def _end_family(pid: int) -> None:
    """End the process of a job, whose kernels end with it."""
    children = psutil.Process(pid).children(recursive=True)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs(children, timeout=30)
