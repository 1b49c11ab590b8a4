"""A project with a small pipeline, and processes that run it and may be killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CELLS = (
    ("c0", "parameters", "n = 3"),
    ("c1", "imports", "from pathlib import Path"),
    ("c2", "step:make", "rows = list(range(n))\nopen('out.txt', 'w').write(str(rows))\nprint('made', n)"),
    ("c3", "step:double", "twice = [2 * row for row in rows]\nPath('twice.txt').write_text(str(twice))"),
    ("c4", "step:read", "text = open('in.txt').read()"),
    ("c5", "step:count metrics", "total = sum(twice) + len(open('out.txt').read()) + len(text)\nprint('total', total)"),
)
STEPS = ("make", "double", "read", "count")
FILES = ("out.txt", "twice.txt")


def notebook_text(cells: tuple[tuple[str, str, str], ...] = CELLS) -> str:
    """Return the notebook's JSON."""
    made = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {"tags": tags.split()},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for name, tags, source in cells
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made})


@dataclass
class Project:
    """A folder with a notebook and its store."""

    folder: Path

    @property
    def notebook(self) -> Path:
        return self.folder / "demo.ipynb"

    @property
    def home(self) -> Path:
        return self.folder / ".mlops"

    @property
    def output(self) -> Path:
        return self.folder / "result.ipynb"

    def edit(self, name: str, source: str) -> None:
        """Change a cell."""
        cells = tuple((cell, tags, source if cell == name else old) for cell, tags, old in CELLS)
        self.notebook.write_text(notebook_text(cells), encoding="utf-8")

    def copy(self, target: Path) -> Project:
        shutil.copytree(self.folder, target, symlinks=True)
        return Project(target)

    def files(self) -> dict[str, str]:
        """What the steps wrote."""
        return {name: (self.folder / name).read_text(encoding="utf-8") for name in FILES}

    def shown(self) -> dict[str, str]:
        """What the executed notebook shows below each cell."""
        cells = json.loads(self.output.read_text(encoding="utf-8"))["cells"]
        return {
            cell["id"]: "".join("".join(item["text"]) for item in cell["outputs"])
            for cell in cells
            if cell.get("outputs")
        }


def project_in(folder: Path) -> Project:
    """Make a project."""
    folder.mkdir(parents=True)
    (folder / "mlops.toml").touch()
    (folder / "in.txt").write_text("four", encoding="utf-8")
    project = Project(folder)
    project.notebook.write_text(notebook_text(), encoding="utf-8")
    return project


@dataclass(frozen=True)
class Answer:
    """How a process ended.

    Args:
        killed: The signal that ended it.
        result: What the run came to, as ``run --format json`` prints it.
        error: Class of the exception that ended it.
    """

    killed: int | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    message: str = ""

    @property
    def steps(self) -> dict[str, str]:
        return {step["name"]: step["status"] for step in self.result["steps"]}

    @property
    def values(self) -> dict[str, str]:
        """Digest of each artifact."""
        return {f"{item['step']}.{item['name']}": item["digest"] for item in self.result["artifacts"]}


class Nursery:
    """The process that all others are forked from."""

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **order: Any) -> Answer:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Answer(**json.loads(self.process.stdout.readline()))

    def run(
        self,
        project: Project,
        failpoint: str | None = None,
        *,
        kill_after: float | None = None,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Run a project's notebook, up to the failpoint."""
        given = {"output": str(project.output), **options}
        return self.ask(
            arguments=[str(project.notebook)],
            options=given,
            failpoint=failpoint,
            kill_after=kill_after,
            environment=dict(environment or {}),
        )

    def passes(self, project: Project, log: Path, **options: Any) -> list[str]:
        """Run a project and return the failpoints that were passed, in their order."""
        answer = self.run(project, f"*=log:{log}", **options)
        assert answer.error is None, answer.message
        return log.read_text(encoding="utf-8").split()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    found = Nursery()
    yield found
    found.close()


@pytest.fixture(scope="session")
def seed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has never run, whose store knows the interpreter and has the runtime."""
    project = project_in(tmp_path_factory.mktemp("seed") / "project")
    assert nursery.run(project).result["status"] == "succeeded"
    for path in project.home.iterdir():
        if path.name not in ("cache", "runtime", "tmp", ".gitignore"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in (*FILES, project.output.name):
        (project.folder / name).unlink()
    return project


@pytest.fixture(scope="session")
def finished(nursery: Nursery, seed: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Answer]:
    """A project that has run undisturbed, and what it came to."""
    project = seed.copy(tmp_path_factory.mktemp("finished") / "project")
    answer = nursery.run(project)
    assert answer.steps == dict.fromkeys(STEPS, "succeeded")
    return project, answer


@pytest.fixture
def project(seed: Project, tmp_path: Path) -> Project:
    return seed.copy(tmp_path / "project")


@pytest.fixture
def soak() -> bool:
    """Whether there is time for more (``make soak``)."""
    return bool(os.environ.get("MLOPS_SOAK"))
