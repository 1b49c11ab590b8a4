"""Reads notebooks: nbformat 4.0 to 4.5, with nothing but the standard library, never writing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.errors import NotebookError, UsageError
from jupyter_mlops.notebook import kale
from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.model import Cell, Notebook, StepSettings
from jupyter_mlops.notebook.names import nearest, printable
from jupyter_mlops.notebook.settings import NotebookSettings, merge, read_notebook_settings, read_settings
from jupyter_mlops.notebook.shape import check_shape, check_version, kernel_and_language
from jupyter_mlops.notebook.tags import read_tags
from jupyter_mlops.notebook.upgrade import upgrade_notebook

__all__ = ["notebook_from_text", "parse_notebook", "read_notebook", "text_of"]

_WITHOUT_SETTINGS = ("parameters", "imports", "functions", "setup", "text")
_UNTITLED = "notebook"
_RESTORE = "Restore it from a checkpoint (the folder .ipynb_checkpoints) or from version control."


def read_notebook(path: str | os.PathLike[str]) -> Notebook:
    """Read a notebook file.

    Args:
        path: The ``.ipynb`` file; it is only read.

    Returns:
        The notebook with its cells, settings and diagnostics.

    Raises:
        UsageError: If there is no such file, or it can't be read.
        NotebookError: If it is not a notebook of nbformat 4 for a Python kernel.
    """
    file = Path(path)
    return parse_notebook(_parse_json(_read_bytes(file), file), file)


def text_of(path: str | os.PathLike[str]) -> str:
    """Return the text of a notebook of any language, once it is sure to be one.

    Raises:
        UsageError: If there is no such file, or it can't be read.
        NotebookError: If it is not a notebook of nbformat 4.
    """
    file = Path(path)
    content = _read_bytes(file)
    raw, shown = _parse_json(content, file), printable(str(file))
    check_version(raw, shown)
    check_shape(raw, shown)
    return content.decode("utf-8")


def notebook_from_text(content: bytes, origin: str) -> Notebook:
    """Read a notebook that is not in a file of this machine.

    Args:
        content: The text of its file, UTF-8.
        origin: Where it came from: an address, whose last part gives the name, or other words.

    Raises:
        NotebookError: If it is not a notebook of nbformat 4 for a Python kernel.
    """
    notebook = parse_notebook(_parse_json(content, Path(origin), origin))
    stem = Path(origin.partition("?")[0]).stem if "://" in origin else ""
    return replace(notebook, name=stem) if stem and notebook.name == _UNTITLED else notebook


def parse_notebook(raw: Mapping[str, Any], path: str | os.PathLike[str] | None = None) -> Notebook:
    """Understand a notebook's JSON.

    Args:
        raw: The JSON; it is not changed. The notebook shares its outputs and metadata.
        path: The file it came from, for names and messages.

    Returns:
        The notebook with its cells, settings and diagnostics.

    Raises:
        NotebookError: If it is not a notebook of nbformat 4 for a Python kernel.
    """
    file = Path(path) if path is not None else None
    shown = printable(str(file)) if file is not None else "The notebook"
    check_version(raw, shown)
    check_shape(raw, shown)
    kernel, language = kernel_and_language(raw.get("metadata", {}), shown)
    upgraded = upgrade_notebook(raw)
    metadata = upgraded["metadata"]
    settings = _notebook_settings(metadata)
    diagnostics = list(settings.diagnostics)
    cells = [_cell(cell, index, diagnostics) for index, cell in enumerate(upgraded["cells"])]
    return Notebook(
        path=file.absolute() if file is not None else None,
        name=settings.name or (file.stem if file is not None else "") or _UNTITLED,
        cells=tuple(cells),
        kernel=kernel,
        language=language,
        description=settings.description,
        defaults=settings.defaults,
        build=settings.build,
        raw=upgraded,
        diagnostics=tuple(diagnostics),
    )


def _read_bytes(file: Path) -> bytes:
    shown = printable(str(file))
    try:
        if file.is_dir():
            raise UsageError(f"{shown} is a directory, not a notebook.", hint="Name the .ipynb file in it.")
        if file.exists() and not (file.is_file() or file.is_fifo()):
            raise UsageError(f"{shown} is not a file.")
        return file.read_bytes()
    except FileNotFoundError:
        if file.is_symlink():
            missing = printable(str(file.readlink()))
            hint = "Mend the link, or name the notebook itself."
            raise UsageError(f"{shown} is a link to {missing}, which does not exist.", hint=hint) from None
        raise UsageError(f"{shown} does not exist.", hint=_near_files(file)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{shown} can't be read: {reason}.") from error


def _near_files(file: Path) -> str | None:
    try:
        names = [other.name for other in file.parent.iterdir() if other.suffix == ".ipynb"]
    except OSError:
        return f"There is no directory {printable(str(file.parent))}." if not file.parent.is_dir() else None
    near = nearest(file.name, names)
    return f"Did you mean {printable(str(file.with_name(near)))}?" if near else None


def _parse_json(content: bytes, file: Path, origin: str | None = None) -> Any:
    shown = printable(origin or str(file))
    if not content.strip():
        raise NotebookError(f"{shown} is not a notebook: it is empty.", hint=_RESTORE)
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{shown} is not UTF-8: line {line} has the byte {content[error.start]:#04x}."
        raise NotebookError(message, hint="Notebooks are JSON in UTF-8; save the file again as such.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        hint = _json_hint(content, file)
        raise NotebookError(
            f"{shown} is not valid JSON: {error.msg.removesuffix(' at')} at {where}.", hint=hint
        ) from None
    except RecursionError:
        raise NotebookError(f"{shown} is not a notebook: its JSON is nested too deeply.") from None
    except ValueError as error:  # a number of thousands of digits
        raise NotebookError(f"{shown} is not a notebook: {error}.") from None


def _json_hint(content: bytes, file: Path) -> str:
    if re.search(rb"^<{7} ", content, re.MULTILINE):
        return "It has marks of an unresolved merge (`<<<<<<<`): resolve it, for example with `nbdime mergetool`."
    if content.startswith(b"version https://git-lfs"):
        return "It is a pointer of Git LFS: run `git lfs pull`."
    if file.suffix in (".py", ".md", ".Rmd", ".qmd"):
        return "Name a .ipynb file; `jupytext --to ipynb` makes one of a script."
    return _RESTORE if file.suffix == ".ipynb" else "A notebook is a .ipynb file, as JupyterLab saves it."


def _notebook_settings(metadata: Mapping[str, Any]) -> NotebookSettings:
    """Combine our own metadata with Kale's; where both say something, ours counts."""
    own = read_notebook_settings(metadata.get("mlops"))
    alias = kale.read_kale_metadata(metadata.get("kubeflow_notebook"))
    return NotebookSettings(
        own.name or alias.name,
        own.description or alias.description,
        merge(alias.defaults, own.defaults),
        own.build,
        (*own.diagnostics, *alias.diagnostics),
    )


