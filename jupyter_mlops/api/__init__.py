"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.tracing import comparison, lineage
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify

__all__ = [
    "comparison",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "lineage",
    "pipeline",
    "read_notebook",
    "run",
    "suggest",
    "verify",
]
