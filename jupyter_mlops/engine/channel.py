"""How outputs come in from a kernel: a message of monstrous size is told by its size and not unpacked.

Imports jupyter_client: imported on first use only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.jsonutil import parse_date

from jupyter_mlops.engine.capture import LIMITS, readable_size

__all__ = ["OutputChannel", "in_short"]

_DISPLAYS = frozenset(["display_data", "execute_result", "update_display_data"])
_DELIMITER = b"<IDS|MSG>"
_TEXT_BEGINS = re.compile(rb'"text":\s*"')
_COUNT = re.compile(rb'"execution_count":\s*(\d+)')
_STDERR = re.compile(rb'"name":\s*"stderr"')


class OutputChannel(AsyncZMQSocketChannel):
    """Reads what the kernel publishes.

    Attributes:
        room: Tells how many characters of text are still kept, so that no more are unpacked of a message too large.
    """

    room: Callable[[], int] = staticmethod(lambda: LIMITS.text)

    async def _recv(self, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # as its base
        assert self.socket is not None
        # Not copied: what is too large is not held twice.
        frames = await self.socket.recv_multipart(copy=False, **kwargs)
        size = sum(len(frame) for frame in frames)
        if size > LIMITS.text and (size > LIMITS.message or _kind_of(frames) == "stream"):
            return in_short([frame.buffer for frame in frames], self.room())
        _, parts = self.session.feed_identities([frame.bytes for frame in frames])
        message: dict[str, Any] = self.session.deserialize(parts)
        return message


def in_short(frames: Sequence[Any], room: int = LIMITS.text) -> dict[str, Any]:
    """Make a message of the parts of one that is too large: what it is, and words in place of its content.

    Args:
        frames: As they came: identities, delimiter, signature, header, parent header, metadata, content, buffers.
        room: How many characters of the beginning of a text are wanted.
    """
    start = _start_of(frames)
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
        "content": _words(kind, content, size, room),
        "buffers": [],
    }


def _words(kind: str, content: Any, size: int, room: int) -> dict[str, Any]:
    notice = f"[output of {readable_size(size)} left out: it is larger than {readable_size(LIMITS.message)}]"
    if kind == "stream":
        beginning, end = _beginning(content, room), _end(content)
        name = "stderr" if _STDERR.search(bytes(content[:100])) else "stdout"
        left_out = max(size - len(beginning) - len(end), 0)
        return {"name": name, "text": beginning, "left_out": left_out, "end": end}
    if kind in _DISPLAYS:
        count = _COUNT.search(bytes(content[-200:]))
        number = int(count[1]) if count else None
        return {"data": {"text/plain": notice}, "metadata": {}, "transient": {}, "execution_count": number}
    if kind == "error":
        return {"ename": "Error", "evalue": notice, "traceback": []}
    return {"comm_id": "", "data": {}}  # a widget's news


def _beginning(content: Any, room: int) -> str:
    """Read the first characters of a stream's text."""
    begins = _TEXT_BEGINS.search(bytes(content[:200]))
    if begins is None:
        return ""
    raw = bytes(content[begins.end() :][:room])
    text = raw.decode("utf-8", "ignore")
    for _ in range(12):  # an escape that is cut in two has at most as many characters
        try:
            return str(json.loads(f'"{text}"'))
        except ValueError:
            text = text[:-1]
    return ""


def _end(content: Any) -> str:
    """Read the last characters of a stream's text, which is the last field of the content."""
    raw = bytes(content[-LIMITS.tail :]).decode("utf-8", "ignore").rpartition('"')[0]
    for start in range(12):  # as above
        try:
            return str(json.loads(f'"{raw[start:]}"'))
        except ValueError:
            continue
    return ""


def _kind_of(frames: Sequence[Any]) -> str:
    return str(json.loads(frames[_start_of([frame.buffer for frame in frames])].bytes)["msg_type"])


def _start_of(frames: Sequence[Any]) -> int:
    """Where the header is."""
    return next(place for place, frame in enumerate(frames) if bytes(frame[:20]) == _DELIMITER) + 2


def _dated(header: dict[str, Any]) -> dict[str, Any]:
    return {**header, "date": parse_date(header["date"])} if "date" in header else header
