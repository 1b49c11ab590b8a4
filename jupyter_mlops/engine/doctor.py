"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from jupyter_mlops.store.home import VARIABLE, find_home

__all__ = ["Check", "examine"]

_LEAST_PYTHON = (3, 10)
_LEAST_BYTES = 1 << 30
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge", "firefox")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What it is.
        status: ``missing`` is something to do only if ``required`` or if the feature is wanted.
        detail: What was found.
        hint: What to do, where there is something to do.
        required: Whether pipelines can't run here without it.
    """

    name: str
    status: Literal["ok", "warning", "missing"]
    detail: str
    hint: str | None = None
    required: bool = False


def examine(start: Path | None = None) -> list[Check]:
    """Look at interpreter, kernels, packages, containers, browser, disk and store; nothing is written.

    Args:
        start: Folder whose project is meant; the current one by default.
    """
    home = find_home(start or Path.cwd())
    return [
        _python(),
        _kernels(),
        _package("papermill", required=True, purpose="runs the steps"),
        _package("jupyterlab", required=False, purpose="the place to write notebooks"),
        _processors(),
        _containers(),
        _browser(),
        _disk(home),
        _store(home),
    ]


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] < _LEAST_PYTHON:
        wanted = ".".join(map(str, _LEAST_PYTHON))
        return Check("Python", "missing", found, f"Install Python {wanted} or newer.", required=True)
    return Check("Python", "ok", found, required=True)


def _kernels() -> Check:
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        specs = KernelSpecManager().get_all_specs()
    except Exception as error:  # a broken kernel.json, an unreadable folder, no jupyter_client: all are findings
        return Check("kernels", "missing", f"can't be listed: {error}", "Reinstall jupyter-client.", required=True)
    python = {
        name: spec["spec"] for name, spec in specs.items() if spec["spec"].get("language", "").lower() == "python"
    }
    broken = sorted(name for name, spec in python.items() if not _command_exists(spec.get("argv") or []))
    working = sorted(set(python) - set(broken))
    if not working:
        return Check(
            "kernels",
            "missing",
            "no working Python kernel",
            "Run: python -m ipykernel install --user",
            required=True,
        )
    if broken:
        return Check(
            "kernels",
            "warning",
            f"{', '.join(working)}; the interpreter is gone of: {', '.join(broken)}",
            f"Run: jupyter kernelspec remove {' '.join(broken)}",
            required=True,
        )
    return Check("kernels", "ok", ", ".join(working), required=True)


def _command_exists(argv: Sequence[str]) -> bool:
    return bool(argv) and (argv[0] == "python" or shutil.which(argv[0]) is not None)


def _package(name: str, *, required: bool, purpose: str) -> Check:
    try:
        return Check(name, "ok", metadata.version(name), required=required)
    except metadata.PackageNotFoundError:
        return Check(name, "missing", f"not installed; {purpose}", f"Run: pip install {name}", required=required)


def _processors() -> Check:
    affinity = getattr(os, "sched_getaffinity", None)
    usable = len(affinity(0)) if affinity else os.cpu_count() or 1
    return Check("processors", "ok", f"{usable} for steps that run side by side")


def _containers() -> Check:
    reasons = []
    for tool in ("podman", "docker"):
        program = shutil.which(tool)
        if program is None:
            continue
        try:
            done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            reasons.append(f"{tool}: {error}")
            continue
        if done.returncode == 0:
            return Check("containers", "ok", f"{tool} at {program}")
        lines = done.stderr.strip().splitlines()
        reasons.append(f"{tool} does not answer: {lines[-1] if lines else f'exit code {done.returncode}'}")
    detail = "; ".join(reasons) or "neither podman nor docker is here"
    return Check("containers", "missing", detail, "Only for building images: install podman or docker.")


def _browser() -> Check:
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        return Check(
            "browser", "missing", "none on PATH", "Only for this project's own tests of JupyterLab: install chromium."
        )
    return Check("browser", "ok", found)


def _disk(home: Path) -> Check:
    folder = _existing(home)
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Check("disk", "warning", f"{folder}: {error.strerror or error}")
    detail = f"{usage.free / (1 << 30):.1f} GiB free at {folder}"
    if usage.free < _LEAST_BYTES:
        return Check("disk", "warning", detail, f"Make room, or set {VARIABLE} to a folder on a larger disk.")
    return Check("disk", "ok", detail)


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), path)


def _store(home: Path) -> Check:
    hint = f"Set {VARIABLE} to a folder you may write."
    if home.exists() and not home.is_dir():
        return Check("store", "missing", f"{home} is a file", f"Move it, or set {VARIABLE}.", required=True)
    if not os.access(_existing(home), os.W_OK | os.X_OK):
        return Check("store", "missing", f"{home} can't be written", hint, required=True)
    detail = str(home) if home.is_dir() else f"{home}, made by the first run"
    return Check("store", "ok", detail, required=True)
