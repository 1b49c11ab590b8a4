"""The server as clients see it: protocols, bad input, limits."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bodies import binary, binary_outputs, columns, tensor
from prometheus_client.parser import text_string_to_metric_families
from served import Running

from jupyter_mlops import api

GOOD = {"age": 40, "income": 2.5, "city": "Ulm"}


def test_health_and_metadata(server: Running) -> None:
    assert server.http.get("/v2/health/live").json() == {"live": True}
    assert server.http.get("/v2/health/ready").json() == {"ready": True}
    assert server.http.get("/ping").status_code == 200
    assert "binary_tensor_data" in server.http.get("/v2").json()["extensions"]
    found = server.http.get("/v2/models/churn").json()
    assert (found["name"], found["versions"], found["platform"]) == ("churn", ["1"], "onnx_onnxv1")
    assert found["inputs"][2] == {"name": "city", "datatype": "BYTES", "shape": [-1, 1]}
    assert server.http.get("/v2/models/churn/versions/1").json() == found
    assert server.http.get("/v2/models/churn/versions/1/ready").json() == {"name": "churn", "ready": True}
    assert server.http.get("/v1/models/churn").json() == {"name": "churn", "ready": "True"}


def test_online_is_offline_to_the_last_digit(server: Running, store: Path) -> None:
    """Each protocol, JSON and binary, all rows at once and one at a time."""
    frame = api.load("frame", home=store)[:60]
    model = api.model("churn", home=store)
    labels = model.predict(frame)
    chances = api.bundle("churn", home=store)
    from jupyter_mlops.deploy.predictor import Predictor

    wanted = Predictor.of(chances).predict_proba(frame)
    found = server.http.post("/v2/models/churn/infer", json={"id": 7, **columns(frame)}).json()
    assert (found["id"], found["model_version"]) == ("7", "1")
    assert found["outputs"][0]["data"] == labels.tolist()
    assert np.array_equal(np.reshape(found["outputs"][1]["data"], (60, 2)), wanted)
    body, headers = binary(frame)
    outputs = binary_outputs(server.http.post("/v2/models/churn/versions/1/infer", content=body, headers=headers))
    assert np.array_equal(outputs["predict_proba"], wanted) and (outputs["predict"] == labels).all()
    asked = {"params": {"predict_method": "predict_proba"}}
    split = {"dataframe_split": {"columns": list(frame), "data": frame.values.tolist()}, **asked}
    assert np.array_equal(server.http.post("/invocations", json=split).json()["predictions"], wanted)
    singles = [
        server.http.post("/invocations", json={"dataframe_records": [row], **asked}).json()["predictions"][0]
        for row in frame.to_dict("records")
    ]
    assert np.array_equal(singles, wanted)
    rows = {"instances": frame.to_dict("records")}
    assert server.http.post("/v1/models/churn:predict", json=rows).json() == {"predictions": labels.tolist()}
    text = frame.to_csv(index=False)
    answer = server.http.post("/invocations", content=text, headers={"content-type": "text/csv; charset=utf-8"})
    assert answer.json() == {"predictions": labels.tolist()}
    by_column = {"inputs": {name: frame[name].tolist() for name in frame}}
    assert server.http.post("/invocations", json=by_column).json() == {"predictions": labels.tolist()}


def test_a_matrix_is_taken_where_all_columns_are_numbers(server: Running, store: Path) -> None:
    numbers, matrix = api.load("numbers", home=store)[:5], api.load("matrix", home=store)[:5]
    data = {"inputs": [tensor("input-0", numbers.to_numpy().ravel().tolist(), shape=[5, 3])]}
    found = server.http.post("/v2/models/forest/infer", json=data).json()["outputs"]
    assert found[0]["data"] == api.model("forest", home=store).predict(numbers).tolist()
    nested = {"inputs": [tensor("input-0", matrix.tolist(), shape=[5, 2])], "outputs": [{"name": "predict"}]}
    found = server.http.post("/v2/models/linear/infer", json=nested).json()["outputs"]
    assert [item["name"] for item in found] == ["predict"]
    assert np.array_equal(found[0]["data"], api.model("linear", home=store).predict(matrix))


def test_an_id_is_always_there_and_a_string(server: Running) -> None:
    rows = columns_of(GOOD)
    made = server.http.post("/v2/models/churn/infer", json=rows).json()["id"]
    assert isinstance(made, str) and made
    headed = server.http.post("/v2/models/churn/infer", json=rows, headers={"X-Request-Id": "mine"}).json()["id"]
    assert headed == "mine"
    assert server.http.post("/v2/models/churn/infer", json={"id": "a", **rows}).json()["id"] == "a"


def columns_of(row: dict[str, Any]) -> dict[str, Any]:
    """The churn model's tensors of a row."""
    kinds = {"age": "INT64", "income": "FP64", "city": "BYTES"}
    return {"inputs": [tensor(name, [value], kinds.get(name, "FP64")) for name, value in row.items()]}


