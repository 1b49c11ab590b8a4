"""What ``verify`` asks inside the user's kernel: what variables hold, which files are touched.

The package stands on the standard library and what the kernel has; it is copied beside kernels of other
environments as ``mlops_probe``, so that it imports nothing of this project but the runtime that is there already.
"""

from __future__ import annotations

from .observer import begin, cell, end, start

__all__ = ["begin", "cell", "end", "start"]
