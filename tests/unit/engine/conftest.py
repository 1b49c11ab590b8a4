"""Notebooks and pipelines for the engine's tests, built by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.events import Event
from jupyter_mlops.notebook.model import Cell, Notebook


class Watcher:
    """Remembers events, and that they came in one thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.threads: set[int] = set()

    def handle(self, event: Event) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def make_notebook(tmp_path: Path) -> Callable[..., Notebook]:
    """Make a notebook file of cells: ``id=source`` or ``id=(source, tags)``; ids that begin with ``md`` are text."""

    def make(name: str = "demo", **cells: Any) -> Notebook:
        import json

        raw: dict[str, Any] = {
            "cells": [
                _cell(cell_id, *(given if isinstance(given, tuple) else (given,))) for cell_id, given in cells.items()
            ],
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = tmp_path / f"{name}.ipynb"
        path.write_text(json.dumps(raw), encoding="utf-8")
        parsed = tuple(
            Cell(cell["id"], index, cell["cell_type"], cell["source"], tuple(cell["metadata"].get("tags", ())))
            for index, cell in enumerate(raw["cells"])
        )
        return Notebook(path, name, parsed, raw=raw)

    return make


def _cell(cell_id: str, source: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    if cell_id.startswith("md"):
        return {"cell_type": "markdown", "id": cell_id, "metadata": metadata, "source": source}
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
