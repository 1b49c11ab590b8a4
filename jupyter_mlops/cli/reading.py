"""From a command line's file names to notebooks, pipelines and files to write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["read", "target_file", "write_text"]


def read(notebook: str, kernel: str | None = None) -> tuple[Notebook, Pipeline]:
    """Read a notebook and slice it; a pipeline with errors is returned as well.

    Args:
        kernel: Name of a kernelspec to use instead of the notebook's own.
    """
    from jupyter_mlops import api

    if notebook == "-":
        raise UsageError(
            "A notebook can't be read from standard input.",
            hint="Steps run in the notebook's folder, so it must be a file; write ./- for a file of that name.",
        )
    source = api.read_notebook(Path(notebook))
    if kernel is not None:
        source = replace(source, kernel=kernel)
    return source, api.pipeline(source)


def target_file(notebook: str, output: str | None) -> Path | None:
    """Return the file to write, absolute; refuse the notebook itself and folders that don't exist.

    Raises:
        UsageError: The file can't be the target.
    """
    if output is None:
        return None
    target = Path(output).absolute()
    if output == "-":
        raise UsageError(
            "The result can't go to standard output.", hint="Name a file; write ./- for a file of that name."
        )
    if target.is_dir():
        raise UsageError(f"The output {output} is a folder.", hint="Name a file.")
    if not target.parent.is_dir():
        raise UsageError(f"The folder of the output {output} does not exist.", hint=f"Make it: {target.parent}")
    if target.exists() and Path(notebook).exists() and target.samefile(notebook):
        raise UsageError(
            f"The output {output} is the notebook itself.", hint="Name another file; the notebook is never written."
        )
    return target


def write_text(target: Path, text: str) -> None:
    """Write a small text file.

    Raises:
        UsageError: It may not be written.
        InfrastructureError: The disk is full or failed.
    """
    try:
        target.write_text(text, encoding="utf-8")
    except PermissionError:
        raise UsageError(f"The file {target} can't be written.", hint="Name another file.") from None
    except OSError as error:
        raise InfrastructureError(f"The file {target} can't be written: {error.strerror or error}.") from None