def _cell(raw: Mapping[str, Any], index: int, diagnostics: list[Diagnostic]) -> Cell:
    kind, source, cell_id = raw["cell_type"], raw["source"], raw["id"]
    metadata = raw["metadata"]
    tags = tuple(metadata.get("tags") or ())
    tagging = read_tags(tags, kind=kind, cell=cell_id)
    own, problems = read_settings(metadata.get("mlops"), cell=cell_id)
    settings = merge(tagging.settings, own)
    diagnostics += [*tagging.diagnostics, *problems]
    if tagging.role in _WITHOUT_SETTINGS and settings != StepSettings():
        what = "a text cell" if tagging.role == "text" else f"a cell tagged `{tagging.role}`"
        hint = "Move them to the first cell of a step, or to the notebook's metadata for all steps."
        diagnostics.append(make("MLO061", f"Step settings have no effect on {what}.", cell=cell_id, hint=hint))
    python = python_source(source) if kind == "code" else None
    return Cell(
        id=cell_id,
        index=index,
        kind=kind,
        source=source,
        tags=tags,
        role=tagging.role,
        step=tagging.step,
        after=tagging.after,
        inputs=tagging.inputs,
        outputs=tagging.outputs,
        metrics=tagging.metrics,
        metric_names=kale.printed_names(python.text) if python and tagging.shows_metrics else (),
        settings=settings,
        python=python,
        execution_count=raw.get("execution_count"),
    )
