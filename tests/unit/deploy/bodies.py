"""Requests of the Open Inference Protocol, as its clients make them."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np


def tensor(name: str, data: list[Any], datatype: str = "FP64", shape: list[int] | None = None) -> dict[str, Any]:
    """A tensor in JSON."""
    return {"name": name, "datatype": datatype, "shape": shape or [len(data), 1], "data": data}


def columns(frame: Any) -> dict[str, Any]:
    """The columns of the churn model as tensors."""
    return {
        "inputs": [
            tensor("city", frame.city.tolist(), "BYTES"),
            tensor("age", frame.age.tolist(), "INT64"),
            tensor("income", frame.income.tolist()),
        ]
    }


def binary(frame: Any) -> tuple[bytes, dict[str, str]]:
    """The columns of the churn model as bytes behind JSON, with the header that tells the JSON's length."""
    texts = b"".join(struct.pack("<I", len(item.encode())) + item.encode() for item in frame.city)
    parts = [
        ("city", "BYTES", texts),
        ("age", "INT64", frame.age.to_numpy(np.int64).tobytes()),
        ("income", "FP64", frame.income.to_numpy(np.float64).tobytes()),
    ]
    inputs = [
        {"name": name, "datatype": kind, "shape": [len(frame), 1], "parameters": {"binary_data_size": len(content)}}
        for name, kind, content in parts
    ]
    head = json.dumps({"id": "b1", "inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return head + b"".join(content for _, _, content in parts), {"Inference-Header-Content-Length": str(len(head))}


def binary_outputs(response: Any) -> dict[str, Any]:
    """The outputs of an answer in bytes."""
    length = int(response.headers["inference-header-content-length"])
    found, at = {}, length
    for item in json.loads(response.content[:length])["outputs"]:
        size = item["parameters"]["binary_data_size"]
        content = response.content[at : at + size]
        at += size
        if item["datatype"] == "BYTES":
            texts, start = [], 0
            while start < len(content):
                (length,) = struct.unpack_from("<I", content, start)
                texts.append(content[start + 4 : start + 4 + length].decode())
                start += 4 + length
            found[item["name"]] = np.array(texts).reshape(item["shape"])
        else:
            found[item["name"]] = np.frombuffer(content, "<f8").reshape(item["shape"])
    assert at == len(response.content)
    return found
