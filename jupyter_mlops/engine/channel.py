"""How outputs come in from a kernel: a message of monstrous size is told by its size and not unpacked.

Imports jupyter_client: imported on first use only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.jsonutil import parse_date
from traitlets import Type

from jupyter_mlops.engine.capture import LIMITS, readable_size

__all__ = ["StepKernelClient", "in_short"]

_DISPLAYS = frozenset(["display_data", "execute_result", "update_display_data"])
_TEXT_BEGINS = re.compile(rb'"text":\s*"')
_STDERR = re.compile(rb'"name":\s*"stderr"')


class _OutputChannel(AsyncZMQSocketChannel):
    """Reads what the kernel publishes."""

    async def _recv(self, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # as its base
        assert self.socket is not None
        # Not copied: what is too large is not held twice.
        frames = await self.socket.recv_multipart(copy=False, **kwargs)
        if sum(len(frame) for frame in frames) <= LIMITS.message:
            _, parts = self.session.feed_identities([frame.bytes for frame in frames])
            message: dict[str, Any] = self.session.deserialize(parts)
            return message
        return in_short([frame.buffer for frame in frames])


class StepKernelClient(AsyncKernelClient):
    """A client of a step's kernel."""

    iopub_channel_class = Type(_OutputChannel)


def in_short(frames: Sequence[Any]) -> dict[str, Any]:
    """Make a message of the parts of one that is too large: what it is, and words in place of its content.

    Args:
        frames: As they came: identities, delimiter, signature, header, parent header, metadata, content, buffers.
    """
    start = next(place for place, frame in enumerate(frames) if bytes(frame[:20]) == b"<IDS|MSG>") + 2
    header, parent, metadata = (json.loads(bytes(frame)) for frame in frames[start : start + 3])
    content = frames[start + 3]
    size = sum(len(frame) for frame in frames[start + 3 :])
    kind = str(header["msg_type"])
    return {
        "header": _dated(header),
        "msg_id": header.get("msg_id"),
        "msg_type": kind,
        "parent_header": _dated(parent),
        "metadata": metadata,
        "content": _words(kind, content, size),
        "buffers": [],
    }


def _words(kind: str, content: Any, size: int) -> dict[str, Any]:
    notice = f"[output of {readable_size(size)} left out: it is larger than {readable_size(LIMITS.message)}]"
    if kind == "stream":
        beginning = _beginning(content)
        name = "stderr" if _STDERR.search(bytes(content[:100])) else "stdout"
        return {"name": name, "text": beginning, "left_out": max(size - len(beginning), 0)}
    if kind in _DISPLAYS:
        return {"data": {"text/plain": notice}, "metadata": {}, "transient": {}}
    if kind == "error":
        return {"ename": "Error", "evalue": notice, "traceback": []}
    return {"comm_id": "", "data": {}}  # a widget's news


def _beginning(content: Any) -> str:
    """Read the first characters of a stream's text."""
    begins = _TEXT_BEGINS.search(bytes(content[:200]))
    if begins is None:
        return ""
    raw = bytes(content[begins.end() :][: LIMITS.text])
    text = raw.decode("utf-8", "ignore")
    for _ in range(12):  # an escape that is cut in two has at most as many characters
        try:
            return str(json.loads(f'"{text}"'))
        except ValueError:
            text = text[:-1]
    return ""


def _dated(header: dict[str, Any]) -> dict[str, Any]:
    return {**header, "date": parse_date(header["date"])} if "date" in header else header
