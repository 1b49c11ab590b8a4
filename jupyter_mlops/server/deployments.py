"""Deployment, as far as it is there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

__all__ = ["availability"]

_REASON = "Deployment is not part of this version."


def availability() -> dict[str, Any]:
    """Return whether models can be deployed, and why not."""
    there = find_spec("jupyter_mlops.api.deploying") is not None
    return {"available": there, "reason": None if there else _REASON}
