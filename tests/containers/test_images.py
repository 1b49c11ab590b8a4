"""Builds and pushes that go wrong, and projects with more than a notebook; all with real podman."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlops = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

_spec = importlib.util.spec_from_file_location("loopback_registry", Path(__file__).with_name("registry.py"))
assert _spec and _spec.loader
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)
registry = _module.registry

DERIVED = 'FROM {base}\nRUN python3 -m venv /opt/mine\nENV PATH=/opt/mine/bin:$PATH GREETING="from mine"\n'


@pytest.fixture
def small(tmp_path: Path, containers: str) -> Path:
    """Return a project whose image needs next to nothing: an own Dockerfile, a helper module, a data file."""
    folder = tmp_path / "small"
    (folder / "steps").mkdir(parents=True)
    (folder / "Dockerfile").write_text(DERIVED.format(base=containers), encoding="utf-8")
    (folder / "mlops.toml").write_text(
        '[image]\nname = "mlops-example-small"\ndockerfile = "Dockerfile"\nbuild_options = ["--network=host"]\n',
        encoding="utf-8",
    )
    (folder / "steps" / "helper.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    (folder / "steps" / "numbers.txt").write_text("1 2 3", encoding="utf-8")
    source = "import helper\nnumbers = [helper.double(int(n)) for n in open('numbers.txt').read().split()]"
    _write(folder / "steps" / "small.ipynb", source)
    return folder / "steps"


ENVIRONMENT = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - six=1.17.0\n"
MICROMAMBA = """#!/usr/bin/python3
import subprocess, sys
if sys.argv[1:] == ["clean", "--all", "--yes"]:
    sys.exit()
assert sys.argv[1:4] == ["create", "--yes", "--prefix"] and sys.argv[5] == "--file", sys.argv
prefix, lines = sys.argv[4], open(sys.argv[6]).read()
if "samtoolz" in lines:
    print("error    libmamba Could not solve for environment specs")
    print("    \\u2514\\u2500 samtoolz =* * does not exist (perhaps a typo or a missing channel).")
    sys.exit("critical libmamba Could not solve for environment specs")
names = [line.strip(" -").replace("=", "==") for line in lines.splitlines() if line.startswith("  - ")]
subprocess.run([sys.executable, "-m", "venv", "--copies", prefix], check=True)
packages = [name for name in names if not name.startswith("python") and name != "pip"]
subprocess.run([f"{prefix}/bin/python", "-m", "pip", "install", *packages], check=True)
"""
"""Does with pip what micromamba is asked for with conda's packages; refuses what it is not asked for so."""


def _write(path: Path, source: str) -> None:
    cell = {"cell_type": "code", "id": "c", "metadata": {"tags": ["step:one"]}, "source": source}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    content["cells"] = [cell | {"outputs": [], "execution_count": None}]
    path.write_text(json.dumps(content), encoding="utf-8")


