"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.ci import check_wishes, github_annotations, tell_refusal
from jupyter_mlops.api.notebooks import explain, notebook_from_text, pipeline, read_notebook, strip_outputs, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify

__all__ = [
    "check_wishes",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "github_annotations",
    "notebook_from_text",
    "pipeline",
    "read_notebook",
    "run",
    "strip_outputs",
    "suggest",
    "tell_refusal",
    "verify",
]
