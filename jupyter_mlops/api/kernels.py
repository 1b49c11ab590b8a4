"""Kernels' environments: do they have what steps need, and what to do if not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.engine.kernels import Kernel

__all__ = ["KernelNeeds", "Lack", "cure_kernel", "examine_kernel"]

_NEEDED = {"ipykernel": "It is what runs the cells."}


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that an environment has not got.

    Args:
        required: Whether steps can't run without it.
    """

    name: str
    required: bool
    reason: str


@dataclass(frozen=True, slots=True)
class KernelNeeds:
    """A kernel's environment.

    Args:
        python: Version of its interpreter, where it answers.
        missing: What it has not got.
        reason: Why steps can't run there; None if they can.
        command: What installs what is missing; empty where nothing can be done so.
    """

    name: str
    interpreter: tuple[str, ...] | None
    python: str | None
    missing: tuple[Lack, ...] = ()
    reason: str | None = None
    command: tuple[str, ...] = ()

    @property
    def is_fit(self) -> bool:
        """Whether steps can run there."""
        return self.reason is None


def examine_kernel(name: str, *, home: PathLike | None = None) -> KernelNeeds:
    """Ask a kernel's interpreter whether its environment has what steps need.

    Args:
        name: Of the kernelspec.
        home: Folder of the store, which remembers answers.

    Raises:
        UsageError: There is no such kernel, or it is not Python's.
    """
    from pathlib import Path

    from jupyter_mlops.engine.interpreter import examine_interpreter
    from jupyter_mlops.engine.kernels import find_kernel
    from jupyter_mlops.store.home import Home

    kernel = find_kernel(name)
    memory = None if home is None or not Path(home).is_dir() else Home(Path(home)).cache
    found = examine_interpreter(kernel, memory)
    if kernel.interpreter is None:
        return KernelNeeds(name, None, None)  # a provisioner or a script knows; nobody can ask
    if found is None:
        return KernelNeeds(name, kernel.interpreter, None, reason=_silent(kernel))
    missing = tuple(Lack(item, True, why) for item, why in _NEEDED.items() if item not in found.distributions)
    listed = " and ".join(item.name for item in missing)
    return KernelNeeds(
        name,
        kernel.interpreter,
        found.python.get("version"),
        missing,
        f"The environment of the kernel {name} has no {listed}." if missing else None,
        (*kernel.interpreter, "-m", "pip", "install", *(item.name for item in missing)) if missing else (),
    )


def cure_kernel(name: str, *, told: Callable[[str], None], home: PathLike | None = None) -> None:
    """Install what a kernel's environment lacks.

    Args:
        name: Of the kernelspec.
        told: Gets what pip prints.

    Raises:
        UsageError: There is no such kernel, or nothing can be done so.
        InfrastructureError: It could not be installed.
    """
    from jupyter_mlops.errors import InfrastructureError, UsageError

    needs = examine_kernel(name, home=home)
    if needs.is_fit:
        told(f"The environment of the kernel {name} has what steps need.\n")
        return
    if not needs.command:
        raise UsageError(str(needs.reason), hint="Install the kernel again, or choose another one.")
    told(f"$ {' '.join(needs.command)}\n")
    try:
        process = subprocess.Popen(needs.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        raise InfrastructureError(f"{needs.command[0]} can't be started: {error.strerror or error}.") from error
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            told(line)
    if process.returncode != 0:
        raise InfrastructureError(
            f"pip ended with exit code {process.returncode}.",
            hint=f"Do it in a terminal: {' '.join(needs.command)}",
        )
    after = examine_kernel(name)
    if not after.is_fit:
        raise InfrastructureError(str(after.reason), hint="pip has installed it elsewhere; look at the log.")


def _silent(kernel: Kernel) -> str:
    return f"The interpreter of the kernel {kernel.name}, {(kernel.interpreter or ('?',))[0]}, does not answer."
