"""Which of this machine's files go into an image, and where they lie there."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from jupyter_mlops.engine.filehashes import FileHashes, UnknownContentError
from jupyter_mlops.engine.interpreter import Interpreter
from jupyter_mlops.engine.modules import Modules
from jupyter_mlops.images.model import Problem, Severity
from jupyter_mlops.notebook.model import StepSettings
from jupyter_mlops.pipeline.model import Step

__all__ = ["FileFinder", "is_secret"]

_SECRETS = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ed25519*",
    "id_ecdsa*",
    ".netrc",
    ".pgpass",
    ".pypirc",
    "credentials",
    "credentials.json",
    "*service[-_]account*.json",
    "secrets.*",
)
_OURS = "jupyter_mlops"  # is in every image anyway
_LARGE = 100_000_000
_UNKNOWN = "uses files whose paths are only known at run time; they will be missing in its image"


def is_secret(name: str) -> bool:
    """Tell whether a file of this name is likely to hold a secret, which must never be in an image."""
    return any(fnmatch.fnmatch(PurePosixPath(name).name.lower(), pattern) for pattern in _SECRETS)


class FileFinder:
    """Collects files.

    Args:
        root: The project's root.
        cwd: The steps' working directory.
    """

    def __init__(self, root: Path, cwd: Path) -> None:
        self._cwd = cwd
        self._root = root if cwd.is_relative_to(root) else cwd
        self._hashes = FileHashes(None)
        self.folder = self._cwd.relative_to(self._root).as_posix()
        self.project: dict[str, Path] = {}
        self.elsewhere: dict[str, Path] = {}

    def take_modules(
        self, modules: Modules, installed: Mapping[str, str], roots: Sequence[str], interpreter: Interpreter
    ) -> None:
        """Take the project's own modules, and installed ones that come from this machine alone.

        Args:
            installed: Such modules, each with its distribution.
            roots: Folders that the notebook adds to the module path.
        """
        found_there = {Path(os.path.normpath(self._cwd / root)) for root in ("", *roots)}
        for path, folder in modules.files.items():
            self._take_module(path, folder, found_there)
        for module, name in installed.items():
            if any(path.is_relative_to(folder / module) for path, folder in modules.files.items()):
                continue
            folder = Path(interpreter.distributions[name].place)
            for entry in (folder / module, folder / f"{module}.py"):
                for path in self._hashes.files_of(entry) if entry.is_dir() else [entry] if entry.is_file() else []:
                    self.elsewhere[path.relative_to(folder).as_posix()] = path

    def _take_module(self, path: Path, folder: Path, found_there: set[Path]) -> None:
        normal = Path(os.path.normpath(folder))
        if is_secret(path.name) or path.relative_to(folder).parts[0] == _OURS:
            return
        if normal in found_there and normal.is_relative_to(self._root):
            self.project[self._label(path)] = path
        else:
            self.elsewhere[path.relative_to(folder).as_posix()] = path

    def _label(self, path: Path) -> str:
        return Path(os.path.normpath(path)).relative_to(self._root).as_posix()

    def take_files(self, step: Step, settings: StepSettings) -> Iterator[Problem]:
        """Take the files of the project that a step reads; tell which can't be."""
        if step.touches_unknown_files:
            hint = "Write the paths out, or name the files in `include` of the image's settings."
            yield Problem("warning", f"Step {step.name!r} {_UNKNOWN}.", hint, step.slug)
        for name in dict.fromkeys((*step.files_read, *step.files_updated)):
            path = Path(os.path.normpath(self._cwd / name))
            if any(path.is_relative_to(volume.path) for volume in settings.volumes):
                continue
            if name in step.files_updated and name not in step.files_read and not path.exists():
                continue
            problem = self._obstacle(path)
            if problem is None:
                self._add(path)
            else:
                yield Problem(problem[0], f"Step {step.name!r} reads {name}, {problem[1]}.", problem[2], step.slug)

    def _obstacle(self, path: Path) -> tuple[Severity, str, str] | None:
        """What keeps a file that a step reads out of the image: how bad it is, why, and what to do."""
        mount = "Mount a volume that has it (setting `volumes`)"
        if not path.is_relative_to(self._root):
            return "error", "which is outside of the project", f"{mount}, or move it into the project."
        if not path.exists():
            return "warning", "which does not exist now", f"{mount}, or make sure that it is there when you build."
        if is_secret(path.name):
            hint = "Name a secret of the cluster in the setting `secrets`."
            return "error", "which looks like a secret and is not put into an image", hint
        try:
            if path.is_dir():
                self._hashes.files_of(path)
        except UnknownContentError as error:
            return "error", f"but {error}", f"{mount}."
        return None

    def include(self, patterns: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
        """Take further files.

        Args:
            patterns: File names, folders or patterns, each with the folder that it counts from.
        """
        for folder, pattern in patterns:
            inside = not Path(pattern).is_absolute() and ".." not in Path(pattern).parts
            found = [path for path in folder.glob(pattern) if path.is_relative_to(self._root)] if inside else []
            if not found:
                hint = f"Paths and patterns count from {folder} and stay in the project."
                yield Problem("error", f"`include` names {pattern!r}, and there is no such file.", hint)
            for path in found:
                obstacle = self._obstacle(path)
                if obstacle is None:
                    self._add(path)
                else:
                    yield Problem(obstacle[0], f"`include` names {pattern!r}, {obstacle[1]}.", obstacle[2])

    def _add(self, path: Path) -> None:
        for file in self._hashes.files_of(path) if path.is_dir() else [path]:
            if not is_secret(file.name):
                self.project[self._label(file)] = file

    def problems(self) -> Iterator[Problem]:
        """Tell what is remarkable about the files as a whole."""
        total = sum(path.stat().st_size for path in self.project.values())
        if total > _LARGE:
            name, path = max(self.project.items(), key=lambda item: item[1].stat().st_size)
            yield Problem(
                "warning",
                f"The project's files in the image are {total / 1e6:,.0f} MB; the largest is {name} "
                f"({path.stat().st_size / 1e6:,.0f} MB).",
                "Large data belong on a volume or in an object store.",
            )
