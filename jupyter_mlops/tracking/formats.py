"""Numbers as people read them."""

from __future__ import annotations

import json
import math
import time
from typing import Any

__all__ = ["clock", "duration", "measure", "number", "parameter", "size"]


def duration(seconds: float | None) -> str:
    """Say a time span: ``0.04 s``, ``3.2 s``, ``2 min 5 s``, ``3 h 20 min``; a dash for None."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Say a number of bytes: ``812 B``, ``1.4 MB``."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def number(value: float) -> str:
    """Say a metric with six significant digits: ``0.964912``, ``12,345``, ``3.2e-09``, ``∞``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1e6:
        return f"{value:,.1f}" if abs(value) < 1e12 else f"{value:.5g}"
    return f"{value:.6g}"


def measure(name: str, value: float) -> str:
    """Say a number by what its name tells of it: seconds, bytes, or a plain number."""
    what = name.rpartition(".")[2]
    if what in ("seconds", "cpu_seconds"):
        return duration(value)
    return size(round(value)) if what == "peak_memory" else number(value)


def parameter(value: Any) -> str:
    """Say a parameter's value as it stands in a notebook."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def clock(milliseconds: int | None) -> str:
    """Say a moment in UTC: ``2026-01-31 23:59:59 UTC``; a dash for None."""
    if milliseconds is None:
        return "\N{EN DASH}"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(milliseconds / 1000))
