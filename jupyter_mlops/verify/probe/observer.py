"""What the hidden cells of ``verify`` call: they note what there is, and bind no name."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .content import content_of, linked, sharing_of
from .watching import Stamp, Watcher, file_digest, stamps

__all__ = ["begin", "cell", "end", "start"]

SECONDS_BETWEEN = 3.0
"""What looking at variables between the cells of a kernel may cost; their ends are always looked at."""


class Observer:
    """Notes what it sees, a line of JSON each.

    Args:
        orders: What to look at, as ``verify`` wrote it.
    """

    def __init__(self, orders: Mapping[str, Any]) -> None:
        self._steps = orders["steps"]
        self._notes = Path(orders["notes"])
        self._root = Path(orders["root"])
        self._watcher = Watcher(self._root, Path(orders["project"])) if orders["watch"] else None
        self._stamps: dict[str, Stamp] = {}
        self._events: list[dict[str, Any]] = []
        self._directory = Path.cwd()
        self._spent = 0.0
        if self._watcher is not None:
            self._watcher.listen()

    def begin(self, slug: str, namespace: Mapping[str, Any]) -> None:
        """A step's cells are about to run."""
        order = self._steps[slug]
        self._note("begin", slug, None, namespace, order["inputs"], order["states"])
        self._events = []
        self._stamps = stamps(self._root)
        self._watch()

    def cell(self, slug: str, cell_id: str, namespace: Mapping[str, Any]) -> None:
        """A cell of a step has run, and there are more."""
        self._collect(cell_id)
        if self._spent < SECONDS_BETWEEN:
            began = time.monotonic()
            self._note("cell", slug, cell_id, namespace, self._steps[slug]["names"], ())
            self._spent += time.monotonic() - began
        self._watch()

    def end(self, slug: str, cell_id: str, namespace: Mapping[str, Any]) -> None:
        """The last cell of a step has run."""
        self._collect(cell_id)
        order = self._steps[slug]
        groups = {
            group[0]: sharing_of({name: namespace[name] for name in group if name in namespace})
            for group in order["groups"]
        }
        more = {"groups": groups, "files": self._files(), "events": self._events}
        self._note("end", slug, cell_id, namespace, order["names"], order["states"], more)

    def _watch(self) -> None:
        if self._watcher is not None:
            self._watcher.watching = True

    def _collect(self, cell_id: str) -> None:
        if self._watcher is not None:
            self._watcher.watching = False
            self._events += [{**event, "cell": cell_id} for event in self._watcher.take()]

    def _note(
        self,
        moment: str,
        slug: str,
        cell_id: str | None,
        namespace: Mapping[str, Any],
        names: Iterable[str],
        states: Iterable[str],
        more: Mapping[str, Any] | None = None,
    ) -> None:
        bound = {name: namespace[name] for name in names if name in namespace}
        note = {
            "moment": moment,
            "step": slug,
            "cell": cell_id,
            "values": {name: dataclasses.asdict(content_of(value)) for name, value in bound.items()},
            "linked": linked(bound) if moment == "begin" else [],
            "ids": {name: id(value) for name, value in bound.items()},
            "states": {name: digest for name in states if (digest := self._state(name)) is not None},
            **(more or {}),
        }
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")

    def _files(self) -> dict[str, str | None]:
        """Digests of the files that have changed since the step began; None for those that are gone."""
        now = stamps(self._root)
        changed = {path for path, stamp in now.items() if self._stamps.get(path) != stamp}
        found = {path: file_digest(self._root / path) for path in sorted(changed)}
        return {**found, **dict.fromkeys(sorted(self._stamps.keys() - now.keys()))}

    def _state(self, name: str) -> str | None:
        from mlops_runtime.states import STATES, Baseline

        library = {"numpy": "numpy", "pandas": "pandas", "torch": "torch", "matplotlib": "matplotlib"}
        needed = library.get(name.partition(":")[2])
        if needed is not None and needed not in sys.modules:
            return None
        captured = STATES[name].capture(Baseline({}, self._directory))
        return None if captured is None else content_of(captured).digest


_observers: list[Observer] = []


def start(orders: str) -> None:
    """Begin to observe this kernel.

    Args:
        orders: Path of the file that says what to look at.
    """
    _observers[:] = [Observer(json.loads(Path(orders).read_text(encoding="utf-8")))]


def begin(slug: str, namespace: Mapping[str, Any]) -> None:
    """Look at what a step begins with."""
    _observers[0].begin(slug, namespace)


def cell(slug: str, cell_id: str, namespace: Mapping[str, Any]) -> None:
    """Look at what a cell has left."""
    _observers[0].cell(slug, cell_id, namespace)


def end(slug: str, cell_id: str, namespace: Mapping[str, Any]) -> None:
    """Look at what a step has left."""
    _observers[0].end(slug, cell_id, namespace)
