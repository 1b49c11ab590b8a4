"""Notebooks on disk, and a command line without a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.cli.main import main

Cell = tuple[str, str]

CHURN: Sequence[Cell] = (
    ("markdown", "# Churn"),
    ("parameters", "n_trees = 100\ntest_size: float = 0.25"),
    ("step:load", "rows = list(range(n_trees))"),
    ("step:train forest", "forest = [row * test_size for row in rows]"),
    ("step:train logistic", "logistic = [row + 1 for row in rows]"),
    ("metrics step:evaluate", "accuracy = float(len(forest) + len(logistic))"),
)


@dataclass(frozen=True)
class Printed:
    """What a command line printed."""

    code: int
    out: str
    err: str


Write = Callable[..., Path]
Run = Callable[..., Printed]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a notebook of (tags, source) pairs; ``markdown`` makes a markdown cell."""

    def write_notebook(cells: Sequence[Cell] = CHURN, name: str = "churn.ipynb", **metadata: Any) -> Path:
        made = []
        for number, (tags, source) in enumerate(cells):
            kind = "markdown" if tags == "markdown" else "code"
            names = [] if kind == "markdown" else _tags(tags)
            cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": names}, "source": source}
            made.append(cell if kind == "markdown" else cell | {"outputs": [], "execution_count": None})
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel | metadata, "cells": made}),
            encoding="utf-8",
        )
        return path

    return write_notebook


def _tags(text: str) -> list[str]:
    """``metrics step:train forest`` are two tags: a step's name runs to the end."""
    head, marker, name = text.partition("step:")
    return [*head.split(), *([marker + name] if marker else [])]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def run_line(*arguments: str | Path) -> Printed:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run_line
