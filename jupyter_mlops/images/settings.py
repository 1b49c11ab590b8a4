"""What the command line, the notebook and ``mlops.toml`` say about the image, in this order of weight."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.build_settings import merge_build, read_build_settings
from jupyter_mlops.notebook.model import BuildSettings, Notebook
from jupyter_mlops.notebook.values import Problems

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ImageSettings", "image_settings"]

_FILE = "mlops.toml"


@dataclass(frozen=True)
class ImageSettings:
    """Settings with their paths made out.

    Args:
        build: The settings themselves.
        dockerfile: The user's own, absolute.
        environment: The conda environment's file, absolute.
        include: Patterns of further files, each with the folder that it counts from.
    """

    build: BuildSettings
    dockerfile: Path | None = None
    environment: Path | None = None
    include: tuple[tuple[Path, str], ...] = ()


def image_settings(root: Path, notebook: Notebook, given: BuildSettings) -> ImageSettings:
    """Combine all settings.

    Args:
        root: The project's root.
        given: On the command line.

    Raises:
        UsageError: Something makes no sense, or a file does not exist.
    """
    folder = notebook.path.parent if notebook.path is not None else Path.cwd()
    levels = [
        _placed(given, Path.cwd()),
        _placed(notebook.build, folder),
        _placed(_from_file(root / _FILE), root),
    ]
    build = merge_build(*levels)
    brings = [name for name in ("dockerfile", "environment") if getattr(build, name)]
    if len(brings) == 2:
        raise UsageError(
            "Both `dockerfile` and `environment` are set for the image.", hint="One of them brings the packages."
        )
    for name in brings:
        if not Path(getattr(build, name)).is_file():
            raise UsageError(f"The image's `{name}` does not exist: {getattr(build, name)}.")
    if build.dockerfile and build.base:
        raise UsageError(
            "Both `dockerfile` and `base` are set for the image.", hint="A Dockerfile names its base itself (FROM)."
        )
    include = [(folder, item) for item in notebook.build.include]
    include += [(root, item) for item in build.include if item not in notebook.build.include]
    return ImageSettings(
        build,
        Path(build.dockerfile) if build.dockerfile else None,
        Path(build.environment) if build.environment else None,
        tuple(include),
    )


def _placed(settings: BuildSettings, folder: Path) -> BuildSettings:
    def absolute(path: str | None) -> str | None:
        return None if path is None else str((folder / Path(path).expanduser()).absolute())

    return replace(settings, dockerfile=absolute(settings.dockerfile), environment=absolute(settings.environment))


def _from_file(path: Path) -> BuildSettings:
    try:
        content: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return BuildSettings()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}.") from None
    table = content.get("image", {})
    if not isinstance(table, Mapping):
        raise UsageError(f"{path}: `image` is a table.", hint='Write: [image]\nbase = "python:3.11-slim"')
    problems = Problems(None)
    settings = read_build_settings(table, "image", problems)
    for problem in problems.found:
        raise UsageError(f"{path}: {problem.message}", hint=problem.hint)
    return settings
