"""Container images of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike, pipeline, source_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.images.model import Build, ImagePlan

__all__ = ["build", "images_of", "plan_images"]


def plan_images(
    notebook: PathLike | Notebook,
    *,
    base: str | None = None,
    registry: str | None = None,
    tag: str | None = None,
    home: PathLike | None = None,
    sliced: Pipeline | None = None,
) -> ImagePlan:
    """Say what images a notebook's steps need, and what is wrong with them; nothing is built.

    Args:
        notebook: A file, or a notebook that was read before.
        base: Image to build upon.
        registry: Where the images belong, such as ``registry.example.com/team``.
        tag: Instead of a digest of the content.
        home: Folder of the store; ``.mlops`` at the project's root by default.
        sliced: What ``pipeline`` returned for this notebook, if it was called before.

    Raises:
        PipelineError: The notebook has errors.
        UsageError: A setting makes no sense.
        InfrastructureError: The kernel's environment can't be examined.
    """
    from jupyter_mlops.diagnostics import has_errors
    from jupyter_mlops.errors import PipelineError
    from jupyter_mlops.images.planning import plan_images as make_plan
    from jupyter_mlops.notebook.model import BuildSettings
    from jupyter_mlops.store.home import Home

    source = source_of(notebook)
    sliced = sliced or pipeline(source)
    if has_errors(sliced.diagnostics):
        raise PipelineError(f"{sliced.name} is not a valid pipeline.", sliced.diagnostics)
    given = BuildSettings(base=base, registry=registry)
    return make_plan(sliced, source, given=given, tag=tag, home=Home(_home(source, home)))


def build(
    notebook: PathLike | Notebook,
    *,
    push: bool = False,
    base: str | None = None,
    registry: str | None = None,
    tag: str | None = None,
    engine: str | None = None,
    options: Sequence[str] = (),
    home: PathLike | None = None,
    told: Callable[[str], None] = lambda line: None,
    sliced: Pipeline | None = None,
    plan: ImagePlan | None = None,
) -> Build:
    """Build the images that a notebook's steps need.

    Args:
        notebook, base, registry, tag, home, sliced: As for ``plan_images``.
        push: Whether to push them to the registry; then their digests are recorded.
        engine: ``podman`` or ``docker``; whichever is there by default.
        options: Further options of the engine's ``build``.
        told: Called with each line that the engine prints.
        plan: What ``plan_images`` returned, if it was called before.

    Raises:
        PipelineError: The notebook has errors.
        UsageError: An image would lack things, a base image or a package does not exist, a login is missing.
        InfrastructureError: No engine works, the disk is full, the network is down.
    """
    from jupyter_mlops.images.building import build_images
    from jupyter_mlops.store.home import ensure_home

    source = source_of(notebook)
    sliced = sliced or pipeline(source)
    plan = plan or plan_images(source, base=base, registry=registry, tag=tag, home=home, sliced=sliced)
    folder = ensure_home(_home(source, home)).root
    return build_images(plan, sliced, home=folder, push=push, engine=engine, options=options, told=told)


def images_of(notebook: PathLike | Notebook, *, home: PathLike | None = None) -> Build | None:
    """Return the images that were built last for a notebook, with the digests of those that were pushed.

    Args:
        notebook: A file, or a notebook that was read before.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        None if none were ever built.

    Raises:
        UsageError: What is in them is not what would be built now: packages, modules, files or settings have changed.
    """
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.images import record
    from jupyter_mlops.notebook.names import printable

    source = source_of(notebook)
    found = record.last_build(_home(source, home), source.name)
    if found is None or not found.images:
        return found
    plan = plan_images(source, base=found.base, home=home)
    now = {item.steps: item.content for item in plan.images}
    stale = [item.reference for item in found.images if now.get(item.steps) != item.content]
    if stale or len(now) != len(found.images):
        name = printable(str(source.path.name)) if source.path is not None else "the notebook"
        which = f" ({stale[0]})" if stale else ""
        raise UsageError(
            f"The image built last for {name}{which} is out of date: packages, modules, files or settings are others.",
            hint=f"Build it again with `jupyter mlops build {name}`, or name an image with --image.",
        )
    return found


def _home(source: Notebook, home: PathLike | None) -> Path:
    from jupyter_mlops.store.home import find_home

    place = source.path.parent if source.path is not None else Path.cwd()
    return Path(home) if home is not None else find_home(place)
