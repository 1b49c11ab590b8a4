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
    from jupyter_mlops.api import doctor, lineage, pipeline, read_notebook, run

__all__ = ["__version__", "doctor", "lineage", "pipeline", "read_notebook", "run"]


def __getattr__(name: str) -> Any:
    # importing the package must stay cheap: its parts are imported when they are used
    if name in __all__:
        return getattr(import_module("jupyter_mlops.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
