"""From a command line's file names to notebooks, pipelines and files to write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jupyter_mlops.cli.output import print_diagnostics
from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.errors import PipelineError, UsageError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["read", "refuse_errors", "say_warnings", "target_file"]


def read(notebook: str, kernel: str | None = None) -> tuple[Notebook, Pipeline]:
    """Read a notebook and slice it; a pipeline with errors is returned as well.

    Args:
        kernel: Name of a kernelspec to use instead of the notebook's own.
    """
    from jupyter_mlops import api

    if not notebook:
        raise UsageError("The name of the notebook is empty.", hint="Name a .ipynb file.")
    if notebook == "-":
        raise UsageError("Only `run` reads a notebook from standard input.", hint="Write ./- for a file of that name.")
    source = api.read_notebook(Path(notebook))
    if kernel is not None:
        source = replace(source, kernel=kernel)
    return source, api.pipeline(source)


def refuse_errors(source: Notebook, pipeline: Pipeline, undone: str = "run") -> None:
    """Print the errors of a notebook that is not a valid pipeline.

    Args:
        undone: What was not done, for the message.

    Raises:
        PipelineError: There are some.
    """
    if not has_errors(pipeline.diagnostics):
        return
    errors = [item for item in pipeline.diagnostics if item.severity == "error"]
    print_diagnostics(errors, source, pipeline, err=True)
    raise PipelineError(f"The notebook is not a valid pipeline; nothing was {undone}.", pipeline.diagnostics)


def say_warnings(source: Notebook, pipeline: Pipeline) -> None:
    """Print what can't be guaranteed, and what of the notebook is ignored, to standard error."""
    warnings = [item for item in pipeline.diagnostics if item.severity == "warning"]
    print_diagnostics(warnings, source, pipeline, err=True)


def target_file(notebook: str, output: str | None) -> Path | None:
    """Return the file to write, absolute; refuse the notebook itself and folders that don't exist.

    Raises:
        UsageError: The file can't be the target.
    """
    if output is None:
        return None
    if output == "-":
        raise UsageError(
            "The result can't go to standard output.", hint="Name a file; write ./- for a file of that name."
        )
    from jupyter_mlops.engine.output import check_output

    return check_output(output, None if "://" in notebook else Path(notebook))
