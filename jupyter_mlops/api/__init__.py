"""What people import: ``import jupyter_mlops as mlops``.

Every front door (command line, server, magics, widgets) goes through these functions.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.api.ci import check_wishes, github_annotations, make_ci_file, tell_refusal, write_ci_file
    from jupyter_mlops.api.clusters import submit
    from jupyter_mlops.api.history import runs
    from jupyter_mlops.api.images import build, images_of, plan_images
    from jupyter_mlops.api.loading import load, load_inputs, metric_histories, restore_step, run_pipeline, step_names
    from jupyter_mlops.api.notebooks import explain, notebook_from_text, pipeline, read_notebook, strip_outputs, suggest
    from jupyter_mlops.api.registry import (
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
    from jupyter_mlops.api.reports import report
    from jupyter_mlops.api.running import doctor, dry_run, gc, run, verify
    from jupyter_mlops.api.served import make_server, serve, serve_settings
    from jupyter_mlops.api.serving import bundle, bundled, make_signing_key, predict_file
    from jupyter_mlops.api.syncing import sync
    from jupyter_mlops.api.tracing import comparison, lineage
    from jupyter_mlops.runtime.logged import log_artifact, log_metric, log_metrics, log_params, set_tag

__all__ = [
    "build",
    "bundle",
    "bundled",
    "check_wishes",
    "comparison",
    "describe_model",
    "doctor",
    "dry_run",
    "explain",
    "gc",
    "github_annotations",
    "images_of",
    "lineage",
    "load",
    "load_inputs",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_params",
    "make_ci_file",
    "make_server",
    "make_signing_key",
    "metric_histories",
    "model",
    "model_details",
    "models",
    "notebook_from_text",
    "pipeline",
    "plan_images",
    "predict_file",
    "read_notebook",
    "register_model",
    "remove_model",
    "remove_model_alias",
    "report",
    "restore_step",
    "run",
    "run_pipeline",
    "runs",
    "serve",
    "serve_settings",
    "set_model_alias",
    "set_tag",
    "step_names",
    "strip_outputs",
    "submit",
    "suggest",
    "sync",
    "tell_refusal",
    "verify",
    "what_remove_model_removes",
    "write_ci_file",
]

_PARTS = {
    "jupyter_mlops.api.ci": ("check_wishes", "github_annotations", "make_ci_file", "tell_refusal", "write_ci_file"),
    "jupyter_mlops.api.clusters": ("submit",),
    "jupyter_mlops.api.history": ("runs",),
    "jupyter_mlops.api.images": ("build", "images_of", "plan_images"),
    "jupyter_mlops.api.loading": (
        "load",
        "load_inputs",
        "metric_histories",
        "restore_step",
        "run_pipeline",
        "step_names",
    ),
    "jupyter_mlops.api.registry": (
        "describe_model",
        "model",
        "model_details",
        "models",
        "register_model",
        "remove_model",
        "remove_model_alias",
        "set_model_alias",
        "what_remove_model_removes",
    ),
    "jupyter_mlops.api.notebooks": (
        "explain",
        "notebook_from_text",
        "pipeline",
        "read_notebook",
        "strip_outputs",
        "suggest",
    ),
    "jupyter_mlops.api.reports": ("report",),
    "jupyter_mlops.api.running": ("doctor", "dry_run", "gc", "run", "verify"),
    "jupyter_mlops.api.served": ("make_server", "serve", "serve_settings"),
    "jupyter_mlops.api.serving": ("bundle", "bundled", "make_signing_key", "predict_file"),
    "jupyter_mlops.api.syncing": ("sync",),
    "jupyter_mlops.api.tracing": ("comparison", "lineage"),
    "jupyter_mlops.runtime.logged": ("log_artifact", "log_metric", "log_metrics", "log_params", "set_tag"),
}
"""What comes from where: a part is imported when it is asked for, so that a run doesn't wait for the others."""


def __getattr__(name: str) -> Any:
    for module, names in _PARTS.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
