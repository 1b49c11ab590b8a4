"""A step as an ordinary notebook: it runs under papermill, in a container, and by hand."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jupyter_mlops.notebook.magics import without_own_magics
from jupyter_mlops.pipeline.model import Artifact, Pipeline, Snippet, Step
from jupyter_mlops.steps.cells import (
    PARAMETERS_TAG,
    own_cell,
    parameters_cells,
    text_of,
    unexecuted,
)

__all__ = ["SCHEMA", "replay_source", "step_notebook"]

SCHEMA = 1
"""Version of the metadata in step notebooks."""

# State of an earlier execution: large, and wrong for the step.
_STALE_METADATA = ("widgets", "papermill")

_FUTURE = re.compile(r"from\s+__future__\s+import\b")

_CALL = """\
try:
    from mlops_runtime import {function} as __mlops__
except ModuleNotFoundError:
    from jupyter_mlops.runtime import {function} as __mlops__
__mlops__(globals())
del __mlops__"""


def step_notebook(
    pipeline: Pipeline, step: Step, raw: Mapping[str, Any], *, files: Collection[str] = ()
) -> dict[str, Any]:
    """Make the notebook that computes one step.

    Args:
        pipeline: The pipeline that the step is part of.
        step: The step.
        raw: JSON of the source notebook, nbformat 4.5 with ids.
        files: Files of the project that are not where the step runs, and are loaded with its inputs.

    Returns:
        JSON of the step's notebook: parameters, replayed code, load cell, the user's cells, save cell.
    """
    parameters = _parameters_cell(pipeline, step, raw)
    before = [
        *_replay_cell(step.replay),
        *_load_cell(pipeline, step, files),
        *_replay_cell(step.replay_loaded, "-loaded"),
    ]
    cells = _user_cells(step, raw)
    if parameters and not before:
        cells = _in_page_order(cells, parameters, pipeline, raw)
    elif parameters:
        cells = [parameters, *before, *cells]
    else:
        cells = [*before, *cells]
    metadata = {key: value for key, value in raw.get("metadata", {}).items() if key not in _STALE_METADATA}
    metadata["mlops"] = {"pipeline": pipeline.name, "step": step.slug, "schema": SCHEMA}
    return {
        "cells": [*cells, *_save_cell(pipeline, step)],
        "metadata": copy.deepcopy(metadata),
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def replay_source(snippets: Iterable[Snippet]) -> tuple[str, list[tuple[int, str]]]:
    """Join replayed statements into one source.

    Returns:
        The source, and for each snippet the 1-based line where it begins and the cell it comes from.
    """
    snippets = tuple(snippets)
    # One piece of code keeps the numbers of its lines, which tracebacks and debuggers show.
    alone = len(snippets) == 1 and not any(_FUTURE.match(line) for line in snippets[0].source.split("\n"))
    lines = [] if alone else ["# Code of earlier cells that this step needs."]
    starts: list[tuple[int, str]] = []
    future: list[str] = []
    for snippet in snippets:
        starts.append((len(lines) + 1, snippet.cell))
        for line in snippet.source.strip("\n").split("\n"):
            # Such an import must come first; its line stays, so that lines can still be told apart.
            is_future = _FUTURE.match(line) is not None
            future += [line] if is_future else []
            lines.append("" if is_future else line)
    if not future:
        return "\n".join(lines), starts
    shift = len(future)
    return "\n".join([lines[0], *future, *lines[1:]]), [(start + shift, cell) for start, cell in starts]


def _parameters_cell(pipeline: Pipeline, step: Step, raw: Mapping[str, Any]) -> dict[str, Any] | None:
    source = step.parameters_source
    if len(pipeline.steps) == 1:
        # The step is the whole notebook: nothing is sliced away.
        cells = _parameters_of(pipeline, raw)
        source = "\n".join(text_of(cell) for cell in cells) or source
    if not source.strip():
        return None
    return own_cell("parameters", source, tags=[PARAMETERS_TAG])


def _parameters_of(pipeline: Pipeline, raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return parameters_cells(raw, (parameter.cell for parameter in pipeline.parameters))


def _in_page_order(
    cells: list[dict[str, Any]], parameters: dict[str, Any], pipeline: Pipeline, raw: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Put the parameters cell where it stands on the page, which matters to cells above it."""
    above: set[str] = set()
    own = _parameters_of(pipeline, raw)
    for cell in raw.get("cells", []):
        if own and cell is own[0]:
            break
        above.add(cell.get("id", ""))
    position = sum(cell["id"] in above for cell in cells) if own else 0
    return [*cells[:position], parameters, *cells[position:]]


def _user_cells(step: Step, raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted = set(step.cells)
    return [_without_effect(unexecuted(cell)) for cell in raw.get("cells", []) if cell.get("id") in wanted]


def _without_effect(cell: dict[str, Any]) -> dict[str, Any]:
    """Take out what is for the live notebook: the kernel need not have this package, and a run must not start runs."""
    return {**cell, "source": without_own_magics(cell["source"])} if cell["cell_type"] == "code" else cell


def _replay_cell(snippets: Iterable[Snippet], suffix: str = "") -> list[dict[str, Any]]:
    snippets = tuple(snippets)
    return [own_cell("replay", replay_source(snippets)[0], suffix=suffix)] if snippets else []


def _load_cell(pipeline: Pipeline, step: Step, files: Collection[str]) -> list[dict[str, Any]]:
    hands_on_state = any(artifact.kind == "state" for artifact in pipeline.artifacts_of(step.slug))
    if not step.loads and not files and not hands_on_state:
        return []
    # without anything to load, the cell still notes what the process is like before the step changes it
    lines = ["# Notes the state that this step changes."]
    if step.loads or files:
        lines = ["# Loads what earlier steps made:" if step.loads else "# Loads files of the project:"]
    for artifact_id, bound in step.loads.items():
        artifact = pipeline.artifact(artifact_id)
        producer = pipeline.step(artifact.producer).name
        lines.append(_comment(f"{_contents(artifact, bound)} from step {producer!r}"))
    lines += [_comment(f"the file {name}") for name in sorted(files)]
    return [own_cell("load", "\n".join([*lines, _CALL.format(function="load")]))]


def _save_cell(pipeline: Pipeline, step: Step) -> list[dict[str, Any]]:
    artifacts = pipeline.artifacts_of(step.slug)
    if not artifacts and not step.metric_names:
        return []
    lines = ["# Saves what later steps and the record of the run need:"]
    lines += [_comment(_contents(artifact, artifact.names)) for artifact in artifacts]
    if step.metric_names:
        lines.append(_comment(f"metrics {', '.join(step.metric_names)}"))
    return [own_cell("save", "\n".join([*lines, _CALL.format(function="save")]))]


def _contents(artifact: Artifact, names: Iterable[str]) -> str:
    if artifact.kind == "file":
        return f"file {artifact.names[0]}"
    if artifact.kind == "state":
        return f"state {artifact.names[0]}"
    return ", ".join(names)


def _comment(text: str) -> str:
    return "#   " + " ".join(text.split())
