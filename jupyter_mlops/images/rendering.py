"""Dockerfiles from ``templates/image/``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops import templates
from jupyter_mlops.images.locking import Lock
from jupyter_mlops.images.model import Kind
from jupyter_mlops.images.needs import RUNTIME
from jupyter_mlops.images.wheel import wheel_name

__all__ = ["CA_SECRET", "PIP_SECRET", "SECRETS_FOLDER", "UID", "Recipe", "render"]

UID = 1000
PIP_SECRET = "pip"
CA_SECRET = "ca"
SECRETS_FOLDER = "/run/secrets"

_SEEDED = ("pip", "setuptools", "wheel")
"""What a fresh virtual environment may have in it."""


@dataclass(frozen=True)
class Recipe:
    """What a Dockerfile is made of.

    Args:
        builder: For ``conda``, the image with micromamba.
        folder: The working directory, relative to the project.
        python: Version that the base must have, such as ``3.11``.
        user: Whom the container runs as.
    """

    kind: Kind
    pipeline: str
    base: str
    lock: Lock
    folder: str
    has_modules: bool
    has_files: bool
    system_packages: Sequence[str] = ()
    build_packages: Sequence[str] = ()
    builder: str = ""
    python: str = ""
    user: str = f"{UID}:0"


def render(recipe: Recipe) -> str:
    """Return the Dockerfile."""
    environment = templates.environment(templates.root() / "image", autoescape=False)
    locked = recipe.lock.names()
    text = environment.get_template(f"Dockerfile.{recipe.kind}.j2").render(
        pipeline=" ".join(recipe.pipeline.split()),
        base=recipe.base,
        builder=recipe.builder,
        python=recipe.python,
        system_packages=recipe.system_packages,
        build_packages=_build_packages(recipe),
        mounts=" ".join(f"--mount=type=secret,id={name}" for name in (PIP_SECRET, CA_SECRET)),
        pip_environment=_PIP_ENVIRONMENT,
        hashed=recipe.lock.hashed,
        requirements=bool(recipe.lock.requirements),
        unneeded=[name for name in _SEEDED if name not in locked],
        runtime=RUNTIME,
        runtime_check=f'python3 -c "import {", ".join(RUNTIME)}" 2>/dev/null',
        wheel=wheel_name(),
        folder="" if recipe.folder == "." else recipe.folder.replace("$", "\\$"),
        quoted_folder=shlex.quote("/project" if recipe.folder == "." else f"/project/{recipe.folder}"),
        modules=recipe.has_modules,
        project=recipe.has_files,
        uid=UID,
        user=recipe.user,
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


_PIP_ENVIRONMENT = (
    f"PIP_CONFIG_FILE={SECRETS_FOLDER}/{PIP_SECRET} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 "
    "PIP_ROOT_USER_ACTION=ignore"
)


def _build_packages(recipe: Recipe) -> list[str]:
    git = ["git", "ca-certificates"] if recipe.lock.needs_git else []
    return list(dict.fromkeys([*recipe.build_packages, *git]))
