"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.history import runs
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify
from jupyter_mlops.api.syncing import sync

__all__ = [
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "pipeline",
    "read_notebook",
    "run",
    "runs",
    "suggest",
    "sync",
    "verify",
]
