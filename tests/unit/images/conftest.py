"""Projects with a notebook, environments that are not there, and an engine that only writes down what it is told."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.engine.interpreter import Distribution, Interpreter, examine_interpreter
from jupyter_mlops.engine.kernels import find_kernel
from jupyter_mlops.images import building, planning
from jupyter_mlops.images.pipconfig import pip_access
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

Write = Callable[..., tuple[Notebook, Pipeline]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a project, which is the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "mlops.toml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def _examined() -> Interpreter:
    """Return this environment, asked for once."""
    found = examine_interpreter(find_kernel("python3"), None)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, _examined: Interpreter) -> None:
    """Ask neither the kernel's Python nor pip again for each test."""
    monkeypatch.setattr(planning, "examine_interpreter", lambda kernel, memory: _examined)
    monkeypatch.setattr(building, "pip_access", lambda build, _: pip_access(build, ("sh", "-c", "exit 0")))


@pytest.fixture
def write(project: Path) -> Write:
    """Return a function that writes a notebook of steps, ``{name: source}``, and slices it."""

    def make(
        steps: Mapping[str, str],
        *,
        folder: str = ".",
        metadata: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> tuple[Notebook, Pipeline]:
        cells = [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "source": source,
                "outputs": [],
                "execution_count": None,
                "metadata": {"tags": [f"step:{name}"], "mlops": (settings or {}).get(name, {})},
            }
            for number, (name, source) in enumerate(steps.items())
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": kernel, "mlops": dict(metadata or {})},
            "cells": cells,
        }
        path = project / folder / "churn.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        source = api.read_notebook(path)
        return source, api.pipeline(source)

    return make


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return the folder where the environment's distributions are."""
    folder = tmp_path / "site-packages"
    for name in ("pandas", "numpy", "tidy"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    return folder


@pytest.fixture
def interpreter(site: Path) -> Interpreter:
    """Return an environment with a few distributions."""
    place = str(site)
    distributions = {
        "pandas": Distribution("3.1.1", ("numpy", "tzdata"), ("pandas",), place=place),
        "numpy": Distribution("2.4.6", (), ("numpy",), place=place),
        "tzdata": Distribution("2026.6", place=place),
        "pyarrow": Distribution("22.0", (), ("pyarrow",), place=place),
        "tabulate": Distribution("0.9", (), ("tabulate",), place=place),
        "tidy": Distribution(
            "0.3",
            ("numpy",),
            ("tidy",),
            origin={"url": "file:///home/me/tidy", "dir_info": {}},
            place=place,
        ),
        "ipykernel": Distribution("7.4.0", ("pyzmq",), ("ipykernel",), place=place),
        "pyzmq": Distribution("27.3.0", place=place),
        "cloudpickle": Distribution("3.1.2", (), ("cloudpickle",), place=place),
    }
    return Interpreter(
        {"version": "3.11.2", "platform": "linux", "machine": "x86_64"},
        frozenset(sys.stdlib_module_names),
        paths=(place,),
        folders=frozenset({place}),
        distributions=distributions,
    )


class FakeEngine:
    """A program that stands in for podman or docker.

    Args:
        folder: Where it lies; goes first on the PATH.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        folder.mkdir()

    def install(self, name: str = "podman", **answers: str) -> None:
        """Install it.

        Args:
            answers: By subcommand, lines of shell that it runs, such as ``echo no; exit 1``.
        """
        cases = "".join(f"    {command}) {answer} ;;\n" for command, answer in answers.items())
        text = f'#!/bin/sh\necho "$0 $*" >> {self.log}\ncase "$1" in\n{cases}    *) exit 0 ;;\nesac\n'
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self, command: str) -> list[str]:
        """Return the command lines of a subcommand."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line for line in lines if line.split()[1:2] == [command]]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Return an engine that is not installed yet; no other one is to be found."""
    fake = FakeEngine(tmp_path / "bin")
    usual = [place for place in os.environ["PATH"].split(os.pathsep) if not _has_engine(Path(place))]
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "echo"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", os.pathsep.join([str(fake.folder), *usual, str(tools)]))
    return fake


def _has_engine(place: Path) -> bool:
    return any((place / name).exists() for name in ("podman", "docker"))
