"""A project with a runtime that is a server on loopback, or the cluster that MLOPS_KFP_HOST names."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops.cli.main import main
from jupyter_mlops.kubeflow.pace import Pace
from jupyter_mlops.store.database import Database

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests"))

from kfp_server import KfpServer  # noqa: E402

Cell = tuple[str, str]

ONE: Sequence[Cell] = (("parameters", "n = 3"), ("metrics;step:count", "rows = list(range(n))\ntotal = len(rows)"))
QUICK = Pace(connect=2.0, read=2.0, tries=3, first=0.02, most=0.2, patience=2.0)


@dataclass(frozen=True)
class Printed:
    """What a command line printed."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.out)
        return found


Write = Callable[..., Path]
Run = Callable[..., Printed]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask often: the servers of these tests are near."""
    monkeypatch.setattr("jupyter_mlops.kubeflow.client.PACE", QUICK)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, which is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def write(project: Path) -> Write:
    """Write a notebook of (tags, source); no cluster has run just these cells before."""
    own = uuid.uuid4().hex

    def write_notebook(cells: Sequence[Cell] = ONE, name: str = "count.ipynb") -> Path:
        made = [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": tags.split(";") if tags else []},
                "source": f"{source}\n# {own}",
                "outputs": [],
                "execution_count": None,
            }
            for number, (tags, source) in enumerate(cells)
        ]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = project / name
        path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": made}))
        return path

    return write_notebook


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def run_line(*arguments: str | Path) -> Printed:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run_line


@pytest.fixture
def server(tmp_path: Path, project: Path) -> Iterator[KfpServer]:
    """A server whose steps find this package, and a runtime ``prod`` for it."""
    with KfpServer(tmp_path / "server", environment={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}) as found:
        (project / "mlops.toml").write_text(runtime(found))
        yield found


def runtime(server: KfpServer, extra: str = "") -> str:
    """The table of a runtime for a server."""
    return f'[runtimes.prod]\nhost = "{server.host}"\npipeline_root = "{server.root.as_uri()}"\n{extra}'


@pytest.fixture
def store(project: Path) -> Callable[[], Database]:
    """Open the project's store."""
    return lambda: Database(project / ".mlops" / "mlops.db")


@dataclass(frozen=True)
class Place:
    """A Kubeflow to test with: ours, or a real one.

    Args:
        image: What steps run in.
        ours: The server, if it is ours.
    """

    image: str
    ours: KfpServer | None


@pytest.fixture
def kubeflow(tmp_path: Path, project: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The cluster at MLOPS_KFP_HOST, with MLOPS_KFP_ROOT, MLOPS_KFP_NAMESPACE and MLOPS_KFP_IMAGE; else our server."""
    host = os.environ.get("MLOPS_KFP_HOST")
    if not host:
        yield Place("image:1", request.getfixturevalue("server"))
        return
    lines = [f'host = "{host}"']
    for key in ("namespace", "pipeline_root"):
        if value := os.environ.get(f"MLOPS_KFP_{key.removeprefix('pipeline_').upper()}"):
            lines.append(f'{key} = "{value}"')
    if os.environ.get("MLOPS_KFP_TOKEN"):
        lines.append('auth = { type = "token", token = "env:MLOPS_KFP_TOKEN" }')
    (project / "mlops.toml").write_text("\n".join(["[runtimes.prod]", *lines, ""]))
    yield Place(os.environ["MLOPS_KFP_IMAGE"], None)
