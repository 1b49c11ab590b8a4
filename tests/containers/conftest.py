"""Real containers: podman with a base image made here. Only ``make test-containers`` runs these tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "mlops-example"
"""What the names of all images of these tests begin with."""
READY = ROOT / "build" / "containers" / "base"
SERVICE_SECONDS = 900


@pytest.fixture(scope="session")
def containers() -> Iterator[str]:
    """Return the name of the base image; podman is set up for the whole session."""
    done = subprocess.run([ROOT / ".ci" / "containers"], capture_output=True, text=True, timeout=1200)
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(ROOT / "build" / "containers" / "containers.conf"))
        yield READY.read_text(encoding="utf-8").strip()
        _clean_up()


def _clean_up() -> None:
    """Remove what the tests have built, but for the example's image: its packages serve the next time."""
    command = ["podman", "images", "--format", "{{.Repository}}:{{.Tag}}"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.split()  # the newest first
    ours = [name for name in listed if name.rpartition("/")[2].startswith(NAME)]
    kept = next((name for name in ours if name.startswith(f"localhost/{NAME}:")), None)
    unneeded = [name for name in ours if name != kept]
    if unneeded:
        subprocess.run(["podman", "rmi", "--force", *unneeded], capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def docker_host(containers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of podman's service, which speaks docker's language; it ends with the session."""
    socket = tmp_path_factory.mktemp("podman") / "podman.sock"
    command = ["podman", "system", "service", f"--time={SERVICE_SECONDS}", f"unix://{socket}"]
    service = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert service.poll() is None, "podman's service has ended"
            assert time.monotonic() < deadline, "podman's service does not start"
            time.sleep(0.05)
        yield f"unix://{socket}"
    finally:
        service.terminate()
        service.wait(20)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with the first example in it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "mlops.toml").write_text(f'[image]\nname = "{NAME}"\n', encoding="utf-8")
    shutil.copy(ROOT / "examples" / "breast_cancer.ipynb", folder)
    return folder


@pytest.fixture(scope="session")
def mlops(containers: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the command line in a folder."""

    def run(folder: Path, *arguments: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jupyter_mlops.cli", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)

    return run
