"""Five steps, little computed: against papermill on the same notebook, from command line to exit code."""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from budget import Row, ratio
from measuring import NOTEBOOKS, Cost, Effort, in_turn, median, mlops, run, workplace

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
        (folder / "edited.ipynb").write_bytes(NOTEBOOK.read_bytes())
        versions = itertools.count()

        def ours(*arguments: str) -> Cost:
            return run(mlops("run", *arguments), cwd=folder, env=env)

        ours("edited.ipynb")

        def edited() -> Cost:
            (folder / "edited.ipynb").write_text(json.dumps(edit(_read(), next(versions))), encoding="utf-8")
            return ours("edited.ipynb")

        costs = in_turn(
            effort.tries,
            {
                "papermill": lambda: run([sys.executable, "-m", "papermill", *_papers()], cwd=folder, env=env),
                "cold": lambda: ours("--no-cache", NOTEBOOK.name),
                "light": lambda: run([sys.executable, "-c", _LIGHT, *_papers()], cwd=folder, env=env),
                "reused": lambda: ours(NOTEBOOK.name),
                "edited": edited,
            },
        )
    walls = {name: median(found).wall for name, found in costs.items()}
    share = statistics.median(compute_seconds(_read()) for _ in range(effort.tries)) / walls["papermill"]
    return [
        Row("five steps: what they compute, of papermill's time", share, 0.2, note="the fixed notebook"),
        ratio("five steps, nothing cached, to papermill", walls["cold"], walls["papermill"], 0.6),
        ratio("the same, to papermill without its slow import", walls["cold"], walls["light"], 0.6),
        ratio("nothing changed, to papermill", walls["reused"], walls["papermill"], 0.08),
        ratio("nothing changed, to papermill without its slow import", walls["reused"], walls["light"], 0.08),
        ratio("the last step edited, to papermill", walls["edited"], walls["papermill"], 0.3),
        ratio("the last step edited, to papermill without its slow import", walls["edited"], walls["light"], 0.3),
    ]


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


def _papers() -> list[str]:
    return [NOTEBOOK.name, "papermill.ipynb"]


def _read(path: Path = NOTEBOOK) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
