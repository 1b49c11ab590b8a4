"""Notebooks for the tests of ``verify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import read_notebook

Make = Callable[..., Notebook]


@pytest.fixture
def make_notebook(tmp_path: Path) -> Make:
    """Make a notebook of (tags, source) pairs in a folder of its own; cells have the ids c0, c1, …"""

    def make(*cells: tuple[str, str], **files: str) -> Notebook:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
        raw = {
            "cells": [_cell(number, tags, source) for number, (tags, source) in enumerate(cells)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = folder / "demo.ipynb"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return read_notebook(path)

    return make


def _cell(number: int, tags: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{number}",
        "metadata": {"tags": tags.split()},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
