"""Make small notebooks: steps in a row, and a large value that is handed over."""

from __future__ import annotations

from typing import Any

from notebooks.make_diamond import _code, _notebook

__all__ = ["chain", "handover"]


def chain(steps: int, milliseconds: int) -> dict[str, Any]:
    """Build a notebook whose steps each need the one before.

    Args:
        steps: How many, 1 or more.
        milliseconds: What each takes by itself; it sleeps.
    """
    pause = f"time.sleep({milliseconds / 1000!r})"
    cells = [_code("imports", "import time", "imports"), _code("step-0", f"{pause}\nvalue = 0", "step:0")]
    cells += [_code(f"step-{n}", f"{pause}\nvalue = value + {n}", f"step:{n}") for n in range(1, steps)]
    return _notebook(cells)


def handover(count: int) -> dict[str, Any]:
    """Build a notebook whose first step makes an array of so many float64 values that the second one takes."""
    return _notebook(
        [
            _code("imports", "import numpy as np", "imports"),
            _code("make", f"array = np.arange({count}, dtype=np.float64)", "step:make"),
            _code("take", "last = float(array[-1])", "step:take", "metrics"),
        ]
    )
