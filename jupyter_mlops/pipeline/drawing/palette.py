"""The colours of steps and states, the same in graphs, reports and the notebook."""

from __future__ import annotations

__all__ = ["PALETTE", "STATUS_COLORS", "step_color"]

PALETTE = (
    "#4a6fd4",  # blue
    "#00846f",  # teal
    "#c74b16",  # orange
    "#9a4fc4",  # purple
    "#7a7400",  # olive
    "#c93a6b",  # pink
    "#1f7fa8",  # sky
    "#3f8426",  # green
    "#a0651a",  # brown
    "#6f6f86",  # slate
)
"""Each stands out from white and from a dark page (3:1), and carries white text (4.5:1)."""

STATUS_COLORS = {
    "succeeded": "#2e7d32",
    "reused": "#6f6f86",
    "running": "#1976d2",
    "failed": "#d32f2f",
    "cancelled": "#a0651a",
    "skipped": "#6f6f86",
    "queued": "#6f6f86",
}


def step_color(index: int) -> str:
    """Return the colour of the step at this 0-based position of the pipeline, as ``#rrggbb``."""
    return PALETTE[index % len(PALETTE)]
