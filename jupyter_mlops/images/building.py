"""Builds the images of a pipeline, looks into them, pushes them, and writes down what came of it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.images.checks import PROBE, probe_problems, refuse_errors
from jupyter_mlops.images.engines import Done, Engine, find_engine
from jupyter_mlops.images.failures import build_error, push_error
from jupyter_mlops.images.model import Build, BuiltImage, Image, ImagePlan, Problem
from jupyter_mlops.images.needs import RUNTIME
from jupyter_mlops.images.pipconfig import PipAccess, pip_access
from jupyter_mlops.images.record import record_build
from jupyter_mlops.images.wheel import make_wheel, wheel_name
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["build_images", "look_into_given", "write_context"]

Told = Callable[[str], None]
_PROBE_SECONDS = 300
_FOLDER_MODE = 0o775
_FILE_MODE = 0o664
_FROM = re.compile(r"^FROM (\S+[/:]\S+)", re.MULTILINE)


def build_images(
    plan: ImagePlan,
    pipeline: Pipeline,
    *,
    home: Path,
    push: bool = False,
    engine: str | None = None,
    options: Sequence[str] = (),
    told: Told = lambda line: None,
) -> Build:
    """Build all images of a plan.

    Args:
        home: Folder of the store: for the log, and for what is remembered of the build.
        push: Whether to push them; nothing is recorded unless all of them are there.
        engine: ``podman`` or ``docker``; whichever is there by default.
        options: Further options of the engine's ``build``.
        told: Called with each line that the engine prints.

    Raises:
        UsageError: An image would lack things, a base image or a package does not exist, a login is missing.
        InfrastructureError: No engine works, the disk is full, the network is down.
    """
    refuse_errors(plan.pipeline, plan.problems)
    if push and plan.build.registry is None:
        raise UsageError(
            "There is no registry to push to.",
            hint="Name one: --registry registry.example.com/team, or `registry` in [image] of mlops.toml.",
        )
    started, program = time.monotonic(), find_engine(engine)
    builder = _Builder(plan, program, home / "images", (*plan.build.build_options, *options), told)
    found = look_into_given(plan, pipeline, program)
    refuse_errors(plan.pipeline, found)
    problems = [*plan.problems, *found]
    with pip_access(plan.build, plan.interpreter) as access:
        if access.folders and program.name == "docker":
            named = ", ".join(map(str, access.folders))
            text = f"pip's configuration names folders of this machine that docker can't show to a build: {named}."
            problems.append(Problem("warning", text, "Use podman, or an index that has what they have."))
        for image in plan.images:
            builder.build(image, access)
    for image in plan.images:
        found = builder.look_into(image, pipeline)
        refuse_errors(plan.pipeline, found)
        problems += found
    built = [builder.pushed(image) if push else _unpushed(image) for image in plan.images]
    seconds = time.monotonic() - started
    build = Build(plan.pipeline, tuple(built), plan.given, program.name, seconds, tuple(problems), plan.given_base)
    record_build(home, build)
    return build


def write_context(image: Image, folder: Path) -> None:
    """Write the build context of an image.

    Args:
        folder: Must be empty or not exist.

    Raises:
        UsageError: A file of the project can't be read any more.
        InfrastructureError: The folder can't be written.
    """
    texts = {"Dockerfile": image.dockerfile, **image.texts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / wheel_name()).write_bytes(make_wheel())
        for name, source in image.files.items():
            _copy(source, folder / name)
        for place in (path for name in ("project", "modules") for path in (folder / name).rglob("*")):
            place.chmod(_mode(place))
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(folder)):
            raise UsageError(f"{error.filename} can't be read: {error.strerror}.") from error
        raise InfrastructureError(f"The files for the image can't be written: {error}.") from error


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(_FILE_MODE | (source.stat().st_mode & 0o111))


def _mode(path: Path) -> int:
    """Whoever the container runs as, in group 0, may change what is in the project's folder."""
    return _FOLDER_MODE if path.is_dir() else _FILE_MODE | (path.stat().st_mode & 0o111)


def look_into_given(plan: ImagePlan, pipeline: Pipeline, engine: Engine) -> list[Problem]:
    """Look into images that steps name themselves, if they are on this machine."""
    problems: list[Problem] = []
    for image in dict.fromkeys(plan.given.values()):
        steps = [slug for slug, name in plan.given.items() if name == image]
        if engine.has(image):
            problems += _probe(plan, pipeline, engine, image, steps)
        else:
            text = f"The image {image} is not on this machine, so nobody has looked whether it has what steps import."
            problems.append(Problem("info", text, f"`{engine.name} pull {image}` brings it here."))
    return problems


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="mlops-image-", ignore_cleanup_errors=True)
    except OSError as error:
        raise InfrastructureError(f"There is no place for the files of the image: {error}.") from error
    with folder as place:
        yield Path(place)


