"""Runs a notebook's pipeline in this process and records it: the engine's way, without its kernels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlops.api import pipeline as slice_notebook
from jupyter_mlops.engine.collecting import collect
from jupyter_mlops.engine.context import step_context
from jupyter_mlops.notebook.reading import read_notebook
from jupyter_mlops.pipeline.json_form import to_json
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.runtime.context import parse_context
from jupyter_mlops.runtime.step import load, save
from jupyter_mlops.steps.notebook import replay_source
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import ArtifactRecord, FailureRecord, MetricRecord, NewRun, StepOutcome

Cell = tuple[str, str]


def write_notebook(path: Path, cells: Sequence[Cell]) -> Path:
    """Write a notebook of (tags separated by ``|``, source) pairs."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [tag for tag in tags.split("|") if tag]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tags, source) in enumerate(cells, 1)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": made}), "utf-8")
    return path


def record_run(
    path: Path, home: Path, parameters: Mapping[str, Any] | None = None, documents: Mapping[str, str] | None = None
) -> str:
    """Run a notebook step by step, in namespaces of their own; return the run's id.

    A step that raises is recorded as failed, and those that need it are skipped.
    """
    source = read_notebook(path)
    sliced = slice_notebook(source)
    folders = ensure_home(home)
    values = {item.name: item.default for item in sliced.parameters} | dict(parameters or {})
    with Database(folders.database) as database:
        run = database.create_run(
            NewRun(
                sliced.name,
                [(step.slug, step.name) for step in sliced.steps],
                values,
                notebook=str(path),
                documents={
                    "pipeline": json.dumps(to_json(sliced)),
                    "notebook": json.dumps(dict(source.raw)),
                    **(documents or {}),
                },
            )
        )
        made: dict[str, ArtifactRecord] = {}
        sources = {cell.id: cell.python.text if cell.python else "" for cell in source.cells}
        for step in sliced.steps:
            outcome = _outcome(sliced, step, sources, values, made, folders, run.run_id)
            made.update({item.id: item for item in outcome.outputs})
            database.finish_step(run.run_id, step.slug, outcome)
        failed = any(item.status == "failed" for item in database.steps_of(run.run_id))
        database.finish_run(run.run_id, "failed" if failed else "succeeded", seconds=1.0)
    return run.run_id


def _outcome(
    sliced: Pipeline,
    step: Step,
    sources: Mapping[str, str],
    values: Mapping[str, Any],
    made: Mapping[str, ArtifactRecord],
    home: Home,
    run_id: str,
) -> StepOutcome:
    if not all(name in made for name in step.loads):
        return StepOutcome("skipped", reason="an earlier step failed")
    output = home.tmp / f"{run_id}-{step.slug}"
    objects = ObjectStore(home.objects)
    context = parse_context(
        step_context(sliced, step, run_id=run_id, inputs=made, object_path=objects.path, output_dir=output)
    )
    inputs = [made[name] for name in step.loads]
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        exec(step.parameters_source, namespace)
        namespace.update({name: values[name] for name in step.parameters})
        exec(replay_source(step.replay)[0], namespace)
        load(namespace, context)
        exec(replay_source(step.replay_loaded)[0], namespace)
        for cell in step.cells:
            exec(sources[cell], namespace)
        save(namespace, context)
    except Exception as error:
        failure = FailureRecord(type(error).__name__, str(error), cell=step.cells[-1], line=1)
        return StepOutcome("failed", error=failure, inputs=inputs)
    collected = collect(output, objects)
    metrics = [MetricRecord(name, value) for name, value in collected.metrics.items()]
    return StepOutcome("succeeded", inputs=inputs, outputs=collected.outputs, metrics=metrics)
