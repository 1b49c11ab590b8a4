"""What a step takes from its image: the project's modules and files, with digests, so that a change is a change."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.objects import hash_bytes, hash_file

__all__ = ["may_log", "needed_files", "needed_modules"]


_LOGS = re.compile(r"\b(?:log_(?:metrics?|params|artifact)|set_tag)\b")


def may_log(step: Step, notebook: Notebook) -> bool:
    """Tell whether a step's code, or a module of the project that it imports, mentions ``log_metric`` or its like."""
    own = set(step.cells)
    sources = [cell.source for cell in notebook.cells if cell.id in own]
    sources += [item.source for item in (*step.replay, *step.replay_loaded)]
    if any(map(_LOGS.search, sources)):
        return True
    folder = notebook.path.parent if notebook.path is not None else Path.cwd()
    files = (path for name in needed_modules(step, folder) for path in _files(folder, name))
    return any(_LOGS.search(path.read_text(encoding="utf-8", errors="replace")) for path in files)


def needed_modules(step: Step, folder: Path) -> dict[str, str]:
    """Return the modules beside the notebook that a step imports, also through each other, with digests."""
    found: dict[str, str] = {}
    waiting = list(step.imports)
    while waiting:
        name = waiting.pop().partition(".")[0]
        files = [] if name in found else _files(folder, name)
        if files:
            found[name] = hash_bytes("\n".join(f"{path.name}:{hash_file(path)}" for path in files).encode())
            waiting += [other for path in files for other in _imports(path)]
    return dict(sorted(found.items()))


def needed_files(step: Step, folder: Path) -> dict[str, str]:
    """Return the files of the project that a step reads and no step makes, with digests; of a folder, an empty one.

    What is not there now may never be: code that looks for it first does without.
    """
    found = {}
    for name in step.files_read:
        path = folder / name
        try:
            if path.exists():
                found[name] = hash_file(path) if path.is_file() else ""
        except OSError:
            found[name] = ""
    return found


def _files(folder: Path, name: str) -> list[Path]:
    try:
        if (folder / name / "__init__.py").is_file():
            return sorted((folder / name).rglob("*.py"))
        return [folder / f"{name}.py"] if (folder / f"{name}.py").is_file() else []
    except OSError:
        return []


def _imports(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
