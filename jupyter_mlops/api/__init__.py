"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.ci import annotations, check_wishes, tell_refusal
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify

__all__ = [
    "annotations",
    "check_wishes",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "pipeline",
    "read_notebook",
    "run",
    "suggest",
    "tell_refusal",
    "verify",
]
