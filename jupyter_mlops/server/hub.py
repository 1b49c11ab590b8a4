"""The event stream: states come whole, so that a page that was away, or slow, misses nothing that still holds."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["Hub", "Subscriber"]

_LOG_LIMIT = 1 << 18
"""Characters of logs that wait for a slow page; older ones are dropped."""

Message = dict[str, Any]
Key = tuple[str, ...]


class Subscriber:
    """A page that listens: what waits for it, of each thing the newest."""

    def __init__(self) -> None:
        self._states: OrderedDict[Key, Message] = OrderedDict()
        self._logs: list[Message] = []
        self._log_size = 0
        self._there = asyncio.Event()

    def put(self, key: Key, message: Message) -> None:
        """Let a state wait in the place of an older one."""
        self._states.pop(key, None)
        self._states[key] = message
        self._there.set()

    def put_log(self, message: Message) -> None:
        """Let a part of a log wait."""
        self._logs.append(message)
        self._log_size += len(message["text"])
        while self._log_size > _LOG_LIMIT and len(self._logs) > 1:
            self._log_size -= len(self._logs.pop(0)["text"])
        self._there.set()

    async def take(self) -> list[Message]:
        """Wait for messages, and take all that wait, in their order."""
        await self._there.wait()
        self._there.clear()
        found = sorted([*self._logs, *self._states.values()], key=lambda message: int(message["seq"]))
        self._logs, self._log_size = [], 0
        self._states.clear()
        return found


class Hub:
    """Numbers what happens, and hands it to all who listen; lives in the event loop's thread."""

    def __init__(self) -> None:
        # begins above all that a former server process can have given
        self._first = self._seq = int(time.time() * 1000)
        self._latest: dict[Key, Message] = {}
        self._subscribers: set[Subscriber] = set()

    @property
    def seq(self) -> int:
        """The number of what happened last."""
        return self._seq

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._subscribers)

    def next(self) -> int:
        """Give a number."""
        self._seq += 1
        return self._seq

    def tell(self, key: Key, make: Callable[[int], Message]) -> None:
        """Tell a state that took the place of an older one of this key.

        Args:
            make: Makes the message with its number.
        """
        message = make(self.next())
        self._latest.pop(key, None)
        self._latest[key] = message
        for subscriber in self._subscribers:
            subscriber.put(key, message)

    def tell_log(self, message: Message) -> None:
        """Tell what was printed; it is not kept."""
        whole = {**message, "seq": self.next()}
        for subscriber in self._subscribers:
            subscriber.put_log(whole)

    def subscribe(self, since: int | None, version: str) -> Subscriber:
        """Return somebody who listens from now on, and gets what has changed after ``since`` first."""
        resumed = since is not None and self._first <= since <= self._seq
        subscriber = Subscriber()
        # whoever resumes has seen no more than what it says until it has got the rest
        seq = since if resumed else self._seq
        hello = {"type": "hello", "seq": seq, "version": version, "resumed": resumed}
        subscriber.put(("hello",), hello)
        if resumed and since is not None:
            for key, message in self._latest.items():
                if int(message["seq"]) > since:
                    subscriber.put(key, message)
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget who does not listen any more."""
        self._subscribers.discard(subscriber)
