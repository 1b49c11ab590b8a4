"""Reading and slicing notebooks; nothing is executed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.notebook.reading import notebook_from_text, read_notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.analysis.machine import Environment
    from jupyter_mlops.pipeline.explain import Explanation
    from jupyter_mlops.pipeline.suggest import Suggestion

__all__ = [
    "PathLike",
    "explain",
    "notebook_from_text",
    "pipeline",
    "read_notebook",
    "source_of",
    "strip_outputs",
    "suggest",
]

PathLike = str | os.PathLike[str]


def source_of(notebook: PathLike | Notebook) -> Notebook:
    """Return a notebook, read if it was not before."""
    return notebook if isinstance(notebook, Notebook) else read_notebook(notebook)


def pipeline(notebook: PathLike | Notebook) -> Pipeline:
    """Slice a notebook into a pipeline; nothing is executed.

    Args:
        notebook: A file, or a notebook that was read before.

    Returns:
        The pipeline; what is wrong with the notebook is in its ``diagnostics``.

    Raises:
        UsageError: The file can't be read.
        NotebookError: The file is not a Python notebook of nbformat 4.
    """
    from jupyter_mlops.pipeline.slicer import slice_notebook

    source = source_of(notebook)
    return slice_notebook(source, _environment(source))


def explain(notebook: PathLike | Notebook) -> tuple[Explanation, ...]:
    """Say why each input, output, mutation, state and edge of a notebook's pipeline exists.

    Args:
        notebook: A file, or a notebook that was read before.
    """
    from jupyter_mlops.pipeline.slicer import explain_notebook

    source = source_of(notebook)
    return explain_notebook(source, _environment(source))


def suggest(notebook: PathLike | Notebook) -> Suggestion:
    """Propose tags for the cells of a notebook that have none; nothing is executed or written.

    Args:
        notebook: A file, or a notebook that was read before.

    Returns:
        For each code cell, the tags to add and why. With them the notebook is a valid pipeline, unless its code
        has errors of its own.

    Raises:
        UsageError: The file can't be read.
        NotebookError: The file is not a Python notebook of nbformat 4.
    """
    from jupyter_mlops.pipeline.suggest import suggest as propose

    source = source_of(notebook)
    return propose(source, _environment(source))


def strip_outputs(notebook: PathLike, *, write: bool = True) -> bool:
    """Take the outputs and execution counts out of a notebook's file; every other byte stays.

    Args:
        write: Whether the file is written, or only looked at.

    Returns:
        Whether there were outputs.

    Raises:
        UsageError: The file can't be read.
        NotebookError: The file is not a notebook of nbformat 4.
        InfrastructureError: The file can't be written.
    """
    from jupyter_mlops.engine.output import write_whole
    from jupyter_mlops.notebook.reading import text_of
    from jupyter_mlops.notebook.stripping import strip_outputs as stripped

    text = text_of(notebook)
    new = stripped(text)
    if write and new != text:
        write_whole(Path(notebook), new)
    return new != text


def _environment(source: Notebook) -> Environment:
    from jupyter_mlops.environment import environment_of
    from jupyter_mlops.store.home import Home, find_home

    def installed(module: str) -> tuple[str, ...] | None:
        from jupyter_mlops.engine.exports import exported_names

        start = source.path.parent if source.path is not None else Path.cwd()
        return exported_names(module, source.kernel, Home(find_home(start)).exports)

    return environment_of(source, installed)
