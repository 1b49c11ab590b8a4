"""Widgets for notebooks."""

from __future__ import annotations

from jupyter_mlops.widgets.comparison import ComparisonView, compare

__all__ = ["ComparisonView", "compare"]
