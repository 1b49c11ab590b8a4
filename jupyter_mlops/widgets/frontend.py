"""What a notebook's frontend can show."""

from __future__ import annotations

import sys

__all__ = ["has_frontend"]


def has_frontend() -> bool:
    """Tell whether this is a kernel, which a frontend with widgets may be connected to."""
    IPython = sys.modules.get("IPython")
    shell = None if IPython is None else IPython.get_ipython()
    return getattr(shell, "kernel", None) is not None
