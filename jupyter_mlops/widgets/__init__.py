"""Widgets for notebooks."""

from __future__ import annotations

from jupyter_mlops.widgets.comparison import ComparisonView, compare
from jupyter_mlops.widgets.pipeline import Pipeline

__all__ = ["ComparisonView", "Pipeline", "compare"]
