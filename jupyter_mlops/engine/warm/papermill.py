"""The engine ``mlops`` of papermill: what papermill's own does, in a forked kernel.

A single notebook gains little: the template has to import what the notebook imports. Notebooks that one Python process
executes one after another share the template.
"""

from __future__ import annotations

import atexit
import functools
from typing import Any

from papermill.engines import NBClientEngine

from jupyter_mlops.engine.codeform import code_cells
from jupyter_mlops.engine.warm.manager import warm_manager
from jupyter_mlops.engine.warm.pool import KernelPool

__all__ = ["PapermillEngine"]


class PapermillEngine(NBClientEngine):
    """Executes whole notebooks, for people who use papermill by itself."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute the notebook that papermill has prepared."""
        cells = [{**cell, "id": cell.get("id", "")} for cell in nb_man.nb.cells]
        code = [cell.tree for cell in code_cells({"cells": cells}) if cell.tree is not None]
        manager = warm_manager(_pool(), code)
        return super().execute_managed_notebook(nb_man, kernel_name, kernel_manager_class=manager, **kwargs)


@functools.cache
def _pool() -> KernelPool:
    """The pool of this process."""
    pool = KernelPool()
    atexit.register(pool.close)
    return pool
