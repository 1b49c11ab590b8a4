"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.ci import check_wishes, github_annotations, make_ci_file, tell_refusal, write_ci_file
from jupyter_mlops.api.history import runs
from jupyter_mlops.api.notebooks import explain, notebook_from_text, pipeline, read_notebook, strip_outputs, suggest
from jupyter_mlops.api.reports import report
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify

__all__ = [
    "check_wishes",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "github_annotations",
    "make_ci_file",
    "notebook_from_text",
    "pipeline",
    "read_notebook",
    "report",
    "run",
    "runs",
    "strip_outputs",
    "suggest",
    "tell_refusal",
    "verify",
    "write_ci_file",
]
