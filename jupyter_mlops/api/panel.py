"""What the JupyterLab panel asks besides what people ask on a command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.tracking.listing import RunQuery

__all__ = ["run_log", "run_notebook", "run_overview", "store_facts"]


def store_facts(home: Path) -> dict[str, Any]:
    """Return what there is to say of a store, which need not be there."""
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home

    folders = Home(home)
    empty = {"present": False, "folder": str(home), "read_only": False, "runs": 0, "models": 0}
    if not folders.database.is_file():
        return empty
    with Database(folders.database) as database:
        counts = {"runs": database.count_runs(), "models": len(database.models())}
        return {**empty, "present": True, "read_only": database.read_only, **counts}


def run_overview(query: RunQuery, *, home: Path) -> dict[str, Any]:
    """Return a page of runs as a table shows it; an empty one where there is no store yet.

    Raises:
        UsageError: The filter, the order or a number makes no sense.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.tracking.overview import overview

    if not Home(home).database.is_file():
        names = ("notes", "runs", "pinned")
        columns: dict[str, list[str]] = {"attributes": [], "metrics": [], "params": [], "tags": []}
        empty = {"page": query.page, "limit": query.limit, "more": False, "total": 0, "marks": {}, "columns": columns}
        return {**empty, **{name: [] for name in names}}
    with open_store(home) as (database, _):
        return overview(database, query)


def run_notebook(run: str, *, home: PathLike) -> dict[str, Any]:
    """Return the notebook of a run as it was when the run began, and a name for a file of it.

    Raises:
        UsageError: There is no such run, or it kept no notebook.
    """
    from jupyter_mlops.tracking.showing import document_of

    with open_store(home) as (database, _):
        record = database.run(run)
        content = json.loads(document_of(database, run, "notebook"))
    stem = Path(record.notebook).stem if record.notebook else record.pipeline
    return {"name": f"{stem}-{record.run_id}.ipynb", "content": content}


def run_log(run: str, step: str, *, home: PathLike) -> str:
    """Return what a step of a run has printed; empty if it printed nothing, or its log is gone.

    Raises:
        UsageError: There is no such run or step.
    """
    from jupyter_mlops.tracking.locating import find_step

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        record = find_step(database, run_id, step)
        if record.notebook is not None:
            path = (folders.run(run_id) / record.notebook).with_suffix(".log")
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
        return database.document(run_id, "log", record.slug) or ""
