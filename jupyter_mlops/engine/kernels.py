"""The notebook's own kernelspec: where it is, what its interpreter has, and the environment its kernels get."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager

__all__ = [
    "CONTEXT_VARIABLE",
    "Kernel",
    "find_kernel",
    "kernel_environment",
    "kernel_of",
    "kernel_specs",
    "lacks_cloudpickle",
]

CONTEXT_VARIABLE = "JUPYTER_MLOPS_STEP"
"""Environment variable with the path of the step's context file."""

_NATIVE_PYTHON = re.compile(r"python(3(\.\d+)?)?(\.exe)?")
_PYTHON = ("python", "python3", "ipython", "ipython3")
_PROBE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernelspec.

    Args:
        argv: Its command line.
        env: Its environment stanza, with templates such as ``${HOME}``.
        is_plain: Whether it starts ipykernel as a process of this machine, without a provisioner of its own.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    is_plain: bool = True

    @property
    def interpreter(self) -> tuple[str, ...] | None:
        """The command that starts its Python; None if the command line does not show it."""
        if "-m" not in self.argv:
            return None
        command = self.argv[: self.argv.index("-m")]
        if command and _NATIVE_PYTHON.fullmatch(command[0]):
            return (sys.executable, *command[1:])  # what jupyter_client makes of it
        return command or None


def find_kernel(name: str) -> Kernel:
    """Look a kernelspec up by its name.

    Raises:
        UsageError: It is not installed; the message names those that are.
    """
    return _ordinary_kernel(name) or _any_kernel(name)


def _ordinary_kernel(name: str) -> Kernel | None:
    """Read an ordinary kernelspec as Jupyter does, without importing jupyter_client, which is slow.

    None leaves it to jupyter_client: it is elsewhere, has a provisioner of its own, or something is odd about it.
    """
    if os.environ.get("JUPYTER_DEFAULT_PROVISIONER_NAME"):
        return None
    try:
        found = (
            folder / item / "kernel.json"
            for folder in map(Path, _kernel_folders())
            if folder.is_dir()
            for item in os.listdir(folder)  # noqa: PTH208 (in the same order as Jupyter)
            if item.lower() == name.lower() and (folder / item / "kernel.json").is_file()
        )
        spec = json.loads(next(found).read_text(encoding="utf-8"))
        argv, env, metadata = spec["argv"], spec.get("env", {}), spec.get("metadata", {})
        texts = [*argv, *env, *env.values()]
    except (OSError, StopIteration, ValueError, KeyError, TypeError, AttributeError):
        return None
    plain = isinstance(argv, list) and isinstance(metadata, dict) and all(isinstance(text, str) for text in texts)
    if not plain or "kernel_provisioner" in metadata or str(spec.get("language") or "python").lower() not in _PYTHON:
        return None
    return Kernel(name, tuple(argv), dict(env), any("ipykernel" in argument for argument in argv))


def _any_kernel(name: str) -> Kernel:
    from jupyter_client.kernelspec import NoSuchKernel

    manager = kernel_specs()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel:
        available = sorted(manager.find_kernel_specs())
        if name in available:
            raise UsageError(
                f"The kernel {name!r} can't be started here: its kernel.json asks for a provisioner that is missing."
            ) from None
        message = f"The kernel {name!r} is not installed; there are: {', '.join(available) or 'none'}."
        close = nearest(name, available)
        hint = f"Did you mean {close!r}? " if close else ""
        raise UsageError(
            message,
            hint=f"{hint}Run with another kernel, or install this one from its environment: "
            f"python -m ipykernel install --user --name {shlex.quote(name or 'NAME')}",
        ) from None
    except Exception as error:  # whatever a kernel.json may hold
        raise UsageError(
            f"The kernel {name!r} can't be used: its kernel.json is not valid ({type(error).__name__}: {error}).",
            hint="See where it is with `jupyter kernelspec list`, and install the kernel again.",
        ) from None
    if spec.language and spec.language.lower() not in _PYTHON:
        raise UsageError(
            f"The kernel {name!r} speaks {spec.language}; a Python kernel is needed.",
            hint="Run with another kernel; `jupyter kernelspec list` names those that are installed.",
        )
    return kernel_of(name, spec)


def kernel_of(name: str, spec: Any) -> Kernel:
    """Return what there is to know of a kernelspec of jupyter_client's."""
    provisioner = (spec.metadata or {}).get("kernel_provisioner", {}).get("provisioner_name", "local-provisioner")
    is_ipykernel = any("ipykernel" in argument for argument in spec.argv)
    return Kernel(name, tuple(spec.argv), dict(spec.env), is_ipykernel and provisioner == "local-provisioner")


def kernel_specs() -> KernelSpecManager:
    """Make what finds kernelspecs, where Jupyter looks for them.

    Left to itself, it imports IPython to ask for one folder.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    return KernelSpecManager(kernel_dirs=_kernel_folders())


def _kernel_folders() -> list[str]:
    from jupyter_core.paths import jupyter_path

    own = Path(os.environ.get("IPYTHONDIR") or "~/.ipython").expanduser()
    return [*jupyter_path("kernels"), str(own / "kernels")]


def lacks_cloudpickle(kernel: Kernel) -> bool:
    """Tell whether cloudpickle can't be imported in the kernel's environment, or nobody knows."""
    interpreter = kernel.interpreter
    if interpreter == (sys.executable,):
        return importlib.util.find_spec("cloudpickle") is None
    if interpreter is None:
        return True
    try:
        probe = subprocess.run(
            [*interpreter, "-c", "import cloudpickle"], capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return probe.returncode != 0


def kernel_environment(
    kernel: Kernel, *, bundle: Path, context: Path | None, settings: Mapping[str, str], seed: str | None = "0"
) -> dict[str, str]:
    """Make the environment stanza that a step's kernel is started with.

    Args:
        kernel: The kernelspec, whose own stanza stays in force.
        bundle: Folder of the runtime, goes first on the module path.
        context: The step's context file; None for what does not depend on the step.
        settings: Variables from the step's settings.
        seed: Of Python's hashes; None leaves it as it is.

    Returns:
        Variables in the kernelspec's own template language; whatever is not named here is inherited.
    """
    environment = {**kernel.env, **{name: _literal(value) for name, value in settings.items()}}
    inherited = "${PYTHONPATH}" if os.environ.get("PYTHONPATH") else ""
    path = environment.get("PYTHONPATH", inherited)
    environment["PYTHONPATH"] = os.pathsep.join([_literal(str(bundle)), *([path] if path else [])])
    if seed is not None:
        environment["PYTHONHASHSEED"] = seed
    if context is not None:
        environment[CONTEXT_VARIABLE] = _literal(str(context))
    return environment


def _literal(value: str) -> str:
    return value.replace("$", "$$")
