"""What of the place where a step runs belongs to its cache key: as little as its code can see."""

from __future__ import annotations

import getpass
import os
import platform
import tempfile
from collections.abc import Iterable
from pathlib import Path

from jupyter_mlops.engine.kernels import Kernel
from jupyter_mlops.store.objects import hash_bytes

__all__ = ["folder_part", "kernel_part", "place_part"]


def folder_part(cwd: Path, root: Path, observed: Iterable[str]) -> dict[str, str]:
    """Return the working directory: relative to the project, unless the code can see where that is.

    Args:
        observed: As ``Scan.observes``.
    """
    if "folder" in set(observed) or not cwd.is_relative_to(root):
        return {"path": str(cwd)}
    return {"in project": cwd.relative_to(root).as_posix()}


def place_part(observed: Iterable[str]) -> dict[str, str]:
    """Return what the code can see of the machine and the user, by the names in ``Scan.observes``."""
    facts = {
        "home": lambda: str(Path("~").expanduser()),
        "host": platform.node,
        "user": _user,
        "processors": lambda: f"{os.cpu_count()} {_usable()}",
        "temporary": tempfile.gettempdir,
    }
    return {name: facts[name]() for name in sorted(set(observed) - {"folder"})}


def kernel_part(kernel: Kernel) -> dict[str, str]:
    """Return what a kernelspec gives to its kernels, besides the interpreter; its name is the user's own affair.

    Digests only: a variable may be a secret.
    """
    options = [*(kernel.interpreter or ())[1:], *kernel.argv[kernel.argv.index("-m") :]] if "-m" in kernel.argv else []
    return {"options": " ".join(options), **{name: _digest(value) for name, value in kernel.env.items()}}


def _digest(value: str) -> str:
    return hash_bytes(value.encode("utf-8", "surrogateescape"))[:32]


def _usable() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
