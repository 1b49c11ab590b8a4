"""Pipelines for Kubeflow: compiling and writing them. No cluster is contacted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.images import images_of
from jupyter_mlops.api.notebooks import PathLike, pipeline, source_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.compiling import Compiled

__all__ = ["compile_notebook", "compiled_by_us", "write_compiled"]


def compile_notebook(
    notebook: PathLike | Notebook,
    parameters: Mapping[str, Any] | None = None,
    *,
    image: str | None = None,
    images: Mapping[str, str] | None = None,
    pipeline_root: str | None = None,
    image_pull_policy: str | None = None,
    files: Mapping[str, str] | None = None,
    report: bool = False,
    sliced: Pipeline | None = None,
) -> Compiled:
    """Compile a notebook for Kubeflow Pipelines; nothing is run and no cluster is contacted.

    Args:
        notebook: A file, or a notebook that was read before.
        parameters: Values that take the place of the notebook's defaults.
        image: Container image of all steps that name none of their own; without it and ``images``, what was built last.
        images: Pinned images by step slug, which take the place of whatever a step names.
        pipeline_root: Where artifacts go on the cluster.
        image_pull_policy: For steps that set none: ``Always``, ``IfNotPresent`` or ``Never``.
        files: URIs of the project's files, by path, that are not part of the image.
        report: Whether a last step reports how the run ended, also if it failed.
        sliced: What ``pipeline`` returned for this notebook, if it was called before.

    Raises:
        PipelineError: The notebook has errors.
        NotebookError: It can't run on Kubeflow, or a step is too large.
        UsageError: A parameter makes no sense, a step has no image, or a setting can't be kept.
    """
    from jupyter_mlops.kubeflow.compiling import CompileOptions, compile_pipeline
    from jupyter_mlops.pipeline.parameters import resolve

    source = source_of(notebook)
    sliced = sliced or pipeline(source)
    built = images_of(source) if image is None and not images else None
    options = CompileOptions(
        image=image,
        images=images or (built.by_step if built is not None else {}),
        parameters=resolve(sliced, parameters or {}),
        pipeline_root=pipeline_root,
        image_pull_policy=image_pull_policy,
        files=files or {},
        report=report,
    )
    compiled = compile_pipeline(sliced, source, options)
    here = [] if built is None else [item.reference for item in built.images if not item.pushed]
    notes = [f"The image {item} is on this machine alone; `jupyter mlops build --push` pushes it." for item in here]
    return replace(compiled, notes=(*compiled.notes, *notes))


def write_compiled(
    compiled: Compiled,
    output: PathLike,
    *,
    components: PathLike | None = None,
    manifests: PathLike | None = None,
    namespace: str | None = None,
    source: Path | None = None,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write a compiled pipeline, and each step as a component.

    Args:
        output: The pipeline's file.
        manifests: File for the pipeline as Kubernetes resources, in ``namespace``.
        components: Folder for a file ``STEP/component.yaml`` per step; made if it is not there.
        source: The notebook, which is never written.
        force: Whether files that are not compiled pipelines may be replaced.

    Returns:
        The files, all written whole.

    Raises:
        UsageError: A file can't be written, or is none that may be replaced; then nothing is written.
        InfrastructureError: The disk is full or failed.
    """
    from jupyter_mlops.engine.output import check_output, write_whole
    from jupyter_mlops.errors import UsageError

    folder = None if components is None else _folder(Path(components))
    parts = (
        {} if folder is None else {folder / slug / "component.yaml": text for slug, text in compiled.components.items()}
    )
    texts = {check_output(str(output), source): compiled.yaml}
    if manifests is not None:
        from jupyter_mlops.kubeflow.manifests import manifests as resources
        from jupyter_mlops.kubeflow.names import NAMESPACE

        if namespace is not None and not NAMESPACE.fullmatch(namespace):
            hint = "Kubernetes takes at most 63 lower-case letters, digits and -."
            raise UsageError(f"{namespace!r:.80} can't be a namespace.", hint=hint)

        texts[check_output(str(manifests), source)] = resources(compiled.yaml, namespace=namespace)
        if len(texts) == 1:
            raise UsageError(f"{manifests} can't be both the pipeline and its manifests.", hint="Name another file.")
    for path, text in parts.items():
        texts[check_output(str(path), source) if path.parent.is_dir() else path] = text
    for path in texts:
        _check_replaceable(path, force)
    for path, text in texts.items():
        _make_folder(path.parent)
        write_whole(path, text)
    return tuple(texts)


def compiled_by_us(path: Path) -> bool:
    """Tell whether a file is a compiled pipeline of this project, or an empty one."""
    from jupyter_mlops.kubeflow.text import MARK, is_ours

    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(len(MARK))
    except OSError:
        return False
    return not start.strip() or is_ours(start)


def _folder(path: Path) -> Path:
    from jupyter_mlops.errors import UsageError

    folder = Path.cwd() / path
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"The folder for components, {path}, is a file.", hint="Name another folder.")
    return folder


def _make_folder(folder: Path) -> None:
    from jupyter_mlops.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} can't be made: {error.strerror or error}.") from None


def _check_replaceable(path: Path, force: bool) -> None:
    from jupyter_mlops.errors import UsageError

    if path.suffix.lower() == ".ipynb":
        raise UsageError(f"{path} is the name of a notebook, not of a pipeline.", hint="Name a .yaml file.")
    if force or not path.is_file() or compiled_by_us(path):
        return
    message = f"{path} is there already and is no pipeline that jupyter-mlops has compiled."
    raise UsageError(message, hint="Name another file, or replace it with --force.")
