"""Measures the budgets: ``python benchmarks [--quick] [NAME ...]``; writes ``benchmarks/results.md``.

A benchmark is a module here, ``bench_NAME.py``, with ``measure(effort) -> list[Row]``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # this checkout's package, whatever is installed

from budget import Row, page, shown  # noqa: E402
from machine import facts  # noqa: E402
from measuring import Effort  # noqa: E402


def main() -> int:
    """Run benchmarks; return 1 if a bar was missed."""
    names = [path.stem.removeprefix("bench_") for path in sorted(HERE.glob("bench_*.py"))]
    arguments = _arguments(names)
    effort = Effort.quick() if arguments.quick else Effort()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    rows: list[Row] = []
    for name in arguments.names or names:
        for row in importlib.import_module(f"bench_{name}").measure(effort):
            rows.append(row)
            figure = "" if row.figure is None else shown(row.figure, row.unit)
            print(f"{row.verdict.strip('*'):12} {row.what}: {figure} (bar {row.bar:g}; {row.note})", flush=True)
    if not arguments.names:
        notes = HERE / "remarks.md"
        remarks = [notes.read_text(encoding="utf-8")] if notes.exists() else []
        text = page(rows, facts(load), remarks, quick=arguments.quick)
        (HERE / "results.md").write_text(text, encoding="utf-8")
    return 1 if any(row.holds is False for row in rows) else 0


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the budgets.")
    parser.add_argument("names", nargs="*", choices=[*names, []], help="only these; results.md stays as it is")
    parser.add_argument("--quick", action="store_true", help="one small try each, to see that everything works")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
