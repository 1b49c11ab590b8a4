"""The event stream: what waits for whom, and what those get who come back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from serving import validator

from jupyter_mlops.server.hub import Hub, Subscriber


def _event(value: str, seq: int) -> dict[str, Any]:
    return {"type": "runs", "seq": seq, "folder": value}


def _tell(hub: Hub, key: str, value: str) -> None:
    hub.tell((key,), partial(_event, value))


def _taken(subscriber: Subscriber) -> list[dict[str, Any]]:
    return asyncio.run(asyncio.wait_for(subscriber.take(), 5))


def test_everybody_hears_what_happens_in_its_order_and_of_each_thing_the_newest() -> None:
    hub = Hub()
    one, other = hub.subscribe(None, "1"), hub.subscribe(None, "1")
    _tell(hub, "a", "old")
    _tell(hub, "b", "b")
    hub.tell_log({"type": "log", "id": "j", "step": None, "stream": "stdout", "text": "hello"})
    _tell(hub, "a", "new")
    for subscriber in (one, other):
        hello, *told = _taken(subscriber)
        assert hello["type"] == "hello" and hello["resumed"] is False
        assert [item.get("folder", item.get("text")) for item in told] == ["b", "hello", "new"]
        assert [item["seq"] for item in told] == sorted(item["seq"] for item in told)
        for message in (hello, *told):
            validator("Event").validate(message)


def test_who_comes_back_gets_what_has_changed_since() -> None:
    hub = Hub()
    _tell(hub, "a", "a")
    seen = hub.seq
    _tell(hub, "b", "b")
    _tell(hub, "a", "again")
    hello, *told = _taken(hub.subscribe(seen, "1"))
    assert (hello["resumed"], hello["seq"]) == (True, seen)
    assert [item["folder"] for item in told] == ["b", "again"]
    assert [item["type"] for item in _taken(hub.subscribe(hub.seq, "1"))] == ["hello"]


def test_a_number_of_another_server_process_is_not_understood() -> None:
    hub = Hub()
    _tell(hub, "a", "a")
    for since in (1, hub.seq + 1000):
        hello, *told = _taken(hub.subscribe(since, "1"))
        assert (hello["resumed"], hello["seq"], told) == (False, hub.seq, [])


def test_a_slow_page_costs_no_memory() -> None:
    hub = Hub()
    slow = hub.subscribe(None, "1")
    for number in range(1000):
        _tell(hub, "a", f"{number}")
        hub.tell_log({"type": "log", "id": "j", "step": None, "stream": "stdout", "text": "x" * 10_000})
    told = _taken(slow)
    assert len(told) < 40
    assert [item["folder"] for item in told if item["type"] == "runs"] == ["999"]
    hub.unsubscribe(slow)
    assert not hub.is_heard
