"""What is known of images before, and after, they are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.notebook.model import BuildSettings

__all__ = [
    "Build",
    "BuiltImage",
    "Image",
    "ImagePlan",
    "Kind",
    "LockEntry",
    "Needs",
    "Problem",
    "Severity",
    "StepNeeds",
]

Severity = Literal["error", "warning", "info"]
Kind = Literal["python", "conda", "derived"]
"""``python`` installs the lock into a Python image, ``conda`` makes an environment of an ``environment.yml``,
``derived`` adds to an image that has all packages already."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is or may be wrong with an image.

    Args:
        message: What and where, one sentence.
        hint: What to do about it.
        step: Slug of the step that it is about.
    """

    severity: Severity
    message: str
    hint: str | None = None
    step: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for ``--format json``."""
        return {"severity": self.severity, "message": self.message, "hint": self.hint, "step": self.step}


@dataclass(frozen=True, slots=True)
class StepNeeds:
    """What a step needs besides its inputs.

    Args:
        imports: Top-level modules it imports and can't do without.
        direct: Distributions that bring them.
        distributions: These, and all that they need.
        missing: Modules it imports that are neither installed nor the project's own.
    """

    imports: frozenset[str]
    direct: frozenset[str]
    distributions: frozenset[str]
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Needs:
    """What a pipeline needs.

    Args:
        steps: By slug.
        files: From the path below the project's folder in the image to the file here.
        modules: The same for modules that lie elsewhere, below a folder of the module path.
        folder: The working directory, relative to the project.
        requirements: What ``%pip install`` lines ask for.
    """

    steps: Mapping[str, StepNeeds]
    files: Mapping[str, Path]
    modules: Mapping[str, Path]
    folder: str
    requirements: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class LockEntry:
    """A distribution at the version that is in use here.

    Args:
        requirement: As pip takes it.
        hashes: Of files that may be installed for it, ``sha256:…``; empty if none is known.
    """

    name: str
    requirement: str
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """An image that can be built.

    Args:
        steps: Slugs of the steps that run in it.
        base: Image it builds upon; for the user's own Dockerfile, what that is built as.
        dockerfile: The text.
        texts: Further files of the build context, by path.
        files: Files that are copied into the build context, by path.
        content: Digest of all of these.
        own_dockerfile: The user's Dockerfile, which makes the base.
    """

    reference: str
    steps: tuple[str, ...]
    kind: Kind
    base: str
    dockerfile: str
    texts: Mapping[str, str]
    files: Mapping[str, Path]
    content: str
    own_dockerfile: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for ``--format json``."""
        return {
            "reference": self.reference,
            "steps": list(self.steps),
            "kind": self.kind,
            "base": self.base,
            "content": self.content,
            "dockerfile": self.dockerfile,
            "texts": dict(self.texts),
            "files": sorted(self.files),
        }


@dataclass(frozen=True)
class ImagePlan:
    """All that will be built, and what there is to say about it.

    Args:
        pipeline: Name of the pipeline.
        images: Those to build.
        given: Images that steps name themselves, by slug.
        needs: What the steps need.
        python: Version of the kernel's Python, such as ``3.11``.
        build: The settings; ``given_base`` is the base that was given besides.
        interpreter: Command of the kernel's Python.
    """

    pipeline: str
    images: tuple[Image, ...]
    given: Mapping[str, str]
    needs: Needs
    problems: tuple[Problem, ...] = ()
    python: str = ""
    build: BuildSettings = field(default_factory=BuildSettings)
    interpreter: tuple[str, ...] | None = None
    given_base: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for ``--format json``."""
        return {
            "schema": 1,
            "pipeline": self.pipeline,
            "images": [image.to_json() for image in self.images],
            "given": dict(self.given),
            "problems": [problem.to_json() for problem in self.problems],
        }

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that keep the images from being built."""
        return tuple(item for item in self.problems if item.severity == "error")


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that was built.

    Args:
        reference: Name and tag.
        digest: ``sha256:…`` of the pushed image; None if it was not pushed.
        steps: Slugs of the steps that run in it.
        content: Digest of what it was built from.
    """

    reference: str
    digest: str | None
    pushed: bool
    steps: tuple[str, ...] = ()
    content: str = ""

    @property
    def pinned(self) -> str:
        """The reference by digest where there is one, so that nobody can replace the image under it."""
        if self.digest is None:
            return self.reference
        return f"{_without_tag(self.reference)}@{self.digest}"

    def to_json(self) -> dict[str, Any]:
        """Return it for ``--format json`` and for the record."""
        return {
            "reference": self.reference,
            "digest": self.digest,
            "pushed": self.pushed,
            "pinned": self.pinned,
            "steps": list(self.steps),
            "content": self.content,
        }


@dataclass(frozen=True)
class Build:
    """What came of a build.

    Args:
        images: Those that were built, the pipeline's own first.
        given: Images that steps name themselves, by slug.
        engine: The program that built them.
        base: The base image that was given besides the settings.
    """

    pipeline: str
    images: tuple[BuiltImage, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    seconds: float = 0.0
    problems: tuple[Problem, ...] = ()
    base: str | None = None

    @property
    def by_step(self) -> dict[str, str]:
        """The image of each step, pinned where it can be."""
        built = {slug: image.pinned for image in self.images for slug in image.steps}
        return {**built, **self.given}

    def to_json(self) -> dict[str, Any]:
        """Return it for ``--format json``."""
        return {
            "schema": 1,
            "pipeline": self.pipeline,
            "engine": self.engine,
            "base": self.base,
            "seconds": round(self.seconds, 3),
            "images": [image.to_json() for image in self.images],
            "steps": self.by_step,
            "problems": [problem.to_json() for problem in self.problems],
        }


def _without_tag(reference: str) -> str:
    head, slash, last = reference.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
