"""The language in which runs are asked for: ``metrics.accuracy > 0.9 and params.model = "rf"``."""

from __future__ import annotations

from jupyter_mlops.tracking.filters.parser import parse_columns, parse_filter, parse_sort
from jupyter_mlops.tracking.filters.problems import FilterError
from jupyter_mlops.tracking.filters.text import field_text, filter_text

__all__ = ["FilterError", "field_text", "filter_text", "parse_columns", "parse_filter", "parse_sort"]