BAD_TENSORS = [
    ({"inputs": []}, "inputs"),
    ({}, "inputs"),
    ([], "body"),
    (columns_of({"age": 40, "income": 2.5}), "city"),
    (columns_of({**GOOD, "town": 1.0}), "town"),
    (columns_of({**GOOD, "income": "2.5"}), "income"),
    (columns_of({**GOOD, "income": None}), "income"),
    (columns_of({**GOOD, "age": 4.5}), "age"),
    (columns_of({**GOOD, "city": 5}), "city"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "shape": [2, 1]}, *columns_of(GOOD)["inputs"][1:]]}, "age"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "shape": [-1]}, *columns_of(GOOD)["inputs"][1:]]}, "age"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "shape": "x"}, *columns_of(GOOD)["inputs"][1:]]}, "age"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "datatype": "INT7"}, *columns_of(GOOD)["inputs"][1:]]}, "age"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "data": 4}, *columns_of(GOOD)["inputs"][1:]]}, "age"),
    ({"inputs": [*columns_of(GOOD)["inputs"], columns_of(GOOD)["inputs"][0]]}, "age"),
    ({"inputs": [7]}, "inputs"),
    ({"inputs": [{"shape": [1], "datatype": "FP64", "data": [1]}]}, "name"),
    ({**columns_of(GOOD), "outputs": [{"name": "nope"}]}, "nope"),
    ({**columns_of(GOOD), "outputs": 3}, "outputs"),
    ({"inputs": [tensor("input-0", [1.0, 2.0], shape=[1, 2])]}, "input-0"),
    ({"inputs": [{**columns_of(GOOD)["inputs"][0], "parameters": {"binary_data_size": 8}}]}, "age"),
]


@pytest.mark.parametrize(("body", "field"), BAD_TENSORS)
def test_bad_tensors_are_told_with_their_field(server: Running, body: Any, field: str) -> None:
    answer = server.http.post("/v2/models/churn/infer", json=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "field"} and answer.json()["field"] == field, answer.text
    assert_lives(server)


