"""The executed steps as one notebook: the source, with outputs, in the form papermill gives it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.runtime.injection import parameters_source
from jupyter_mlops.steps.cells import (
    ERROR_TAG,
    INJECTED_TAG,
    code_cell,
    has_tag,
    markdown_cell,
    parameters_cells,
    role_of,
    unexecuted,
)

__all__ = ["combined_notebook", "with_error_markers"]

Cell = dict[str, Any]

_STYLE = 'style="color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;"'
_BANNER = f"<span {_STYLE}>An Exception was encountered at '<a href=\"#papermill-error-cell\">In [%s]</a>'.</span>"
_ANCHOR = (
    f'<span id="papermill-error-cell" {_STYLE}>'
    "Execution using papermill encountered an exception here and stopped:</span>"
)


def combined_notebook(
    raw: Mapping[str, Any],
    pipeline: Pipeline,
    executed: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, Any],
    *,
    input_path: str | None = None,
    output_path: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put the executed cells back into the source notebook.

    Args:
        raw: JSON of the source notebook, nbformat 4.5 with ids.
        pipeline: The pipeline that was made of it.
        executed: Executed step notebooks by slug, also of steps that failed.
        parameters: What was passed to the run.
        input_path: Path of the source, for the metadata.
        output_path: Path of the result, for the metadata.
        run: What the metadata say about the run, under ``mlops.run``.

    Returns:
        Every cell of the source in its order with its id, the outputs as its step produced them, and the parameters
        that were passed in a cell of their own.
    """
    notebooks = [executed[step.slug] for step in pipeline.steps if step.slug in executed]
    found = _executed_cells(pipeline, executed)
    sources = [cell for cell in raw.get("cells", []) if not has_tag(cell, ERROR_TAG)]
    own = parameters_cells({"cells": sources}, (parameter.cell for parameter in pipeline.parameters))
    if own and (first := _first(notebooks, lambda cell: role_of(cell) == "parameters")):
        found.setdefault(str(own[0].get("id")), first)
    cells = [_merged(cell, found.get(str(cell.get("id")))) for cell in sources]
    _show_failures_between(cells, pipeline, executed)
    if parameters:
        position = next((index + 1 for index, cell in enumerate(cells) if own and cell["id"] == own[0]["id"]), 0)
        _inject(cells, position, _injected(notebooks, parameters, {str(cell.get("id")) for cell in sources}))
    _complete_statuses(cells)
    return {
        "cells": with_error_markers(cells),
        "metadata": _metadata(raw, notebooks, parameters, input_path, output_path, run),
        "nbformat": 4,
        "nbformat_minor": max(5, int(raw.get("nbformat_minor", 5))),
    }


def with_error_markers(cells: Iterable[Cell]) -> list[Cell]:
    """Mark the first failed cell as papermill does: a banner on top that links to an anchor before the cell."""
    result = list(cells)
    failed = next((index for index, cell in enumerate(result) if _papermill(cell).get("status") == "failed"), None)
    if failed is None or _is_clean_exit(result[failed]):
        return result
    metadata = {"tags": [ERROR_TAG]}
    result.insert(failed, markdown_cell("papermill-error-anchor", _ANCHOR, metadata))
    count = result[failed + 1].get("execution_count")
    result.insert(0, markdown_cell("papermill-error-banner", _BANNER % count, metadata))
    return result


def _is_clean_exit(cell: Mapping[str, Any]) -> bool:
    errors = [output for output in cell.get("outputs", []) if output.get("output_type") == "error"]
    return bool(errors) and all(
        output.get("ename") == "SystemExit" and output.get("evalue") in ("", "0") for output in errors
    )


