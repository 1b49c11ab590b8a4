"""How long a notebook of 1,000 cells takes from JSON to Pipeline."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from budget import Line
from notebooks.make_diamond import long_notebook

from jupyter_mlops.notebook.reading import read_notebook
from jupyter_mlops.pipeline.slicer import slice_notebook

CELLS = 1000


def measure() -> list[Line]:
    """Read and slice the notebook a few times; take the best."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.ipynb"
        path.write_text(json.dumps(long_notebook(CELLS)), encoding="utf-8")
        return [Line(f"analyse {CELLS} cells", min(_seconds(path) for _ in range(3)), 1.0)]


def _seconds(path: Path) -> float:
    start = time.perf_counter()
    slice_notebook(read_notebook(path))
    return time.perf_counter() - start
