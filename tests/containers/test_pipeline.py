"""The example as containers: what they make is what the local engine makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import runtime
from jupyter_mlops.runtime import read_artifact

sys.modules.setdefault("mlops_runtime", runtime)  # the name by which artifacts know it
sys.modules.setdefault("mlops_runtime", runtime)  # the name by which artifacts know it
Mlops = Callable[..., "subprocess.CompletedProcess[str]"]
HERE = Path(__file__).parent
pytestmark = [pytest.mark.containers, pytest.mark.kernel, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def build(mlops: Mlops, project: Path, containers: str) -> dict[str, Any]:
    done = mlops(
        project, "build", "breast_cancer.ipynb", "--base", containers, "--build-option=--network=host", "--format=json"
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def reference(build: dict[str, Any]) -> str:
    (image,) = build["images"]
    return str(image["reference"])


def _in_container(reference: str, *command: str) -> str:
    done = subprocess.run(
        ["podman", "run", "--rm", "--network", "none", reference, *command],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_all_steps_run_in_the_built_image(build: dict[str, Any], reference: str) -> None:
    assert set(build["steps"].values()) == {reference}
    assert len(build["steps"]) == 5
    assert build["problems"] == []


def test_the_image_has_what_it_needs_and_no_more(reference: str) -> None:
    assert _in_container(reference, "id", "-u") == "1000"
    assert _in_container(reference, "sh", "-c", "ls /opt/env/bin | grep -c '^pip' || true") == "0"
    code = "import os, sys; print(os.environ['HOME'], os.getcwd(), *[os.access(x, os.W_OK) for x in ('.', sys.prefix)])"
    assert _in_container(reference, "python3", "-c", code) == "/home/mlops /project True False"


def test_no_secret_of_the_build_is_in_the_image(reference: str) -> None:
    history = subprocess.run(
        ["podman", "history", "--no-trunc", "--format", "{{.CreatedBy}}", reference], capture_output=True, text=True
    ).stdout
    assert "/run/secrets/pip" in history
    assert "index-url" not in history
    assert _in_container(reference, "sh", "-c", "ls -A /run/secrets 2>/dev/null | wc -l") == "0"


def test_a_second_build_takes_the_layers_of_the_first(
    mlops: Mlops, project: Path, containers: str, build: dict[str, Any]
) -> None:
    done = mlops(
        project, "build", "breast_cancer.ipynb", "--base", containers, "--build-option=--network=host", "--format=json"
    )
    again = json.loads(done.stdout)
    assert again["images"] == build["images"]
    log = next((project / ".mlops").rglob("build.log")).read_text(encoding="utf-8")
    assert "Collecting" not in log
    assert "Installing collected packages" not in log


def test_containers_make_what_the_local_engine_makes(
    mlops: Mlops, project: Path, reference: str, docker_host: str, tmp_path: Path
) -> None:
    local = json.loads(mlops(project, "run", "breast_cancer.ipynb", "--format=json", "--no-progress-bar").stdout)
    assert local["status"] == "succeeded"
    compiled = mlops(project, "compile", "breast_cancer.ipynb", "-o", str(tmp_path / "p.yaml"), "--image", reference)
    assert compiled.returncode == 0, compiled.stderr
    root = tmp_path / "artifacts"
    done = subprocess.run(
        [sys.executable, str(HERE / "run_pipeline.py"), str(tmp_path / "p.yaml"), str(root), "{}"],
        env={**os.environ, "DOCKER_HOST": docker_host},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    remote = _artifacts(root)
    made = {
        (item["step"].replace(" ", "-"), item["name"]): item
        for item in local["artifacts"]
        if item["name"].isidentifier()
    }
    assert made.keys() <= remote.keys()
    digests = {key: item["digest"] for key, item in made.items() if not item["type"].startswith("sklearn")}
    assert len(digests) == 6
    assert {key: remote[key]["metadata"]["digest"] for key in digests} == digests
    models = made.keys() - digests.keys()
    assert models == {("train-forest", "forest"), ("train-logistic", "logistic")}
    (measurements,) = _read(Path(remote[("split", "X_test")]["uri"]), remote[("split", "X_test")])
    for key in models:
        (there,) = _read(Path(remote[key]["uri"]), remote[key])
        (here,) = _read(_object(project, made[key]["digest"]), remote[key])
        assert repr(there.get_params()) == repr(here.get_params())
        assert (there.predict_proba(measurements) == here.predict_proba(measurements)).all()
    assert remote[("evaluate", "metrics")]["metadata"] == local["metrics"]


def _artifacts(root: Path) -> dict[tuple[str, str], Any]:
    """What the steps told Kubeflow of their artifacts, by step and name."""
    found = {}
    for path in root.rglob("executor_output.json"):
        answer = json.loads(path.read_text(encoding="utf-8"))
        for name, item in answer.get("artifacts", {}).items():
            artifact = item["artifacts"][0]
            found[(path.parent.name, artifact["metadata"].get("names", name))] = artifact
    return found


def _object(project: Path, digest: str) -> Path:
    return project / ".mlops" / "objects" / digest[:2] / digest[2:]


def _read(path: Path, artifact: dict[str, Any]) -> tuple[Any, ...]:
    names = artifact["metadata"]["names"].split(", ")
    return tuple(read_artifact(path, artifact["metadata"]["serializer"], names).values())
