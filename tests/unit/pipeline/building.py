"""Small notebooks, written in a few lines of a test."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import parse_notebook

__all__ = ["Cells", "make_notebook", "raw_notebook"]

Cells = Iterable[tuple[str, str]]
"""For each cell its tags, separated by blanks, and its source."""


def raw_notebook(cells: Cells, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON of a notebook whose cells have the ids ``c0``, ``c1`` …"""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": metadata or {},
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": tags.split()},
                "source": textwrap.dedent(source).strip("\n"),
                "outputs": [],
                "execution_count": None,
            }
            for number, (tags, source) in enumerate(cells)
        ],
    }


def make_notebook(cells: Cells) -> Notebook:
    """A notebook in memory."""
    return parse_notebook(raw_notebook(cells))
