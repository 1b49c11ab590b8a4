"""Bodies of requests: their size, their packing, their JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from jupyter_mlops.deploy.serving.problems import Problem

__all__ = ["Message", "Receive", "json_of", "read_body"]

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

_DRAINED = 256 * 2**20
_PACKED = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], most: int) -> bytes:
    """Return the body, unpacked.

    Raises:
        Problem: It is too large, packed or not, or its packing is unknown or broken; or the client went away.
    """
    length = headers.get(b"content-length", b"0")
    too_large = length.isdigit() and int(length) > most
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "The client went away before its request was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            too_large = True
            parts.clear()
        if too_large and size > _DRAINED:
            break  # whoever sends that much does not listen anyway
        if not too_large:
            parts.append(part)
        if not message.get("more_body", False):
            break
    if too_large:
        # What was sent is taken in and forgotten: a client that is still sending would never see the answer.
        raise _too_large(most)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    packing = headers.get(b"content-encoding")
    return body if not packing else _unpacked(body, packing.decode("latin-1").strip().lower(), most)


def json_of(body: bytes | memoryview) -> Any:
    """Return what JSON says; ``NaN`` and ``Infinity``, which some clients write, are taken in and looked at later.

    Raises:
        Problem: It is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = bytes(body)
        if b"NaN" in text or b"Infinity" in text:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                pass
        what = "The body is empty; JSON is expected." if not text.strip() else f"The body is no JSON: {error}."
        raise Problem(400, what, field="body") from None


def _unpacked(body: bytes, packing: str, most: int) -> bytes:
    if packing == "identity":
        return body
    if packing not in _PACKED:
        raise Problem(415, f"Content-Encoding {packing[:40]!r} is not known; gzip and deflate are.", field="body")
    machine = zlib.decompressobj(_PACKED[packing])
    try:
        found = machine.decompress(body, most + 1)
        if len(found) > most or machine.unconsumed_tail:
            raise _too_large(most)
        if not machine.eof:
            raise Problem(400, f"The body is no whole {packing}.", field="body")
    except zlib.error:
        raise Problem(400, f"The body is no {packing}.", field="body") from None
    return found


def _too_large(most: int) -> Problem:
    size = f"{most / 2**20:g} MiB" if most >= 2**20 else f"{most} bytes"
    return Problem(413, f"The request is too large: at most {size} are taken.", field="body")
