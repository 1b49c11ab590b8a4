"""What is to be known about the machine that figures come from."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path

__all__ = ["facts"]

_PACKAGES = (
    *("jupyter-mlops", "papermill", "nbclient", "jupyter-client", "ipykernel", "jsonschema", "kfp"),
    *("numpy", "pandas", "scikit-learn", "pyarrow"),
)


def facts(load: float | None = None) -> Mapping[str, str]:
    """Collect them.

    Args:
        load: Load average of the machine before the measurement.
    """
    versions = ((name, _version(name)) for name in _PACKAGES)
    found = {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version}" for name, version in versions),
    }
    if load is not None:
        found["other load"] = f"{load:.1f} processes on average before it began"
    return found


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
