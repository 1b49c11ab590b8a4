"""Runs again and again: ``jupyter mlops run --watch``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.cli.output import count, display_path, report_error, say
from jupyter_mlops.errors import MlopsError, NotebookError, PipelineError

if TYPE_CHECKING:
    from jupyter_mlops.engine.result import RunResult
    from jupyter_mlops.engine.warm.pool import KernelPool

__all__ = ["watch_and_run"]


def watch_and_run(notebook: Path, run: Callable[[KernelPool, bool], RunResult]) -> int:
    """Run, wait until something changes, and so on.

    Args:
        notebook: Watched in any case.
        run: Runs once, with kernels that are kept; is told whether it is the first time.

    Returns:
        0 if Ctrl-C came while nothing ran, else what the run that it has stopped returns.

    Raises:
        MlopsError: The first run was not possible, for a reason that is not in the notebook.
    """
    from jupyter_mlops.engine.warm.pool import KernelPool
    from jupyter_mlops.engine.watching import states_of, wait_for_change

    known = states_of([notebook.absolute()])
    first = True
    with KernelPool() as kernels:
        while True:
            try:
                result = run(kernels, first)
            except MlopsError as error:
                if first and not isinstance(error, (NotebookError, PipelineError)):
                    raise
                report_error(error)
            else:
                if result.status == "cancelled":
                    return result.exit_code
                # What is known of a file from before the run stays: it may have changed meanwhile.
                now = states_of(result.sources)
                known = {path: known.get(path, state) for path, state in now.items()}
            first = False
            say(f"Watching {count(len(known), 'file')}; Ctrl-C ends it.", err=True)
            try:
                changed = wait_for_change(known)
            except KeyboardInterrupt:
                return 0
            known = states_of(known)
            say(f"Changed: {', '.join(display_path(path) for path in changed)}", err=True, bold=True)
