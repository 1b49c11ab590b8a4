"""Kernelspecs: found by name, their interpreter and environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest

from jupyter_mlops.engine.bundle import install_bundle
from jupyter_mlops.engine.kernels import CONTEXT_VARIABLE, Kernel, find_kernel, kernel_environment, lacks_cloudpickle
from jupyter_mlops.errors import UsageError


def kernelspec(root: Path, name: str, **spec: object) -> None:
    folder = root / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"display_name": name, "language": "python", **spec}))


def test_missing_kernel_names_those_that_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernelspec(tmp_path, "churn-env", argv=["/x/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"'churn_env' is not installed; there are: .*churn-env.*python3") as caught:
        find_kernel("churn_env")
    assert caught.value.hint is not None and "'churn-env'" in caught.value.hint


def test_spec_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernelspec(tmp_path, "other", argv=["conda", "run", "python", "-m", "ipykernel_launcher"], env={"A": "1"})
    provisioner = {"kernel_provisioner": {"provisioner_name": "ssh-provisioner"}}
    kernelspec(tmp_path, "far", argv=["python", "-m", "ipykernel_launcher"], metadata=provisioner)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    other = find_kernel("other")
    assert other.interpreter == ("conda", "run", "python") and other.env == {"A": "1"} and other.is_plain
    with pytest.raises(UsageError, match="provisioner"):
        find_kernel("far")
    assert find_kernel("python3").interpreter == (sys.executable,)


def test_interpreter_of_an_unknown_command_is_unknown() -> None:
    kernel = Kernel("x", ("./start.sh", "{connection_file}"))
    assert kernel.interpreter is None
    assert lacks_cloudpickle(kernel), "then it is brought along"


def test_cloudpickle_is_looked_for_in_the_kernels_interpreter(tmp_path: Path) -> None:
    bare = Kernel("bare", (sys.executable, "-S", "-I", "-m", "ipykernel_launcher"))
    assert lacks_cloudpickle(bare)
    assert not lacks_cloudpickle(Kernel("here", (sys.executable, "-I", "-m", "ipykernel_launcher")))
    assert lacks_cloudpickle(Kernel("gone", (str(tmp_path / "python"), "-m", "ipykernel_launcher")))


def test_environment_keeps_the_specs_and_the_users_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/user/lib")
    monkeypatch.setenv("HOME", "/home/me")
    kernel = Kernel("x", (), {"DATA": "${HOME}/data"})
    made = kernel_environment(
        kernel, bundle=Path("/b/$1"), context=Path("/c.json"), settings={"PRICE": "$HOME", "PYTHONHASHSEED": "7"}
    )
    environment = {name: Template(value).safe_substitute(os.environ) for name, value in made.items()}
    assert environment["PYTHONPATH"] == os.pathsep.join(["/b/$1", "/user/lib"])
    assert environment["DATA"] == "/home/me/data" and environment["PRICE"] == "$HOME", "settings are no templates"
    assert environment["PYTHONHASHSEED"] == "0" and environment[CONTEXT_VARIABLE] == "/c.json"
    monkeypatch.delenv("PYTHONPATH")
    own = Kernel("x", (), {"PYTHONPATH": "/spec/lib"})
    made = kernel_environment(own, bundle=Path("/b"), context=Path("/c"), settings={})
    assert made["PYTHONPATH"] == os.pathsep.join(["/b", "/spec/lib"])


def test_bundle_is_importable_elsewhere_and_made_once(tmp_path: Path) -> None:
    first = install_bundle(tmp_path, with_cloudpickle=True)
    inode = first.stat().st_ino
    assert install_bundle(tmp_path, with_cloudpickle=True) == first and first.stat().st_ino == inode
    assert install_bundle(tmp_path, with_cloudpickle=False) != first
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    code = "import mlops_runtime, cloudpickle; print(mlops_runtime.load, mlops_runtime.save, cloudpickle.__file__)"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONPATH": str(first)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(first) in shown
