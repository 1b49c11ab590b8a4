"""The server under load and change: batches, full queues, models that hang, versions that come and go."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from served import Running

from jupyter_mlops import api
from jupyter_mlops.deploy.serving.policy import Choice, Observation, Request

Serving = Callable[..., Running]
ROW = {"a": 0.5, "b": 0.25, "c": -1.0}


def ask(server: Running, model: str, row: Any, **options: Any) -> httpx.Response:
    """Ask with a connection of its own."""
    url = f"{server.url}/v1/models/{model}:predict"
    return httpx.post(url, json={"instances": [row]}, timeout=60, verify=False, **options)


def wait_for_active(server: Running, model: str) -> None:
    """Wait until a request is being answered."""
    deadline = time.monotonic() + 30
    while not server.app.host.get(model, 1).active:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_requests_that_wait_are_computed_together(serving: Serving) -> None:
    server = serving("moody")
    seen: list[int] = []
    predictor = server.app.host.get("moody", 1).predictor
    run = predictor.engine.run

    def counted(rows: Any, outputs: Any) -> Any:
        seen.append(len(rows))
        return run(rows, outputs)

    predictor.engine.run = counted  # type: ignore[method-assign]
    with ThreadPoolExecutor(12) as pool:
        slow = pool.submit(ask, server, "moody", [7, 0])  # takes a while: others gather behind it
        wait_for_active(server, "moody")
        others = [pool.submit(ask, server, "moody", [number, 0]) for number in range(20, 30)]
        assert [item.result().json()["predictions"] for item in others] == [[2.0 * n] for n in range(20, 30)]
        assert slow.result().json() == {"predictions": [14.0]}
    assert len(seen) < 11 and sum(seen) == 11


def test_one_bad_row_does_not_spoil_the_batch(serving: Serving) -> None:
    server = serving("moody")
    with ThreadPoolExecutor(4) as pool:
        pool.submit(ask, server, "moody", [7, 0])
        wait_for_active(server, "moody")
        good, bad, fine = (pool.submit(ask, server, "moody", [number, 0]) for number in (1, 13, 2))
        assert (good.result().status_code, bad.result().status_code, fine.result().status_code) == (200, 422, 200)


def test_a_full_queue_is_told_with_a_time_to_try_again(serving: Serving) -> None:
    server = serving("moody", "forest", queue=2)
    with ThreadPoolExecutor(9) as pool:
        answers = [item.result() for item in [pool.submit(ask, server, "moody", [7, 0]) for _ in range(8)]]
        codes = sorted(item.status_code for item in answers)
    assert set(codes) == {200, 429} and codes.count(200) >= 3
    refused = next(item for item in answers if item.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1 and "busy" in refused.json()["error"]
    assert ask(server, "moody", [1, 0]).status_code == 200


def test_a_model_that_hangs_is_left_alone(serving: Serving) -> None:
    server = serving("moody", "forest", timeout=0.5)
    for _ in range(2):
        answer = ask(server, "moody", [99, 0])
        assert (answer.status_code, answer.json()["field"]) == (408, "model")
        assert ask(server, "moody", [1, 0]).json() == {"predictions": [2.0]}  # another thread goes on
    assert ask(server, "moody", [99, 0]).status_code == 408
    assert ask(server, "moody", [1, 0]).status_code == 429  # too often
    assert server.http.get("/v2/health/ready").status_code == 503
    assert server.http.get("/v2/models/moody/ready").status_code == 503
    assert ask(server, "forest", ROW).status_code == 200  # the others are not concerned
    assert server.http.get("/v2/health/live").status_code == 200


def test_models_come_and_go(serving: Serving) -> None:
    server = serving("forest")
    index = {(item["name"], item["version"]): item["state"] for item in server.http.post("/v2/repository/index").json()}
    assert index[("forest", "1")] == "READY" and index[("churn", "1")] == "UNAVAILABLE"
    ready = server.http.post("/v2/repository/index", json={"ready": True}).json()
    assert [item["name"] for item in ready] == ["forest"]
    assert server.http.post("/v2/repository/models/other/load").status_code == 200
    assert server.http.get("/v2/models/other").json()["versions"] == ["2"]
    body = {"parameters": {"version": 1}}
    assert server.http.post("/v2/repository/models/other/load", json=body).status_code == 200
    assert server.http.get("/v2/models/other").json()["versions"] == ["2", "1"]
    inputs = {"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": list(ROW.values())}]}
    assert server.http.post("/v2/models/other/infer", json=inputs).json()["model_version"] == "1"  # loaded last
    assert server.http.post("/v2/models/other/versions/2/infer", json=inputs).json()["model_version"] == "2"
    assert server.http.post("/v2/repository/models/other/unload", json=body).status_code == 200
    assert server.http.get("/v2/models/other").json()["versions"] == ["2"]
    assert server.http.post("/v2/repository/models/other/unload").status_code == 200
    assert server.http.get("/v2/models/other").status_code == 404
    closed = serving("forest", manage=False)
    assert closed.http.post("/v2/repository/models/other/load").status_code == 403


def test_versions_are_swapped_without_a_failed_request(serving: Serving, store: Path) -> None:
    """An alias moves to and fro while clients ask: each answer is of one of the two versions, none fails."""
    api.set_model_alias("other", 1, "champion", home=store)
    server = serving("other@champion", follow=0.05)
    inputs = {"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": list(ROW.values())}]}
    stop = threading.Event()
    found: list[tuple[int, str]] = []

    def client() -> None:
        with httpx.Client(base_url=server.url, timeout=30) as http:
            while not stop.is_set():
                answer = http.post("/v2/models/other/infer", json=inputs)
                found.append((answer.status_code, answer.json().get("model_version", answer.text)))

    threads = [threading.Thread(target=client) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for version in (2, 1, 2):
            api.set_model_alias("other", version, "champion", home=store)
            deadline = time.monotonic() + 30
            while not found or found[-1][1] != str(version):
                assert time.monotonic() < deadline, "the server did not follow"
                time.sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {code for code, _ in found} == {200}, [item for item in found if item[0] != 200][:3]
    assert {version for _, version in found} == {"1", "2"}
    assert server.http.get("/v2/models/other").json()["versions"] == ["2"]  # the other one was let go


def test_what_can_not_be_loaded_leaves_the_rest_as_it_was(serving: Serving, store: Path) -> None:
    server = serving("forest")
    made = api.bundle("linear", home=store)
    victim = made.path / "model.onnx"
    content = victim.read_bytes()
    victim.write_bytes(content[:-1])
    from jupyter_mlops.deploy.serving.sources import FolderSource
    from jupyter_mlops.deploy.trust import Trust
    from jupyter_mlops.errors import InfrastructureError

    with pytest.raises(InfrastructureError, match="is damaged"):
        FolderSource([made.path], Trust(digests=frozenset([made.digest])))
    assert server.http.post("/v2/repository/models/linear/load").status_code == 200  # the store makes another
    assert ask(server, "forest", ROW).status_code == 200


class Half:
    """Sends a request to version 2 and to version 1 in the shade."""

    def choose(self, model: str, request: Request, versions: Any) -> Choice:
        assert request.id and request.protocol in ("v2", "v1", "mlflow", "metadata")
        return Choice(2, (1,))


class Notes:
    """Keeps what it is told, and fails now and then."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def observed(self, observation: Observation) -> None:
        self.seen.append(observation)
        raise RuntimeError("an observer's own trouble")


