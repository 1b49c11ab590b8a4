"""Small notebooks that await at the top level of a cell, as IPython allows."""

from __future__ import annotations

__all__ = ["NOTEBOOKS"]

NOTEBOOKS: dict[str, tuple[str | tuple[str, str], ...]] = {
    "await a result": (
        "import asyncio\nasync def double(x):\n    await asyncio.sleep(0)\n    return 2 * x",
        "a = await double(3)",
        "print(a, await double(a))",
    ),
    "await changes an argument": (
        "log = []\nasync def note(x):\n    log.append(x)",
        "await note(1)",
        "await note(2)",
        "print(log)",
    ),
    "await through an object": (
        "class Client:\n    def __init__(self): self.calls = 0\n    async def get(self, x):\n        self.calls += 1\n"
        "        return x + self.calls\nclient = Client()",
        "one = await client.get(1)",
        "two = await client.get(1)",
        "print(one, two, client.calls)",
    ),
    "gather": (
        "import asyncio\nseen = {}\nasync def fetch(k):\n    seen[k] = True\n    return k",
        "found = await asyncio.gather(*[fetch(k) for k in 'ab'])",
        "print(found, sorted(seen))",
    ),
    "async for at the top": (
        "async def numbers(n):\n    for i in range(n):\n        yield i",
        "squares = []\nasync for i in numbers(4):\n    squares.append(i * i)",
        "cubes = [i ** 3 async for i in numbers(3)]",
        "print(squares, cubes, i)",
    ),
    "async with at the top": (
        "events = []\nclass Session:\n    async def __aenter__(self):\n        events.append('in')\n"
        "        return self\n    async def __aexit__(self, *what):\n        events.append('out')",
        "async with Session() as session:\n    events.append('work')",
        "print(events)",
    ),
    "a queue from step to step": (
        "import asyncio\nitems = []\nasync def put(x): items.append(x)\nasync def take(): return items.pop(0)",
        "await put(1)\nawait put(2)",
        "first = await take()",
        "print(first, items)",
    ),
    "a task that waits for the next cell": (
        "import asyncio\nlog = []\nasync def work():\n    await asyncio.sleep(0)\n    log.append('done')",
        "task = asyncio.ensure_future(work())\nawait asyncio.sleep(0.01)",
        "await task\nprint(log)",
    ),
    "await in a condition": (
        "async def ready(): return True",
        "state = 'off'\nif await ready():\n    state = 'on'",
        "print(state)",
    ),
}
