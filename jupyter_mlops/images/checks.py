"""What may be wrong with an image before it is built, and what is wrong with one that is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_mlops.engine.interpreter import Interpreter
from jupyter_mlops.errors import UsageError
from jupyter_mlops.images.model import Needs, Problem
from jupyter_mlops.images.needs import distribution_name
from jupyter_mlops.notebook.model import BuildSettings, Notebook
from jupyter_mlops.notebook.settings import merge
from jupyter_mlops.pipeline.model import Pipeline, Step

__all__ = ["PROBE", "missing_problems", "platform_problems", "probe_problems", "refuse_errors"]

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

PROBE = """
import importlib, importlib.util, json, os, sys
problems = {}
names = json.loads(sys.argv[1])
sys.path.insert(0, os.getcwd())
for name in names["find"]:
    try:
        found = importlib.util.find_spec(name) is not None
    except Exception as error:
        found = False
    if not found:
        problems[name] = "No module named %r" % name
for name in names["load"]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        problems[name] = "%s: %s" % (type(error).__name__, error)
sys.stdout.write("\\n" + json.dumps({"problems": problems, "python": list(sys.version_info[:2])}) + "\\n")
"""
"""Run in a container: tells which modules can't be imported there."""


def missing_problems(
    pipeline: Pipeline, notebook: Notebook, needs: Needs, interpreter: Interpreter, *, brought: bool
) -> Iterator[Problem]:
    """Tell which modules steps import that nobody knows a version of.

    Args:
        interpreter: The kernel's environment.
        brought: Whether something else than this environment brings the packages; the built image tells then.
    """
    users: dict[str, list[Step]] = {}
    asked = [distribution_name(item) for item in needs.requirements]
    for step in pipeline.steps:
        settings = merge(notebook.defaults, step.settings)
        if step.slug not in needs.steps or brought or settings.image is not None:
            continue
        asked += [distribution_name(item) for item in settings.packages]
        for name in needs.steps[step.slug].missing:
            users.setdefault(name, []).append(step)
    unknown = sorted({name for name in asked if name and name not in interpreter.distributions})
    for name, steps in sorted(users.items()):
        text = f"{name} is not installed in the notebook's environment, and {_importing(steps)}"
        if name.replace("_", "-").lower() in unknown:
            continue
        if unknown:
            text = f"{text}; {', '.join(unknown)} may bring it."
            yield Problem("info", text, "The image is looked into when it is built.", steps[0].slug)
        else:
            hint = (
                "Install what brings it there, so that its version is known, or name that in the setting `packages`; "
            )
            hint += "a module of the project belongs beside the notebook."
            yield Problem("error", f"{text}.", hint, steps[0].slug)


def _importing(steps: Sequence[Step]) -> str:
    if len(steps) == 1:
        return f"step {steps[0].name!r} imports it"
    named = ", ".join(repr(step.name) for step in steps[:3])
    return f"{len(steps)} steps import it ({named}{', …' if len(steps) > 3 else ''})"


def platform_problems(build: BuildSettings, interpreter: Interpreter) -> Iterator[Problem]:
    """Tell what the platform of this machine means for the image."""
    here = interpreter.python.get("machine", "").lower()
    architecture = _ARCHITECTURES.get(here, here)
    wanted = build.platform.split("/")[1] if build.platform else None
    if interpreter.python.get("platform") != "linux":
        system = {"darwin": "macOS", "win32": "Windows"}.get(interpreter.python.get("platform", ""), "another system")
        text = f"The versions are those in use on {system}; the image is for Linux, where some may not exist."
        yield Problem("warning", text, "If pip finds no such version, install another one here.")
    if wanted is None and architecture != "amd64":
        text = f"The image will be for {architecture}, as this machine is; a cluster's nodes may not be."
        yield Problem("warning", text, 'Set `platform = "linux/amd64"` if they are not.')
    elif wanted is not None and wanted != architecture:
        text = f"The image is for {wanted} and this machine is {architecture}: building it needs emulation (qemu)."
        yield Problem("info", text)


def refuse_errors(pipeline: str, problems: Iterable[Problem]) -> None:
    """Raise an error if images would lack, or do lack, something.

    Args:
        pipeline: Its name.
        problems: Errors among them count.

    Raises:
        UsageError: With all that is wrong.
    """
    errors = [item for item in problems if item.severity == "error"]
    if not errors:
        return
    if len(errors) == 1:
        raise UsageError(errors[0].message, hint=errors[0].hint)
    hints = list(dict.fromkeys(item.hint for item in errors if item.hint))
    lines = "\n".join(f"  {item.message}" for item in errors)
    raise UsageError(f"Images of {pipeline} lack things:\n{lines}", hint=hints[0] if hints else None)


def probe_problems(answer: str, users: Mapping[str, Sequence[str]], reference: str, python: str) -> list[Problem]:
    """Understand what the probe printed.

    Args:
        answer: Its output.
        users: Names of the steps that import a module, by module.
        reference: The image that it ran in.
        python: Version of the kernel's Python, such as ``3.11``.
    """
    found: dict[str, Any] = json.loads(answer.strip().splitlines()[-1])
    problems = [
        Problem(
            "error", f"The image {reference} can't import {name}{_for(users.get(name, ()))}: {reason}", _hint(reason)
        )
        for name, reason in sorted(found["problems"].items())
    ]
    version = ".".join(str(number) for number in found["python"])
    if version != python:
        text = f"The image {reference} has Python {version}, the notebook's kernel has {python}."
        problems.append(Problem("warning", text, "What one has pickled the other may not be able to load."))
    return problems


def _for(steps: Sequence[str]) -> str:
    if not steps:
        return ", which running a step needs"
    return f", which step {steps[0]!r} needs" if len(steps) == 1 else f", which steps need ({', '.join(steps)})"


def _hint(reason: str) -> str:
    if ".so" in reason and "cannot open shared object" in reason:
        return "A system library is missing: name its Debian package in `system_packages` of the image's settings."
    return "Install what brings it in that image, or name it in the setting `packages`."
