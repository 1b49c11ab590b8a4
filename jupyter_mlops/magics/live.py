"""What a live notebook knows of itself: its file, its cells, how code runs in it."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["STEP_VARIABLE", "executor", "notebook_file", "unsaved_cell"]

STEP_VARIABLE = "JUPYTER_MLOPS_STEP"
"""Environment variable that a kernel has which runs a step of a pipeline."""

_SESSION = "JPY_SESSION_NAME"
_SESSION_OF_VSCODE = "__vsc_ipynb_file__"


def notebook_file(namespace: dict[str, Any]) -> Path | None:
    """Return the file of the notebook that this kernel belongs to, if it can be told.

    Jupyter names it in an environment variable, as a path that may be relative to the kernel's folder or one above it;
    where several people edit a notebook at once, it says so in front of the name.
    """
    for text in (os.environ.get(_SESSION), namespace.get(_SESSION_OF_VSCODE)):
        if not isinstance(text, str) or not text.endswith(".ipynb"):
            continue
        text = text.replace("RTC:", "")
        folder = Path.cwd()
        for candidate in (Path(text), *(place / text for place in (folder, *folder.parents)), folder / Path(text).name):
            if candidate.is_file():
                return candidate.absolute()
    return None


def executor(shell: Any) -> Callable[[str], None]:
    """Return what runs code in a shell, so that tracebacks and ``inspect`` find its source; it may raise."""

    def execute(source: str) -> None:
        cell = shell.transform_cell(source)
        name = shell.compile.cache(cell, shell.execution_count, source)
        exec(compile(ast.parse(cell, name), name, "exec", flags=shell.compile.flags, dont_inherit=True), shell.user_ns)

    return execute


def unsaved_cell(shell: Any, sources: list[str]) -> bool:
    """Tell whether the cell that runs now is not in the saved notebook as it is: there are changes that were not saved.

    Args:
        sources: Of the saved notebook's cells.
    """
    history = getattr(shell.history_manager, "input_hist_raw", [])
    current = history[-1].strip() if history else ""
    return bool(current) and current not in {source.strip() for source in sources}
