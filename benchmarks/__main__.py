"""Measures the time budgets: ``python benchmarks``. A benchmark is a module here with ``measure() -> list[Line]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run each benchmark; return 1 if a budget was missed."""
    names = sorted(path.stem for path in HERE.glob("bench_*.py"))
    lines = [line for name in names for line in importlib.import_module(name).measure()]
    for line in lines:
        print(
            f"{'ok    ' if line.kept else 'MISSED'}  {line.what}: {line.value:.3f} {line.unit} (budget {line.budget:g})"
        )
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
