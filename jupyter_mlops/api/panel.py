"""What the JupyterLab panel asks besides what people ask on a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike, pipeline
from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.tracking.listing import RunQuery

__all__ = [
    "compared",
    "figure_content",
    "load_code",
    "run_artifacts",
    "run_figures",
    "run_log",
    "run_notebook",
    "run_overview",
    "store_facts",
    "traced",
    "version_runs",
]


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


def run_artifacts(
    *, run: str | None, step: str | None, name: str | None, digest: str | None, home: PathLike
) -> list[dict[str, Any]]:
    """Return artifacts with what made and used them.

    Raises:
        UsageError: There is no such run, step or content, or too little was said.
    """
    from jupyter_mlops.tracking.artifact_view import artifacts_of

    with open_store(home) as (database, _):
        return artifacts_of(database, pipeline, run=run, step=step, name=name, digest=digest)


def run_figures(run: str, *, home: PathLike) -> list[dict[str, Any]]:
    """Return the figures of a run, in the order of the page.

    Raises:
        UsageError: There is no such run.
    """
    from jupyter_mlops.tracking.artifact_view import figures_of

    with open_store(home) as (database, _):
        return figures_of(database, database.run_id(run))


def figure_content(run: str, digest: str, *, home: PathLike) -> tuple[bytes, str]:
    """Return a figure of a run, and its MIME type.

    Raises:
        UsageError: The run has no such figure.
        InfrastructureError: Its content is missing or damaged.
    """
    from jupyter_mlops.api.loading import run_reader

    with open_store(home) as (database, folders):
        reader = run_reader(database, folders, run)
        for item in database.artifacts_of(reader.run.run_id):
            if item.kind == "figure" and item.digest == digest:
                return reader.path(item).read_bytes(), item.type or "application/octet-stream"
        raise UsageError(f"There is no figure {digest[:12]} of the run {reader.run.run_id}.")


def compared(runs: Sequence[str], baseline: str | None, *, everything: bool, home: PathLike) -> dict[str, Any]:
    """Return how runs differ, with the histories of their metrics and their figures.

    Raises:
        UsageError: A run is not on record, is meant twice, or there is nothing to compare it with.
    """
    from jupyter_mlops.api.tracing import comparison
    from jupyter_mlops.tracking.artifact_view import figures_of, histories_of

    found = comparison(runs, baseline, home=home).to_json(everything=everything)
    ids = [item["run_id"] for item in found["runs"]]
    with open_store(home) as (database, _):
        return {
            "comparison": found,
            "histories": [item for run_id in ids for item in histories_of(database, run_id)],
            "figures": {run_id: figures_of(database, run_id) for run_id in ids},
        }


def traced(what: str, direction: str, depth: int | None, *, home: PathLike) -> dict[str, Any]:
    """Return the lineage of a run, an artifact, a file, or a model (``model:NAME``, ``model:NAME@ALIAS``).

    Raises:
        UsageError: Nothing is meant by ``what``, or more than one thing.
    """
    from jupyter_mlops.api.tracing import lineage
    from jupyter_mlops.tracking.models import Registry

    asked = what
    if what.startswith("model:"):
        with open_store(home) as (database, _):
            version = Registry(database).version(what.removeprefix("model:"))
            asked = f"{version.run_id}:{version.step}/{version.member or version.artifact}"
    found = lineage(asked, direction, depth=depth, home=home)
    return {**found.to_json(), "asked": what}


def load_code(
    run: str, *, step: str | None, name: str | None, files: bool, home: PathLike, kernel: str | None = None
) -> dict[str, Any]:
    """Return code with which a kernel loads the inputs of a step, or a value.

    Args:
        step: The step whose inputs are meant; with ``name``, the one that made the value.
        name: Of a value.
        files: Whether files that the step got are put into place.
        kernel: Name of the kernelspec that is to run it.

    Raises:
        UsageError: There is no such run, step or value, or an input was never made.
        InfrastructureError: A content is missing or damaged.
    """
    from jupyter_mlops.api.loading import run_reader
    from jupyter_mlops.engine.bundle import install_bundle
    from jupyter_mlops.engine.kernels import find_kernel, lacks_cloudpickle
    from jupyter_mlops.store.home import ensure_home
    from jupyter_mlops.tracking.load_code import code_for_inputs, code_for_value

    if step is None and name is None:
        raise UsageError("Say which step's inputs, or which value.")
    with open_store(home) as (database, folders):
        reader = run_reader(database, folders, run)
        spec = find_kernel(kernel or reader.run.kernel or "python3")
        bundle = install_bundle(ensure_home(folders.root).runtime, with_cloudpickle=lacks_cloudpickle(spec))
        if name is not None:
            return code_for_value(reader, name, bundle, step=step).to_json()
        return code_for_inputs(reader, str(step), bundle, files=files).to_json()


def version_runs(model: str, *, home: PathLike) -> dict[int, str]:
    """Return the run of each version of a model; nothing for one that is not registered any more."""
    with open_store(home) as (database, _):
        return {item.version: item.run_id for item in database.model_versions(model)}
