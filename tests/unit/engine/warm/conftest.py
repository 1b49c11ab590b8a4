"""Templates of this interpreter, and what they left behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.engine.bundle import install_bundle
from jupyter_mlops.engine.kernels import Kernel, kernel_environment
from jupyter_mlops.engine.warm.pool import KernelPool
from jupyter_mlops.engine.warm.process import WarmProcess
from jupyter_mlops.engine.warm.template import Template
from jupyter_mlops.engine.warm.wish import Wish, launch_arguments, resolved

KERNEL = Kernel("python3", (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"))
SECONDS = 20.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the working directory of the kernels."""
    made = tmp_path / "project"
    made.mkdir()
    return made


@pytest.fixture
def make_wish(tmp_path: Path, project: Path) -> Callable[..., Wish]:
    """Return a function that makes a wish; modules that lie in ``lib`` beside the project can be imported."""
    bundle = install_bundle(tmp_path / "bundle", with_cloudpickle=False)
    library = tmp_path / "lib"
    library.mkdir()

    def make(*imports: str, cwd: Path = project, **variables: str) -> Wish:
        stanza = kernel_environment(KERNEL, bundle=bundle, context=None, settings=variables)
        stanza["PYTHONPATH"] += os.pathsep + str(library)
        return Wish((sys.executable,), resolved(stanza), cwd, imports)

    return make


@pytest.fixture
def pool() -> Iterator[KernelPool]:
    with KernelPool() as made:
        yield made
        folder = made._folder
    assert folder is None or not folder.exists()


@pytest.fixture
def prepare(pool: KernelPool) -> Callable[..., Template]:
    """Return a function that has a template of a wish made."""

    def arguments(connection_file: str) -> list[str]:
        return launch_arguments(KERNEL, connection_file) or []

    return lambda wish, spares=1: pool.prepare(wish, arguments, spares=spares)


@pytest.fixture
def take(project: Path, tmp_path: Path) -> Iterator[Callable[..., WarmProcess]]:
    """Return a function that lets a kernel of a template begin; all end with the test."""
    taken: list[WarmProcess] = []
    with (tmp_path / "kernel.log").open("wb") as log:

        def begin(template: Template, cwd: Path = project, seconds: float = SECONDS) -> WarmProcess:
            streams = (log.fileno(), log.fileno())
            environment = template.wish.environment
            taken.append(template.take(environment, cwd, streams, seconds=seconds, stopped=lambda: False))
            return taken[-1]

        yield begin
    for process in taken:
        process.close()


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """Make sure that each process a test has started ends with it."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    eventually(lambda: not [item for item in psutil.Process().children(recursive=True) if item.pid not in before])


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[[Callable[[], bool]], None]:
    return eventually
