"""From a pipeline to the images that its steps need; nothing is built."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from jupyter_mlops.engine.interpreter import Interpreter, examine_interpreter
from jupyter_mlops.engine.kernels import Kernel, find_kernel
from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.checks import missing_problems, platform_problems
from jupyter_mlops.images.hashes import known_hashes
from jupyter_mlops.images.locking import Lock, make_lock
from jupyter_mlops.images.model import Image, ImagePlan, Kind, Needs, Problem
from jupyter_mlops.images.needs import RUNTIME, distribution_name, find_needs
from jupyter_mlops.images.rendering import Recipe, render
from jupyter_mlops.images.settings import ImageSettings, image_settings
from jupyter_mlops.images.wheel import make_wheel, wheel_name
from jupyter_mlops.notebook.model import BuildSettings, Notebook
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.store.home import Home, project_root

__all__ = ["plan_images"]

_MICROMAMBA = "docker.io/mambaorg/micromamba:latest"
_CONDA_BASE = "docker.io/library/debian:stable-slim"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REGISTRY = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)*")


def plan_images(
    pipeline: Pipeline,
    notebook: Notebook,
    *,
    given: BuildSettings | None = None,
    tag: str | None = None,
    home: Home | None = None,
) -> ImagePlan:
    """Say what images a pipeline needs, and what is wrong with them.

    Args:
        given: Settings that count before those of the notebook and of ``mlops.toml``.
        tag: Instead of the digest of the content.
        home: The store, to remember what the kernel's environment has.

    Raises:
        UsageError: A setting makes no sense.
        InfrastructureError: The kernel's environment can't be examined.
    """
    cwd = (notebook.path.parent if notebook.path is not None else Path.cwd()).resolve()
    root = project_root(cwd)
    settings = image_settings(root, notebook, given or BuildSettings())
    _check_names(settings.build, tag)
    kernel = find_kernel(pipeline.kernel)
    interpreter = _examine(kernel, home)
    needs = find_needs(pipeline, notebook, interpreter, root=root, cwd=cwd, include=settings.include)
    brought = settings.dockerfile is not None or settings.environment is not None
    problems = [
        *missing_problems(pipeline, notebook, needs, interpreter, brought=brought),
        *needs.problems,
        *platform_problems(settings.build, interpreter),
    ]
    groups, images_given = _grouped(pipeline, notebook)
    if not groups:
        raise UsageError(
            "Each step names an image itself (setting `image`), so there is none to build.",
            hint='To build on top of one, name it as `base`: `image: {"base": …}` in the notebook\'s metadata.',
        )
    planner = _Planner(pipeline, settings, needs, interpreter, known_hashes([cwd, root]))
    images = []
    for suffix, base, steps in groups:
        packages = merge(notebook.defaults, steps[0].settings).packages if suffix else notebook.defaults.packages
        image, found = planner.image(suffix, base, [step.slug for step in steps], list(packages), tag)
        images.append(image)
        problems += found
    unique = {(item.severity, item.message): item for item in problems}
    return ImagePlan(
        pipeline.name,
        tuple(images),
        images_given,
        needs,
        tuple(unique.values()),
        _minor(interpreter),
        settings.build,
        kernel.interpreter,
        given.base if given is not None else None,
    )


def _check_names(build: BuildSettings, tag: str | None) -> None:
    if tag is not None and not _TAG.fullmatch(tag):
        raise UsageError(f"{tag!r} can't be a tag.", hint="A tag has letters, digits, `_`, `.` and `-`, 128 at most.")
    if build.registry is not None and not _REGISTRY.fullmatch(build.registry):
        raise UsageError(
            f"{build.registry!r} can't be a registry.", hint="Write, for example, registry.example.com/team."
        )


def _minor(interpreter: Interpreter) -> str:
    return ".".join(interpreter.python["version"].split(".")[:2])


def _examine(kernel: Kernel, home: Home | None) -> Interpreter:
    interpreter = examine_interpreter(kernel, None if home is None else home.cache)
    if interpreter is None:
        raise InfrastructureError(
            f"The environment of the kernel {kernel.name!r} can't be examined, so nobody knows what to install.",
            hint="Name an own `dockerfile` or `environment`, or use a kernel that starts Python directly.",
        )
    return interpreter


def _grouped(pipeline: Pipeline, notebook: Notebook) -> tuple[list[tuple[str, str | None, list[Step]]], dict[str, str]]:
    """Split the steps: the pipeline's image first, then one for each step with packages of its own.

    Returns:
        For each image its suffix, its base (None for the pipeline's) and its steps; and images that steps name.
    """
    common: list[Step] = []
    own: list[tuple[str, str | None, list[Step]]] = []
    given: dict[str, str] = {}
    for step in pipeline.steps:
        image = step.settings.image or notebook.defaults.image
        if step.settings.packages:
            own.append((step.slug, image, [step]))
        elif image is not None:
            given[step.slug] = image
        else:
            common.append(step)
    return ([("", None, common)] if common else []) + own, given


class _Planner:
    """Makes the images of one pipeline.

    Args:
        hashes: What lock files know of distributions.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        settings: ImageSettings,
        needs: Needs,
        interpreter: Interpreter,
        hashes: Mapping[tuple[str, str], tuple[str, ...]],
    ) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._build = settings.build
        self._needs = needs
        self._interpreter = interpreter
        self._hashes = hashes

    def image(
        self, suffix: str, base: str | None, steps: list[str], packages: list[str], tag: str | None
    ) -> tuple[Image, tuple[Problem, ...]]:
        """Make an image.

        Args:
            suffix: Of its name; empty for the pipeline's.
            base: An image that has all packages; None for what the settings say.
            packages: What settings ask for.
        """
        name = self._build.name or _image_name(self._pipeline.name)
        name = f"{name}-{suffix}" if suffix else name
        kind = self._kind(base)
        lock = self._lock(kind, packages)
        texts = {"lock.txt": lock.text()} if kind == "python" else {}
        if lock.requirements:
            texts["requirements.txt"] = "".join(f"{item}\n" for item in lock.requirements)
        own = self._settings.dockerfile if base is None else None
        if own is not None:
            base = f"localhost/{name}-base:{_digest([own.read_bytes()])[:12]}"
        if kind == "conda" and self._settings.environment is not None:
            texts["environment.yml"] = _read(self._settings.environment)
        files = {f"project/{path}": source for path, source in self._needs.files.items()}
        files |= {f"modules/{path}": source for path, source in self._needs.modules.items()}
        recipe = Recipe(
            kind,
            self._pipeline.name,
            base or self._build.base or self._default_base(kind),
            lock,
            self._needs.folder,
            has_modules=bool(self._needs.modules),
            has_files=bool(self._needs.files),
            system_packages=self._build.system_packages,
            build_packages=self._build.build_packages,
            builder=self._build.builder or _MICROMAMBA,
            python=_minor(self._interpreter),
        )
        dockerfile = render(recipe)
        content = _content(dockerfile, texts, files, own, self._build.platform)
        registry = self._build.registry or "localhost"
        reference = f"{registry}/{name}:{tag or content[:12]}"
        image = Image(reference, tuple(steps), kind, recipe.base, dockerfile, texts, files, content, own)
        return image, lock.problems

    def _kind(self, base: str | None) -> Kind:
        if base is not None or self._settings.dockerfile is not None:
            return "derived"
        return "conda" if self._settings.environment is not None else "python"

    def _lock(self, kind: Kind, packages: list[str]) -> Lock:
        if kind != "python":
            return Lock((), tuple(dict.fromkeys(packages)))
        installs = [item for item in self._needs.requirements if distribution_name(item) or "://" in item]
        asked = {distribution_name(item) for item in packages}
        installs = [item for item in installs if distribution_name(item) not in asked]
        return make_lock(
            self._needs.steps.values(),
            [*packages, *installs],
            self._interpreter,
            hashes=self._hashes,
            own_versions=_own_versions(),
        )

    def _default_base(self, kind: Kind) -> str:
        if kind == "conda":
            return _CONDA_BASE
        return f"docker.io/library/python:{_minor(self._interpreter)}-slim"


def _own_versions() -> dict[str, str]:
    found = {}
    for name in RUNTIME:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _image_name(pipeline: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", pipeline.lower().replace("_", "-")).strip("-")
    return name[:100] or "pipeline"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}.") from None


def _content(
    dockerfile: str, texts: Mapping[str, str], files: Mapping[str, Path], own: Path | None, platform: str | None
) -> str:
    """Return the digest of all that goes into an image."""
    parts = [dockerfile.encode(), json.dumps(dict(texts), sort_keys=True).encode(), wheel_name().encode(), make_wheel()]
    for path, source in sorted(files.items()):
        parts += [path.encode(), source.read_bytes()]
    return _digest([*parts, own.read_bytes() if own is not None else b"", (platform or "").encode()])


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
