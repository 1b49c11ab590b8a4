"""How long a notebook of 1,000 cells takes from JSON to Pipeline."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from budget import Row
from measuring import Effort
from notebooks.make_diamond import long_notebook

from jupyter_mlops.notebook.reading import read_notebook
from jupyter_mlops.pipeline.slicer import slice_notebook

CELLS = 1000


def measure(effort: Effort) -> list[Row]:
    """Read and slice the notebook a few times; take the best."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.ipynb"
        path.write_text(json.dumps(long_notebook(CELLS)), encoding="utf-8")
        seconds = min(_seconds(path) for _ in range(max(3, effort.tries)))
        return [Row(f"analyse a notebook of {CELLS:,} cells", seconds, 1.0, "s", note="best of 5")]


def _seconds(path: Path) -> float:
    start = time.perf_counter()
    slice_notebook(read_notebook(path))
    return time.perf_counter() - start
