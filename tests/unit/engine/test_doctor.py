"""What ``doctor`` finds, and what it says to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.doctor import Check, examine


def find(name: str, start: Path) -> Check:
    return next(check for check in examine(start) if check.name == name)


@pytest.fixture(autouse=True)
def _no_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no daemon unless a test wants it."""
    real = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, **more: None if name in {"podman", "docker"} else real(name, **more)
    )


def give_kernels(monkeypatch: pytest.MonkeyPatch, specs: dict[str, tuple[str, str]]) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    found = {name: {"spec": {"argv": [program], "language": language}} for name, (program, language) in specs.items()}
    monkeypatch.setattr(KernelSpecManager, "get_all_specs", lambda self: found)


def test_every_check_has_a_name_and_every_trouble_a_hint(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.hint for check in checks if check.status != "ok")
    assert list(tmp_path.iterdir()) == []


def test_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("Python", tmp_path).status == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert find("Python", tmp_path).hint == "Install Python 3.10 or newer."


def test_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_kernels(monkeypatch, {"python3": (sys.executable, "python"), "ir": ("R", "R")})
    assert find("kernels", tmp_path).detail == "python3"
    give_kernels(monkeypatch, {"python3": (sys.executable, "Python"), "old": ("/no/such/python", "python")})
    check = find("kernels", tmp_path)
    assert (check.status, check.hint) == ("warning", "Run: jupyter kernelspec remove old")
    give_kernels(monkeypatch, {"ir": ("R", "R")})
    check = find("kernels", tmp_path)
    assert (check.status, check.required) == ("missing", True)


def test_kernels_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    def fail(self: Any) -> None:
        raise ValueError("broken kernel.json")

    monkeypatch.setattr(KernelSpecManager, "get_all_specs", fail)
    assert find("kernels", tmp_path).detail == "can't be listed: broken kernel.json"


def test_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", fail)
    check = find("papermill", tmp_path)
    assert (check.status, check.hint, check.required) == ("missing", "Run: pip install papermill", True)


@pytest.mark.parametrize(("code", "status"), [(0, "ok"), (1, "missing")])
def test_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, status: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **more: f"/bin/{name}" if name == "podman" else None)
    answer = subprocess.CompletedProcess([], code, "", "first\nno daemon")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: answer)
    check = find("containers", tmp_path)
    assert check.status == status
    assert check.detail == ("podman at /bin/podman" if code == 0 else "podman does not answer: no daemon")


def test_containers_missing_is_no_obstacle(tmp_path: Path) -> None:
    check = find("containers", tmp_path)
    assert (check.status, check.required) == ("missing", False)


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1 << 20))
    assert find("disk", tmp_path).status == "warning"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 5 << 30))
    assert find("disk", tmp_path).detail.startswith("5.0 GiB free at ")


def test_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    assert find("store", tmp_path).detail == f"{home}, made by the first run"
    home.mkdir()
    assert find("store", tmp_path).detail == str(home)
    home.rmdir()
    home.write_text("in the way")
    check = find("store", tmp_path)
    assert (check.status, check.required) == ("missing", True)
