"""Five steps, little computed: against papermill on the same notebook, from command line to exit code."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budget import Row, ratio
from measuring import NOTEBOOKS, CommandFailed, Cost, Effort, in_turn, median, mlops, run, workplace

NOTEBOOK = NOTEBOOKS / "five_steps.ipynb"
_LIGHT = """\
import sys
sys.modules["rfc3987_syntax"] = None
from papermill.cli import papermill
papermill()
"""
"""Papermill without the grammar that jsonschema builds wherever this package is installed."""


def measure(effort: Effort) -> list[Row]:
    """Run the notebook with papermill as shipped, without its slow import, and with ours in three ways."""
    with workplace() as (folder, env):
        (folder / NOTEBOOK.name).write_bytes(NOTEBOOK.read_bytes())
        for name in ("edited.ipynb", "watched.ipynb"):
            (folder / name).write_bytes(NOTEBOOK.read_bytes())
        versions = itertools.count()

        def ours(*arguments: str) -> Cost:
            return run(mlops("run", *arguments), cwd=folder, env=env)

        def edited() -> Cost:
            _edit(folder / "edited.ipynb", next(versions))
            return ours("edited.ipynb")

        ours("edited.ipynb")
        with watching(folder / "watched.ipynb", env) as finished:

            def watched() -> Cost:
                start = time.perf_counter()
                _edit(folder / "watched.ipynb", next(versions))
                finished()
                return Cost(time.perf_counter() - start, 0.0, 0)

            watched()  # the first one makes the template
            costs = in_turn(
                effort.tries,
                {
                    "papermill": lambda: run([sys.executable, "-m", "papermill", *_papers()], cwd=folder, env=env),
                    "cold": lambda: ours("--no-cache", NOTEBOOK.name),
                    "light": lambda: run([sys.executable, "-c", _LIGHT, *_papers()], cwd=folder, env=env),
                    "reused": lambda: ours(NOTEBOOK.name),
                    "edited": edited,
                    "watched": watched,
                },
            )
    walls = {name: median(found).wall for name, found in costs.items()}
    share = compute_seconds(_read()) / walls["papermill"]
    return [
        Row(
            "five steps: what they compute, of papermill's time",
            share,
            0.2,
            note="executed once in a process that has imported",
        ),
        *_rows("five steps, nothing cached", walls["cold"], walls, 0.6),
        *_rows("nothing changed", walls["reused"], walls, 0.08),
        *_rows("the last step edited, under `run --watch`", walls["watched"], walls, 0.3),
        *_rows("the last step edited, in a new process", walls["edited"], walls, 0.3),
    ]


def _rows(what: str, seconds: float, walls: Mapping[str, float], bar: float) -> list[Row]:
    return [
        ratio(f"{what}, to papermill", seconds, walls["papermill"], bar),
        ratio(f"{what}, to papermill without its slow import", seconds, walls["light"], bar),
    ]


@contextmanager
def watching(notebook: Path, env: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Let ``run --watch`` watch a notebook; yields what waits for the end of the next run."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        mlops("run", "--watch", "--format", "json", notebook.name),
        cwd=notebook.parent,
        env={**environment, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def finished() -> None:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line or json.loads(line)["status"] != "succeeded":
            raise CommandFailed("the notebook that is watched did not run")

    try:
        finished()
        yield finished
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def edit(notebook: dict[str, Any], version: int) -> dict[str, Any]:
    """Change what the last step computes."""
    (last,) = (cell for cell in notebook["cells"] if cell.get("id") == "metrics")
    last["source"] = [*last["source"], f"\nversion = {version}"]
    return notebook


def compute_seconds(notebook: dict[str, Any]) -> float:
    """Execute the code in this process; return what it takes but for the imports."""
    namespace: dict[str, Any] = {}
    seconds = 0.0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            start = time.perf_counter()
            exec("".join(cell["source"]), namespace)
            if "imports" not in cell["metadata"].get("tags", ()):
                seconds += time.perf_counter() - start
    return seconds


def _edit(path: Path, version: int) -> None:
    path.write_text(json.dumps(edit(_read(), version)), encoding="utf-8")


def _papers() -> list[str]:
    return [NOTEBOOK.name, "papermill.ipynb"]


def _read(path: Path = NOTEBOOK) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
