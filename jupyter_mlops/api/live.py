"""A notebook that is being edited: what it is as a pipeline, cell by cell, as JSON for those who show it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.api.notebooks import explain, pipeline, suggest
from jupyter_mlops.api.running import dry_run
from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.model import Cell, Notebook, StepSettings
from jupyter_mlops.notebook.names import nearest, slugify
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.json_form import json_value, to_json
from jupyter_mlops.pipeline.model import Parameter, Pipeline, Step

__all__ = [
    "analysis_json",
    "explanation_json",
    "find_step",
    "live_notebook",
    "numbers_of",
    "plan_json",
    "revision_of",
    "suggestion_json",
]

_NONE = StepSettings()
_NO_SETTINGS = json_value(_NONE)
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def live_notebook(path: Path, cells: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> Notebook:
    """Read a notebook as an editor holds it: without outputs, saved or not.

    Args:
        path: The file that it is, or would be, saved in.
        cells: With ``cell_type``, ``source``, ``metadata``, and ``id`` as far as they have one.
        metadata: Of the notebook.

    Raises:
        NotebookError: It is not a notebook for a Python kernel.
    """
    whole = [_whole_cell(cell) for cell in cells]
    return parse_notebook({"nbformat": 4, "nbformat_minor": 5, "metadata": dict(metadata), "cells": whole}, path)


def revision_of(path: Path, cells: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same content."""
    parts = [[cell.get("id"), cell["cell_type"], cell["source"], cell["metadata"]] for cell in cells]
    text = json.dumps([str(path), parts, metadata], sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def analysis_json(notebook: Notebook, *, path: str, revision: str) -> dict[str, Any]:
    """Return the pipeline of a notebook, and what each of its cells is in it.

    Args:
        path: The notebook's path, as whoever asks calls it.
        revision: What ``revision_of`` says.
    """
    start = time.perf_counter()
    sliced = pipeline(notebook)
    plain = to_json(sliced)
    steps = {cell: step for step in sliced.steps for cell in step.cells}
    return {
        "revision": revision,
        "path": path,
        "valid": not has_errors(sliced.diagnostics),
        "kernel": sliced.kernel,
        "pipeline": plain,
        "cells": {cell.id: _cell_json(cell, steps.get(cell.id), plain["diagnostics"]) for cell in notebook.cells},
        "seconds": round(time.perf_counter() - start, 4),
    }


def suggestion_json(notebook: Notebook, *, path: str, revision: str) -> dict[str, Any]:
    """Return proposed tags, and what the notebook would be with them."""
    found = suggest(notebook)
    raw = dict(notebook.raw)
    raw["cells"] = [_tagged(cell, found.tags.get(place, ())) for place, cell in enumerate(raw["cells"])]
    preview = analysis_json(parse_notebook(raw, notebook.path), path=path, revision=revision)
    return {"revision": revision, "suggestion": found.to_json(), "preview": preview}


def plan_json(
    notebook: Notebook, parameters: Mapping[str, Any], *, revision: str, home: Path | None = None, **wishes: Any
) -> dict[str, Any]:
    """Return which steps would run, and why.

    Args:
        parameters: Values as JSON has them.
        wishes: ``start``, ``only``, ``force``, ``no_cache`` of ``dry_run``.

    Raises:
        PipelineError: The notebook has errors.
        UsageError: A parameter or step makes no sense.
    """
    values = numbers_of(pipeline(notebook).parameters, parameters)
    plan = dry_run(notebook, values, home=home, **wishes).to_json()
    counts = dict.fromkeys(("reused", "run", "maybe", "skipped"), 0)
    for step in plan["steps"]:
        counts[step["action"]] += 1
    return {"revision": revision, "plan": plan, "counts": counts}


def explanation_json(notebook: Notebook, wanted: str) -> dict[str, Any]:
    """Return why a step takes, gives and waits for what it does.

    Raises:
        UsageError: There is no such step.
    """
    from jupyter_mlops.pipeline.reporting import Source
    from jupyter_mlops.pipeline.reporting import explanation_json as form

    sliced = pipeline(notebook)
    step = find_step(sliced, wanted)
    return form(Source(notebook, sliced, notebook.name), step, explain(notebook))


def find_step(sliced: Pipeline, wanted: str) -> Step:
    """Return the step of this name or slug.

    Raises:
        UsageError: There is none.
    """
    for test in ((lambda step: wanted in (step.name, step.slug)), (lambda step: slugify(wanted) == step.slug)):
        for step in sliced.steps:
            if test(step):
                return step
    near = nearest(wanted, [name for step in sliced.steps for name in (step.name, step.slug)])
    raise UsageError(
        f'There is no step "{wanted}"' + (f'; did you mean "{near}"?' if near else "."),
        hint=f"Steps: {', '.join(step.name for step in sliced.steps)}." if sliced.steps else None,
    )


def numbers_of(declared: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of parameters with the numbers that JSON has not, of which texts tell."""
    floats = {item.name for item in declared if item.type == "float"}
    return {
        name: _NUMBERS[value] if name in floats and isinstance(value, str) and value in _NUMBERS else value
        for name, value in values.items()
    }


def _whole_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: cell[name] for name in ("id", "cell_type", "source", "metadata") if name in cell}
    return {**found, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else found


def _tagged(cell: Mapping[str, Any], add: Sequence[str]) -> Mapping[str, Any]:
    if not add:
        return cell
    metadata = cell.get("metadata", {})
    return {**cell, "metadata": {**metadata, "tags": [*(metadata.get("tags") or ()), *add]}}


def _cell_json(cell: Cell, step: Step | None, diagnostics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "number": cell.index + 1,
        "role": _role(cell),
        "step": None if step is None else step.slug,
        "name": None if step is None else step.name,
        "first": step is not None and step.cells[0] == cell.id,
        "inputs": [] if step is None else list(step.inputs),
        "outputs": [] if step is None else list(step.outputs),
        "mutates": [] if step is None else list(step.mutates),
        "hidden": [] if step is None else list(step.hidden),
        "after": [] if step is None else list(step.after),
        "tags": list(cell.tags),
        "settings": _NO_SETTINGS if cell.settings == _NONE else json_value(cell.settings),
        "diagnostics": [item for item in diagnostics if item["cell"] == cell.id],
    }


def _role(cell: Cell) -> str:
    if cell.role == "text":
        return "none"
    return "metrics" if cell.metrics else cell.role
