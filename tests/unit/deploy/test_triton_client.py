"""NVIDIA's client for the Open Inference Protocol talks to the server as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from served import Running
from tritonclient.utils import InferenceServerException

from jupyter_mlops import api
from jupyter_mlops.deploy.predictor import Predictor


@pytest.fixture
def client(server: Running) -> Any:
    return triton.InferenceServerClient(server.url.removeprefix("http://"))


def tensors(frame: Any, *, binary: bool) -> list[Any]:
    """The columns of the churn model as the client makes them."""
    found = []
    for name, kind, dtype in (("age", "INT64", np.int64), ("income", "FP64", np.float64), ("city", "BYTES", object)):
        values = frame[name].to_numpy(dtype).reshape(-1, 1)
        tensor = triton.InferInput(name, list(values.shape), kind)
        tensor.set_data_from_numpy(values, binary_data=binary)
        found.append(tensor)
    return found


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
def test_inferences(client: Any, store: Path, sent: bool, wanted: bool, packing: str | None) -> None:
    frame = api.load("frame", home=store)[:20]
    outputs = [triton.InferRequestedOutput(name, binary_data=wanted) for name in ("predict_proba", "predict")]
    found = client.infer(
        "churn", tensors(frame, binary=sent), outputs=outputs, request_id="mine",
        request_compression_algorithm=packing,
    )  # fmt: skip
    predictor = Predictor.of(api.bundle("churn", home=store))
    assert np.array_equal(found.as_numpy("predict_proba"), predictor.predict_proba(frame))
    labels = [item.decode() if isinstance(item, bytes) else item for item in found.as_numpy("predict")]
    assert labels == predictor.predict(frame).tolist()
    assert found.get_response()["id"] == "mine"


def test_health_metadata_and_repository(client: Any) -> None:
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("churn", "1")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert [item["name"] for item in client.get_model_metadata("churn")["inputs"]] == ["age", "income", "city"]
    assert {"name": "churn", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    client.load_model("other")
    assert client.is_model_ready("other")
    client.unload_model("other")
    assert not client.is_model_ready("other")


def test_errors_are_the_clients_own(client: Any, store: Path) -> None:
    frame = api.load("frame", home=store)[:2]
    with pytest.raises(InferenceServerException, match="The tensor city is missing"):
        client.infer("churn", tensors(frame, binary=True)[:2])
    with pytest.raises(InferenceServerException, match='There is no model "nope"'):
        client.infer("nope", tensors(frame, binary=True))