def _executed_cells(pipeline: Pipeline, executed: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Map the ids of the user's cells to their executed form; of several, the first on the page counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for step in pipeline.steps:
        own = set(step.cells)
        for cell in executed.get(step.slug, {}).get("cells", []):
            if cell.get("id") in own:
                found.setdefault(str(cell["id"]), cell)
    return found


def _first(notebooks: Iterable[Mapping[str, Any]], test: Any) -> Mapping[str, Any] | None:
    return next((cell for notebook in notebooks for cell in notebook.get("cells", []) if test(cell)), None)


def _merged(source: Mapping[str, Any], executed: Mapping[str, Any] | None) -> Cell:
    cell = unexecuted(source)
    metadata = cell["metadata"]
    metadata.setdefault("tags", [])
    metadata.pop("execution", None)
    metadata["papermill"] = _status("pending")
    if executed is None:
        return cell
    for key in ("papermill", "execution"):
        if key in executed.get("metadata", {}):
            metadata[key] = copy.deepcopy(executed["metadata"][key])
    if cell["cell_type"] == "code":
        cell["outputs"] = copy.deepcopy(executed.get("outputs", []))
        cell["execution_count"] = executed.get("execution_count")
    return cell


def _show_failures_between(cells: list[Cell], pipeline: Pipeline, executed: Mapping[str, Mapping[str, Any]]) -> None:
    """Show a cell of ours that failed (a value that can't be saved) where it ran, as a marker that goes away again."""
    for step in pipeline.steps:
        for cell in executed.get(step.slug, {}).get("cells", []):
            if role_of(cell) not in ("replay", "load", "save") or _papermill(cell).get("status") != "failed":
                continue
            shown = _merged({**cell, "id": f"{cell['id']}-{step.slug}"[:64]}, cell)
            shown["metadata"] = {**shown["metadata"], "tags": [ERROR_TAG]}
            places = [index for index, other in enumerate(cells) if other["id"] in step.cells]
            cells.insert(places[-1] + 1 if role_of(cell) == "save" else places[0], shown)


def _inject(cells: list[Cell], position: int, injected: Cell) -> None:
    """Put the cell after the parameters cell, or in the place of one that an earlier run left."""
    for index, cell in enumerate(cells):
        if has_tag(cell, INJECTED_TAG):
            cells[index] = injected
            return
    cells.insert(position, injected)


def _injected(notebooks: list[Mapping[str, Any]], parameters: Mapping[str, Any], taken: set[str]) -> Cell:
    """Show all parameters of the run, with the counts and timings of the first step that got some."""
    source = parameters_source(parameters)
    first: Mapping[str, Any] | None = None
    for notebook in notebooks:
        cell = _first([notebook], lambda cell: has_tag(cell, INJECTED_TAG))
        first = first or cell
        passed = notebook.get("metadata", {}).get("papermill", {}).get("parameters", {})
        if cell and set(passed) == set(parameters):
            first, source = cell, unexecuted(cell)["source"]  # papermill formats it where it can
            break
    cell_id = str(first["id"]) if first else "injected-parameters"
    while cell_id in taken:
        cell_id = f"{cell_id[:60]}-1"
    return _merged(code_cell(cell_id, source, {"tags": [INJECTED_TAG]}), first)


def _papermill(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    found = cell.get("metadata", {}).get("papermill")
    return found if isinstance(found, Mapping) else {}


def _status(status: str) -> dict[str, Any]:
    exception = None if status == "pending" else False
    return {"duration": None, "end_time": None, "exception": exception, "start_time": None, "status": status}


def _complete_statuses(cells: list[Cell]) -> None:
    """Count text cells above the first failure as done, as papermill does; below it they are pending."""
    for cell in cells:
        if _papermill(cell).get("status") == "failed":
            return
        if cell["cell_type"] != "code":
            cell["metadata"]["papermill"] = _status("completed")


def _metadata(
    raw: Mapping[str, Any],
    notebooks: list[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    input_path: str | None,
    output_path: str | None,
    run: Mapping[str, Any] | None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = copy.deepcopy(dict(raw.get("metadata", {})))
    all_papermill = [notebook.get("metadata", {}).get("papermill", {}) for notebook in notebooks]
    for notebook in notebooks:
        if language := notebook.get("metadata", {}).get("language_info"):
            metadata["language_info"] = copy.deepcopy(language)
            break
    _merge_widgets(metadata, notebooks)
    papermill = dict(metadata.get("papermill") or _new_papermill(all_papermill))
    if parameters:
        papermill["parameters"] = dict(parameters)
    papermill.update(_times(all_papermill), input_path=input_path, output_path=output_path)
    papermill["exception"] = True if any(item.get("exception") for item in all_papermill) else None
    metadata["papermill"] = papermill
    if run is not None:
        ours = metadata.get("mlops")
        metadata["mlops"] = {**(ours if isinstance(ours, Mapping) else {}), "run": dict(run)}
    return metadata


def _new_papermill(all_papermill: list[Mapping[str, Any]]) -> dict[str, Any]:
    version = next((item["version"] for item in all_papermill if "version" in item), None)
    return {"default_parameters": {}, "parameters": {}, "environment_variables": {}, "version": version}


def _times(all_papermill: list[Mapping[str, Any]]) -> dict[str, Any]:
    from datetime import datetime

    starts = [item["start_time"] for item in all_papermill if item.get("start_time")]
    ends = [item["end_time"] for item in all_papermill if item.get("end_time")]
    if not starts or not ends:
        return {"start_time": None, "end_time": None, "duration": None}
    start, end = min(starts, key=datetime.fromisoformat), max(ends, key=datetime.fromisoformat)
    duration = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return {"start_time": start, "end_time": end, "duration": duration}


def _merge_widgets(metadata: dict[str, Any], notebooks: list[Mapping[str, Any]]) -> None:
    """Widgets of the steps live side by side: their model ids are unique."""
    if any(notebook.get("metadata", {}).get("widgets") for notebook in notebooks):
        metadata["widgets"] = {}
    for notebook in notebooks:
        for mime, widgets in notebook.get("metadata", {}).get("widgets", {}).items():
            own = metadata["widgets"].setdefault(mime, copy.deepcopy(widgets))
            own.setdefault("state", {}).update(copy.deepcopy(widgets.get("state", {})))
