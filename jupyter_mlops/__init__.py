"""Turn a tagged Jupyter notebook into a pipeline that computes what the notebook computes.

import jupyter_mlops as mlops

result = mlops.run("churn.ipynb", {"n_trees": 300})
print(result.metrics)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_mlops._version import __version__

if TYPE_CHECKING:
    from jupyter_mlops.api import (
        doctor,
        lineage,
        load,
        load_inputs,
        model,
        pipeline,
        read_notebook,
        register_model,
        report,
        run,
        runs,
        submit,
        sync,
    )
    from jupyter_mlops.api.registry import models
    from jupyter_mlops.magics import load_ipython_extension, unload_ipython_extension
    from jupyter_mlops.runtime.logged import log_artifact, log_metric, log_metrics, log_params, set_tag
    from jupyter_mlops.widgets import Pipeline, compare

__all__ = [
    "Pipeline",
    "__version__",
    "compare",
    "doctor",
    "lineage",
    "load",
    "load_inputs",
    "load_ipython_extension",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_params",
    "model",
    "models",
    "pipeline",
    "read_notebook",
    "register_model",
    "report",
    "run",
    "runs",
    "set_tag",
    "submit",
    "sync",
    "unload_ipython_extension",
]

_FRONT_DOORS = {
    "Pipeline": "jupyter_mlops.widgets",
    "compare": "jupyter_mlops.widgets",
    "load_ipython_extension": "jupyter_mlops.magics",
    "unload_ipython_extension": "jupyter_mlops.magics",
}
"""What does not come from the façade: it goes through it itself."""
_LOGGING = frozenset(["log_artifact", "log_metric", "log_metrics", "log_params", "set_tag"])
"""What steps call: it must not bring the rest along."""


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Where the Jupyter server finds its part."""
    module = "jupyter_mlops.server.extension"
    return [{"module": module, "app": import_module(module).MlopsServer}]


def __getattr__(name: str) -> Any:
    # importing the package must stay cheap: its parts are imported when they are used
    if name in _LOGGING:
        return getattr(import_module("jupyter_mlops.runtime.logged"), name)
    if name in __all__:
        return getattr(import_module(_FRONT_DOORS.get(name, "jupyter_mlops.api")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