@pytest.mark.parametrize(
    ("path", "content", "status", "field"),
    [
        ("/v2/models/churn/infer", b'{"inputs": [', 400, "body"),
        ("/v2/models/churn/infer", b"", 400, "body"),
        ("/v2/models/churn/infer", b"\xff\xfe", 400, "body"),
        ("/v2/models/churn/infer", b"[" * 100_000, 400, "body"),
        ("/v2/models/forest/infer",
         b'{"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": [1, NaN, 1]}]}', 400, "b"),
        ("/v2/models/forest/infer",
         b'{"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": [1, 1e400, 1]}]}', 400, None),
        ("/invocations", b'{"instances": []}', 400, "instances"),
        ("/invocations", b'{"instances": 3}', 400, "instances"),
        ("/invocations", b'{"rows": [[1]]}', 400, "body"),
        ("/invocations", b'{"instances": [[1]], "inputs": [[1]]}', 400, "inputs"),
        ("/invocations", b'{"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}}', 400, "data"),
        ("/invocations", b'{"dataframe_split": {"data": []}}', 400, "data"),
        ("/invocations", b'{"dataframe_records": [{"age": 1, "income": 2, "city": {}}]}', 400, "city"),
        ("/invocations", b'{"inputs": {"age": 3}}', 400, "age"),
        ("/v1/models/churn:predict", b'{"instances": [[1, 2.0, "Ulm"], 7]}', 400, "data"),
        ("/v1/models/churn:predict", b'{"nope": 1}', 400, "instances"),
        ("/v1/models/churn:predict", b'{"instances": [{"age": 1}, 3]}', 400, "instances"),
        ("/v1/models/nope:predict", b"{}", 404, "model"),
        ("/v2/models/nope/infer", b"{}", 404, "model"),
        ("/v2/models/churn/versions/9/infer", b'{"inputs": [1]}', 404, "version"),
        ("/v2/models/churn/versions/x/infer", b'{"inputs": [1]}', 404, "version"),
        ("/v2/models/..%2f..%2fetc%2fpasswd/infer", b"{}", 404, None),
        ("/v2/repository/models/..%2f..%2fetc/load", b"", 404, None),
        ("/v2/repository/models/%2e%2e/load", b"", 400, None),
        ("/v2/repository/models/nope/load", b"", 400, None),
        ("/v2/repository/models/churn/load", b'{"parameters": {"version": "x"}}', 404, "version"),
        ("/v2/repository/models/nope/unload", b"", 404, "model"),
        ("/nope", b"", 404, None),
    ],
)  # fmt: skip
def test_bad_requests_are_told(server: Running, path: str, content: bytes, status: int, field: str | None) -> None:
    answer = server.http.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] and "Traceback" not in answer.text
    if field is not None:
        assert answer.json()["field"] == field, answer.text
    assert_lives(server)


def assert_lives(server: Running) -> None:
    """The server answers as before."""
    assert server.http.post("/invocations", json={"instances": [GOOD]}).status_code == 200


@pytest.mark.parametrize("length", ["-1", "0", "99999999", "x", "1.5", ""])
def test_a_header_length_that_lies(server: Running, store: Path, length: str) -> None:
    body, _ = binary(api.load("frame", home=store)[:2])
    answer = server.http.post(
        "/v2/models/churn/infer", content=body, headers={"Inference-Header-Content-Length": length}
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "Inference-Header-Content-Length")


@pytest.mark.parametrize("change", ["size", "more", "less", "text", "negative"])
def test_binary_sizes_that_lie(server: Running, store: Path, change: str) -> None:
    body, headers = binary(api.load("frame", home=store)[:2])
    length = int(headers["Inference-Header-Content-Length"])
    head, tail = json.loads(body[:length]), body[length:]
    size = head["inputs"][0]["parameters"]
    if change == "size":
        size["binary_data_size"] += 1
    elif change == "negative":
        size["binary_data_size"] = -4
    elif change == "more":
        tail += b"xx"
    elif change == "less":
        tail = tail[:-3]
    else:
        tail = b"\xff\xff\xff\x7f" + tail[4:]
    text = json.dumps(head).encode()
    answer = server.http.post(
        "/v2/models/churn/infer", content=text + tail, headers={"Inference-Header-Content-Length": str(len(text))}
    )
    assert answer.status_code == 400 and answer.json()["field"], answer.text
    assert_lives(server)


def test_packed_bodies(server: Running) -> None:
    body = json.dumps({"instances": [GOOD]}).encode()
    for packing, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        headers = {"content-type": "application/json", "content-encoding": packing}
        assert server.http.post("/invocations", content=packed, headers=headers).json() == {"predictions": ["yes"]}
        assert server.http.post("/invocations", content=packed[:-9], headers=headers).status_code == 400
        assert server.http.post("/invocations", content=b"no", headers=headers).status_code == 400
    headers["content-encoding"] = "br"
    assert server.http.post("/invocations", content=body, headers=headers).status_code == 415


