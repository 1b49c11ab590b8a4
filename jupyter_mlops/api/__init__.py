"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.history import runs
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify
from jupyter_mlops.api.syncing import sync
from jupyter_mlops.api.tracing import comparison, lineage
from jupyter_mlops.runtime.logged import log_artifact, log_metric, log_metrics, log_params, set_tag

__all__ = [
    "comparison",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "lineage",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_params",
    "pipeline",
    "read_notebook",
    "run",
    "runs",
    "set_tag",
    "suggest",
    "sync",
    "verify",
]
