"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from jupyter_mlops.api.history import runs
from jupyter_mlops.api.loading import load, load_inputs, metric_histories, restore_step, run_pipeline, step_names
from jupyter_mlops.api.models import (
    describe_model,
    model,
    model_details,
    models,
    register_model,
    remove_model,
    remove_model_alias,
    set_model_alias,
    what_remove_model_removes,
)
from jupyter_mlops.api.notebooks import explain, pipeline, read_notebook, suggest
from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify
from jupyter_mlops.api.syncing import sync
from jupyter_mlops.api.tracing import comparison, lineage
from jupyter_mlops.runtime.logged import log_artifact, log_metric, log_metrics, log_params, set_tag

__all__ = [
    "comparison",
    "describe_model",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "lineage",
    "load",
    "load_inputs",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_params",
    "metric_histories",
    "model",
    "model_details",
    "models",
    "pipeline",
    "read_notebook",
    "register_model",
    "remove_model",
    "remove_model_alias",
    "restore_step",
    "run",
    "run_pipeline",
    "runs",
    "set_model_alias",
    "set_tag",
    "step_names",
    "suggest",
    "sync",
    "verify",
    "what_remove_model_removes",
]