def test_policies_choose_and_observers_are_told(serving: Serving) -> None:
    notes = Notes()
    server = serving("other/1", "other/2", options={"router": Half(), "observer": notes})
    answer = ask(server, "other", list(ROW.values()), headers={"x-request-id": "r1"})
    assert answer.status_code == 200
    bad = ask(server, "other", ["x", 1.0, 1.0])
    assert bad.status_code == 400
    deadline = time.monotonic() + 10
    while len(notes.seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    told = sorted((item.request.id == "r1", item.version, item.shadow, item.fault) for item in notes.seen)
    assert told == [(False, 2, False, "client"), (True, 1, True, None), (True, 2, False, None)]
    main = next(item for item in notes.seen if item.request.id == "r1" and not item.shadow)
    assert np.array_equal(main.inputs.matrix, [list(ROW.values())])
    assert main.outputs["predict"].tolist() == answer.json()["predictions"] and main.seconds > 0


def test_requests_end_well_when_the_server_is_stopped(serving: Serving) -> None:
    server = serving("moody")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, server, "moody", [7, 0])
        wait_for_active(server, "moody")
        server.stop()
        assert slow.result().json() == {"predictions": [14.0]}
    with pytest.raises(httpx.ConnectError):
        ask(server, "moody", [1, 0])


def test_a_model_that_is_not_there_keeps_the_server_from_starting(store: Path) -> None:
    from jupyter_mlops.errors import UsageError

    server = api.make_server(["nope"], api.serve_settings(), home=store)
    with pytest.raises(UsageError, match='There is no model "nope"'):
        asyncio.run(server.start())


@pytest.mark.parametrize(
    "values", [{"queue": 0}, {"workers": 99}, {"timeout": 0}, {"port": 70000}, {"certificate": "x"}, {"token": " "}]
)
def test_settings_that_make_no_sense(values: dict[str, Any]) -> None:
    from jupyter_mlops.errors import UsageError

    with pytest.raises(UsageError):
        api.serve_settings(**values)
