"""Does this image have what the step needs? Asked before anything runs."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ContextError

__all__ = ["check_needs"]


def check_needs(payload: Mapping[str, Any]) -> None:
    """Look for the project's modules and files, for packages that the settings name, and for IPython.

    Raises:
        ContextError: Says all that is missing.
    """
    needs = payload["needs"]
    missing = [f"the project's module {name}" for name in needs["modules"] if not _has_module(name)]
    missing += [f"the project's file {name}" for name in needs["files"] if not Path(name).exists()]
    missing += [f"the package {name}" for name in needs["packages"] if not _has_package(name)]
    if not _has_module("IPython"):
        missing.append("the package ipython")
    if missing:
        listed = "".join(f"\n  - {item}" for item in missing)
        raise ContextError(
            f"The image lacks what step {payload['name']!r} needs (working directory {os.getcwd()}):{listed}\n"  # noqa: PTH109
            "Build it with `jupyter mlops build`, or put these into your own image."
        )


def _has_module(name: str) -> bool:
    if (Path(name) / "__init__.py").is_file() or Path(f"{name}.py").is_file():
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _has_package(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