def test_large_and_bomb_bodies_are_refused(serving: Any) -> None:
    server = serving("churn", max_body=2**20)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 2**20
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = server.http.post("/invocations", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (413, "body")
    large = server.http.post("/invocations", content=b" " * 100_000_000)
    assert large.status_code == 413 and "at most 1 MiB" in large.json()["error"]

    def chunks() -> Any:
        for _ in range(30):
            yield b" " * 100_000

    assert server.http.post("/invocations", content=chunks()).status_code == 413
    assert_lives(server)


def test_other_content_types_and_methods(server: Running) -> None:
    answer = server.http.post("/invocations", content=b"<a/>", headers={"content-type": "text/xml"})
    assert (answer.status_code, answer.json()["field"]) == (415, "content-type")
    refused = server.http.put("/v2")
    assert refused.status_code == 405 and refused.json()["error"].startswith("Method Not Allowed")
    assert server.http.get("/v2/models/churn/infer").status_code == 404


def test_a_model_that_raises_is_told_without_a_traceback(server: Running) -> None:
    answer = server.http.post("/v1/models/moody:predict", json={"instances": [[13, 1]]})
    assert (answer.status_code, answer.json()["field"]) == (422, "model")
    assert "ValueError: thirteen" in answer.json()["error"] and "line" not in answer.json()["error"]
    assert server.http.post("/v1/models/moody:predict", json={"instances": [[1, 1]]}).json() == {"predictions": [2.0]}


def test_metrics_have_the_names_that_dashboards_know(server: Running) -> None:
    server.http.post("/v2/models/churn/infer", json=columns_of(GOOD))
    server.http.post("/v2/models/churn/infer", json={"inputs": []})
    server.http.post("/v1/models/moody:predict", json={"instances": [[1, 1]]})
    text = server.http.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name in (
        "request_preprocess_seconds", "request_predict_seconds", "request_postprocess_seconds",
        "model_infer_request_success", "model_infer_request_failure", "batch_request_queue",
        "rest_server_requests", "rest_server_request_duration_seconds", "rest_server_requests_in_progress",
    ):  # fmt: skip
        assert families[name].samples, name
    success = [item for item in families["model_infer_request_success"].samples if item.labels.get("model") == "churn"]
    assert success[0].name == "model_infer_request_success_total" and success[0].value >= 1
    paths = {item.labels["path"] for item in families["rest_server_requests"].samples}
    assert "/v2/models/{model}/infer" in paths and not any("nope" in path for path in paths)


def test_the_description_and_its_page(server: Running) -> None:
    found = server.http.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1") and "/v2/models/churn/infer" in found["paths"]
    page = server.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html") and "churn/1" in page.text
    for path, methods in found["paths"].items():
        for method in methods:
            answer = server.http.request(method, path, json={})
            assert str(answer.status_code) in methods[method]["responses"], (method, path, answer.text)


def test_a_token_is_asked_for(serving: Any) -> None:
    server = serving("churn", token="sesame")
    body = {"instances": [GOOD]}
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic sesame"}, {"authorization": "x"}):
        answer = server.http.post("/invocations", json=body, headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert server.http.get("/metrics").status_code == 401
    assert server.http.get("/v2/health/ready").status_code == 200  # who runs the server has no token
    assert server.http.post("/invocations", json=body, headers={"authorization": "bearer sesame"}).status_code == 200


def test_pages_of_other_origins_are_kept_out(server: Running, serving: Any) -> None:
    ask = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    body = {"instances": [GOOD]}
    for answer in (
        server.http.options("/invocations", headers=ask),
        server.http.post("/invocations", json=body, headers=ask),
    ):
        assert "access-control-allow-origin" not in answer.headers
    opened = serving("churn", origins=("https://good.example",))
    good = {**ask, "origin": "https://good.example"}
    for path in ("/invocations", "/v2"):
        allowed = opened.http.options(path, headers=good)
        assert allowed.headers["access-control-allow-origin"] == "https://good.example", path
        assert "access-control-allow-origin" not in opened.http.options(path, headers=ask).headers
    answer = opened.http.post("/invocations", json=body, headers=good)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "https://good.example"
