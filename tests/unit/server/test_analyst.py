"""The process that analyses: it is asked one by one, and ended when it is of no use."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from serving import live

from jupyter_mlops.server.analyst.client import Analyst, Refused
from jupyter_mlops.server.problems import RequestProblem

_HEAVY = "\n".join(
    f"a{number} = [b{number}[{number}] for c in range({number}) if f(a{number - 1})]" for number in range(4000)
)


def _with(test: Callable[[Analyst], Awaitable[None]], seconds: float = 60.0) -> None:
    async def run() -> None:
        analyst = Analyst(seconds=seconds, memory=1 << 30, log=logging.getLogger("test"))
        try:
            await test(analyst)
        finally:
            analyst.close()

    asyncio.run(run())


async def _asked(analyst: Analyst, kind: str, body: dict[str, Any], client: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await analyst.ask(kind, body, client))
    return found


def _body(*cells: tuple[str, list[str]]) -> dict[str, Any]:
    return {**live("a.ipynb", *cells), "place": "/nowhere/a.ipynb"}


def test_it_answers_and_refuses() -> None:
    async def test(analyst: Analyst) -> None:
        found = await _asked(analyst, "analysis", _body(("a = 1", ["step:one"]), ("b = a", ["step:two"])))
        assert found["pipeline"]["edges"] == [["one", "two"]]
        with pytest.raises(Refused) as caught:
            await _asked(analyst, "explain", {**_body(("a = 1", ["step:one"])), "step": "three"})
        assert caught.value.problem["code"] == "no-such-thing"

    _with(test)


def test_a_newer_request_of_the_same_page_takes_the_place_of_one_that_waits() -> None:
    async def test(analyst: Analyst) -> None:
        bodies = [_body((f"a = {number}", [])) for number in range(4)]
        asked = [asyncio.create_task(_asked(analyst, "analysis", body, "page")) for body in bodies]
        other = asyncio.create_task(_asked(analyst, "analysis", bodies[0], "another page"))
        _, *between, last = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(item, RequestProblem) and item.code == "superseded" for item in between)
        assert isinstance(last, dict) and last["revision"] == (await _asked(analyst, "analysis", bodies[3]))["revision"]
        assert not isinstance(await other, Exception)

    _with(test)


def test_equal_requests_are_answered_once() -> None:
    async def test(analyst: Analyst) -> None:
        body = _body(("a = 1", []))
        first, *others = await asyncio.gather(*(_asked(analyst, "analysis", body, "page") for _ in range(5)))
        assert all(item["revision"] == first["revision"] for item in others)

    _with(test)


def test_a_process_that_died_is_started_anew() -> None:
    async def test(analyst: Analyst) -> None:
        await _asked(analyst, "analysis", _body(("a = 1", [])))
        process = analyst._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = await _asked(analyst, "analysis", _body(("a = 2", [])))
        assert found["valid"] and analyst._process is not process

    _with(test)


def test_what_takes_too_long_is_ended_and_the_next_is_answered() -> None:
    async def test(analyst: Analyst) -> None:
        await _asked(analyst, "analysis", _body(("a = 1", [])))
        analyst._seconds = 0.3
        with pytest.raises(RequestProblem) as caught:
            await _asked(analyst, "analysis", _body((_HEAVY, [])))
        assert caught.value.code == "timeout"
        analyst._seconds = 60.0
        assert (await _asked(analyst, "analysis", _body(("a = 3", []))))["valid"]

    _with(test)


def test_it_ends_with_the_server() -> None:
    async def test(analyst: Analyst) -> None:
        await _asked(analyst, "analysis", _body(("a = 1", [])))
        process = analyst._process
        assert process is not None
        analyst.close()
        assert process.poll() is not None

    _with(test)