def _trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str) -> None:
    """Let podman speak HTTP with a registry of the loopback."""
    file = tmp_path / "registries.conf"
    file.write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n', encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(file))
    (tmp_path / "auth.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))


def test_own_dockerfile_with_modules_and_files_pushed_and_pinned(
    mlops: Mlops, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry() as server:
        _trust(monkeypatch, tmp_path, server.address)
        done = mlops(small, "build", "small.ipynb", "--push", "--registry", f"{server.address}/team", "--format=json")
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert server.manifests[image["reference"].removeprefix(f"{server.address}/")] == image["digest"]
    assert image["pinned"] == f"{server.address}/team/mlops-example-small@{image['digest']}"
    code = (
        "import helper, os, IPython; print(helper.double(4), open('numbers.txt').read(), os.environ['GREETING'])\n"
        "print(os.getcwd(), os.getuid()); open('made', 'w')"
    )
    command = ["podman", "run", "--rm", "--network", "none", image["reference"], "python3", "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.stdout.splitlines() == ["8 1 2 3 from mine", "/project/steps 1000"], ran.stderr
    record = json.loads((small.parent / ".mlops" / "images" / "small.json").read_text(encoding="utf-8"))
    assert record["images"] == [image]
    _refused(mlops, small, tmp_path, monkeypatch)
    _changed(mlops, small)


def _refused(mlops: Mlops, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries that refuse; what was recorded before stays as it is."""
    record = small.parent / ".mlops" / "images" / "small.json"
    before = record.read_text(encoding="utf-8")
    with registry(401) as server:
        _trust(monkeypatch, tmp_path, server.address)
        done = mlops(small, "build", "small.ipynb", "--push", "--registry", f"{server.address}/team")
    assert (done.returncode, "wants a login" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    gone = server.address
    done = mlops(small, "build", "small.ipynb", "--push", "--registry", f"{gone}/team")
    assert (done.returncode, "can't be reached" in done.stderr) == (4, True), done.stderr
    assert record.read_text(encoding="utf-8") == before


def _changed(mlops: Mlops, small: Path) -> None:
    """A change of code takes all layers but the last ones from before."""
    (small / "helper.py").write_text("def double(x):\n    return x + x\n", encoding="utf-8")
    done = mlops(small, "build", "small.ipynb")
    assert done.returncode == 0, done.stderr
    log = (small.parent / ".mlops" / "images" / "build.log").read_text(encoding="utf-8")
    copied = log.index("COPY --chown=1000:0 project/ /project/")
    assert "pip install" in log[:copied]
    assert log[:copied].count("--> Using cache") >= 5
    assert "--> Using cache" not in log[copied:]


def test_a_conda_environment(mlops: Mlops, small: Path, tmp_path: Path, containers: str) -> None:
    """The whole way of a conda image. No channel of conda is needed: what stands in for micromamba asks pip instead."""
    builder = "localhost/mlops-example-micromamba:1"
    context = tmp_path / "builder"
    context.mkdir()
    (context / "micromamba").write_text(MICROMAMBA, encoding="utf-8")
    (context / "Dockerfile").write_text(
        f"FROM {containers}\nCOPY --chmod=755 micromamba /usr/local/bin/\nUSER 1000\n", encoding="utf-8"
    )
    made = subprocess.run(["podman", "build", "--tag", builder, context], capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    (small.parent / "environment.yml").write_text(ENVIRONMENT, encoding="utf-8")
    settings = (
        f'[image]\nname = "mlops-example-conda"\nenvironment = "environment.yml"\nbuilder = "{builder}"\n'
        f'base = "{containers}"\nbuild_options = ["--network=host"]\n'
    )
    (small.parent / "mlops.toml").write_text(settings, encoding="utf-8")
    done = mlops(small, "build", "small.ipynb", "--format=json")
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    code = "import helper, six, sys, IPython, os; print(helper.double(4), six.__version__, sys.prefix, os.getuid())"
    command = ["podman", "run", "--rm", "--network", "none", image["reference"], "python3", "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.stdout.splitlines() == ["8 1.17.0 /opt/env 1000"], ran.stderr
    step = ["podman", "run", "--rm", image["reference"], "python3", "-m", "jupyter_mlops.runtime.component"]
    ran = subprocess.run(step, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 4 and "started by Kubeflow" in ran.stderr
    (small.parent / "environment.yml").write_text("dependencies: [samtoolz]\n", encoding="utf-8")
    done = mlops(small, "build", "small.ipynb")
    assert (done.returncode, "conda finds no samtoolz" in done.stderr) == (2, True), done.stderr


def test_a_base_image_that_does_not_exist(mlops: Mlops, project: Path) -> None:
    base = "localhost/mlops-no-such-image:1"
    done = mlops(project, "build", "breast_cancer.ipynb", "--base", base)
    assert done.returncode in (2, 4), done.stderr
    assert f"base image {base}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_that_does_not_exist(mlops: Mlops, small: Path) -> None:
    settings = json.loads((small / "small.ipynb").read_text(encoding="utf-8"))
    settings["metadata"]["mlops"] = {"packages": ["mlops-no-such-package==1.0"]}
    (small / "small.ipynb").write_text(json.dumps(settings), encoding="utf-8")
    done = mlops(small, "build", "small.ipynb")
    assert done.returncode == 2, done.stderr
    error = done.stderr[done.stderr.index("error: ") :]
    assert error.startswith("error: pip finds no mlops-no-such-package==1.0 for the image's Python and platform:")
    assert len(error.splitlines()) <= 8


def test_a_base_image_that_lacks_something(mlops: Mlops, small: Path) -> None:
    settings = json.loads((small / "small.ipynb").read_text(encoding="utf-8"))
    settings["cells"][0]["source"] = "import numpy\nx = 1"
    (small / "small.ipynb").write_text(json.dumps(settings), encoding="utf-8")
    done = mlops(small, "build", "small.ipynb")
    assert done.returncode == 2
    assert "can't import numpy, which step 'one' needs: ModuleNotFoundError" in done.stderr
