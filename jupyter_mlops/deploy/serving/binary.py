"""The binary tensor extension: JSON first, whose length a header tells, then the tensors' bytes."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from jupyter_mlops.deploy.serving.problems import Problem

__all__ = ["DTYPES", "bytes_of", "split_body", "tensor_of"]

DTYPES: dict[str, Any] = {
    "BOOL": np.dtype("?"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
}
_LENGTH = struct.Struct("<I")


def split_body(body: bytes, header_length: bytes | None) -> tuple[bytes | memoryview, memoryview]:
    """Return the JSON and what stands behind it.

    Raises:
        Problem: The header says what can't be.
    """
    if header_length is None:
        return body, memoryview(b"")
    if not header_length.isdigit() or not 0 < int(header_length) <= len(body):
        shown = header_length[:20].decode("latin-1")
        raise Problem(
            400,
            f"Inference-Header-Content-Length is {shown!r}, but the body has {len(body)} bytes.",
            field="Inference-Header-Content-Length",
        )
    view = memoryview(body)
    return view[: int(header_length)], view[int(header_length) :]


def tensor_of(tail: memoryview, at: int, size: Any, name: str, datatype: str, shape: list[int]) -> Any:
    """Return a tensor of bytes.

    Raises:
        Problem: They are too few, too many, or make no sense.
    """
    if type(size) is not int or size < 0 or at + size > len(tail):
        raise Problem(
            400,
            f"The tensor {name} says that it has {str(size)[:20]} bytes; {len(tail) - at} are left of the body.",
            field=name,
        )
    content = tail[at : at + size]
    count = math.prod(shape)
    if datatype == "BYTES":
        return _texts(content, name, count).reshape(shape)
    dtype = DTYPES[datatype]
    if count * dtype.itemsize != size:
        raise Problem(
            400,
            f"The tensor {name} has {size} bytes; {datatype} of the shape {shape} has {count * dtype.itemsize}.",
            field=name,
        )
    return np.frombuffer(content, dtype).reshape(shape)


def bytes_of(values: Any, datatype: str) -> bytes:
    """Return a tensor's bytes."""
    if datatype != "BYTES":
        return bytes(np.ascontiguousarray(values, DTYPES[datatype]).tobytes())
    parts = []
    for value in values.ravel().tolist():
        text = value if isinstance(value, bytes) else str(value).encode()
        parts += [_LENGTH.pack(len(text)), text]
    return b"".join(parts)


def _texts(content: memoryview, name: str, count: int) -> Any:
    found: list[bytes] = []
    at = 0
    while at < len(content):
        if at + 4 > len(content):
            raise Problem(400, f"The tensor {name} ends within the length of a text.", field=name)
        (length,) = _LENGTH.unpack(content[at : at + 4])
        at += 4
        if length > len(content) - at:
            raise Problem(
                400, f"The tensor {name} has a text of {length} bytes; {len(content) - at} are left.", field=name
            )
        found.append(bytes(content[at : at + length]))
        at += length
    if len(found) != count:
        raise Problem(400, f"The tensor {name} has {len(found)} texts; its shape says {count}.", field=name)
    values = np.empty(count, object)
    values[:] = found
    return values
