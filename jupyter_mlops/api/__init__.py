"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.history import runs
from jupyter_mlops.api.images import build, last_build, plan_images
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify

__all__ = [
    "build",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "last_build",
    "pipeline",
    "plan_images",
    "read_notebook",
    "run",
    "runs",
    "suggest",
    "verify",
]
