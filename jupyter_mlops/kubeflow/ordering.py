"""From a notebook to what is submitted: compiled, with its files in place, refused if the cluster could not run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.compiling import Compiled, CompileOptions, compile_pipeline
from jupyter_mlops.kubeflow.files import upload_files
from jupyter_mlops.kubeflow.images import refuse_unpushed
from jupyter_mlops.kubeflow.runtimes import Runtime
from jupyter_mlops.kubeflow.storage import Storage
from jupyter_mlops.kubeflow.submitting import Order
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["make_order"]


def make_order(
    runtime: Runtime,
    notebook: Notebook,
    pipeline: Pipeline,
    values: Mapping[str, Any],
    options: CompileOptions,
    *,
    experiment: str = "",
    no_cache: bool = False,
    unpushed: Sequence[str] = (),
) -> tuple[Order, tuple[str, ...]]:
    """Compile a notebook for a run, and upload the files that its steps read; return what to submit, and notes.

    Args:
        values: Of parameters that are not to have their defaults.
        options: Which images.
        no_cache: Whether the cluster is to reuse nothing.
        unpushed: Images that are on this machine alone.

    Raises:
        PipelineError: The notebook has errors.
        NotebookError: It can't run on Kubeflow.
        UsageError: A step has no image, or one that the cluster can't pull, or a setting can't be kept.
        InfrastructureError: Files can't be uploaded.
    """
    used = _uncached(pipeline) if no_cache else pipeline
    compiled = compile_pipeline(used, notebook, options)
    refuse_unpushed(runtime, compiled.images, unpushed)
    try:
        arguments = _encoded(compiled, values)
    except UsageError:
        # Kubeflow has another type for this value than for the notebook's default.
        options = replace(options, parameters=values)
        compiled = compile_pipeline(used, notebook, options)
        arguments = _encoded(compiled, values)
    names = {name for files in compiled.files.values() for name in files}
    if names and runtime.pipeline_root:
        folder = notebook.path.parent if notebook.path is not None else Path.cwd()
        uris = upload_files(Storage(runtime), runtime.pipeline_root, folder, names)
        compiled = compile_pipeline(used, notebook, replace(options, files=uris))
    description = f"The notebook {notebook.path.name}." if notebook.path is not None else ""
    components = {slug: hash_bytes(text.encode()) for slug, text in compiled.components.items()}
    order = Order(compiled.name, compiled.yaml, arguments, components, experiment, description)
    return order, compiled.notes


def _encoded(compiled: Compiled, values: Mapping[str, Any]) -> dict[str, Any]:
    known = compiled.arguments
    return {known[name].key: known[name].encode(value) for name, value in values.items()}


def _uncached(pipeline: Pipeline) -> Pipeline:
    steps = tuple(replace(step, settings=replace(step.settings, cache="off")) for step in pipeline.steps)
    return replace(pipeline, steps=steps)