class _Builder:
    """Builds images of one plan.

    Args:
        folder: For the logs.
    """

    def __init__(self, plan: ImagePlan, engine: Engine, folder: Path, options: Sequence[str], told: Told) -> None:
        self._plan = plan
        self._engine = engine
        self._folder = folder
        self._options = options
        self._told = told

    def build(self, image: Image, access: PipAccess) -> None:
        """Build an image.

        Raises:
            MlopsError: It can't be built.
        """
        if image.own_dockerfile is not None:
            own = image.own_dockerfile
            self._run(own.parent, image.base, str(own.name), access, dockerfile=own)
        with _temporary_folder() as place:
            write_context(image, place)
            others = [name for name in _FROM.findall(image.dockerfile) if name != image.base]
            self._run(place, image.reference, image.base, access, others=others)

    def _run(
        self,
        context: Path,
        reference: str,
        base: str,
        access: PipAccess,
        dockerfile: Path | None = None,
        others: Sequence[str] = (),
    ) -> None:
        done = self._engine.build(
            context,
            reference,
            dockerfile=dockerfile,
            secrets=access.secrets,
            folders=access.folders,
            platform=self._plan.build.platform,
            options=self._options,
            told=self._told,
        )
        lines = [_without(line, access.values) for line in done.lines]
        log = self._log(lines)
        if done.code:
            raise build_error(lines, self._engine.name, base, log, *others)

    def _log(self, lines: Iterable[str]) -> str | None:
        path = self._folder / "build.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError:
            return None
        return str(path)

    def look_into(self, image: Image, pipeline: Pipeline) -> list[Problem]:
        """Import in the image what its steps import."""
        return _probe(self._plan, pipeline, self._engine, image.reference, image.steps)

    def pushed(self, image: Image) -> BuiltImage:
        """Push an image.

        Raises:
            MlopsError: The registry refuses it or can't be reached.
        """
        done, digest = self._engine.push(image.reference, self._told)
        if done.code:
            raise push_error(done.lines, self._engine.name, image.reference)
        if digest is None:
            raise InfrastructureError(
                f"{self._engine.name} pushed {image.reference} and did not say its digest.",
                hint="Push it again; without the digest the pipeline could not be pinned to it.",
            )
        return BuiltImage(image.reference, digest, True, image.steps, image.content)


def _unpushed(image: Image) -> BuiltImage:
    return BuiltImage(image.reference, None, False, image.steps, image.content)


def _probe(plan: ImagePlan, pipeline: Pipeline, engine: Engine, reference: str, steps: Sequence[str]) -> list[Problem]:
    users = _users(plan, pipeline, steps)
    own = _own_modules(plan)
    load = [name for name in users if name not in own]
    names = {"load": [*RUNTIME, *load], "find": [name for name in users if name in own]}
    done = engine.python(
        reference, ["-c", PROBE, json.dumps(names)], platform=plan.build.platform, seconds=_PROBE_SECONDS
    )
    try:
        return probe_problems(done.output, users, reference, plan.python)
    except (ValueError, KeyError, IndexError, TypeError):
        return [_unprobed(reference, done)]


def _unprobed(reference: str, done: Done) -> Problem:
    last = next((line.strip() for line in reversed(done.lines) if line.strip()), "it printed nothing")
    if "python3" in last and ("no such file or directory" in last.lower() or "not found" in last.lower()):
        return Problem("error", f"The image {reference} has no python3: {last[:200]}")
    return Problem("warning", f"The image {reference} could not be looked into: {last[:200]}")


def _users(plan: ImagePlan, pipeline: Pipeline, steps: Sequence[str]) -> Mapping[str, list[str]]:
    """Names of the steps that import a module, by module; those that the code can do without are left out."""
    users: dict[str, list[str]] = {}
    for slug in steps:
        needs = plan.needs.steps.get(slug)
        for name in sorted(needs.imports) if needs else ():
            users.setdefault(name, []).append(pipeline.step(slug).name)
    return users


def _own_modules(plan: ImagePlan) -> set[str]:
    """Modules of the project: they are looked for and not run."""
    names = {Path(name).parts[0] for name in plan.needs.modules}
    names |= {part for name in plan.needs.files if name.endswith(".py") for part in Path(name).with_suffix("").parts}
    return {name.partition(".")[0] for name in names}


def _without(line: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        line = line.replace(secret, "***")
    return line
