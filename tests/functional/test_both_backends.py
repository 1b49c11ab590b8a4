"""Runs of this machine and of a cluster are alike: what they make, how they are stopped, tried again, compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from kfp_server import KfpServer

import jupyter_mlops as mlops
from jupyter_mlops.kubeflow.pace import Pace
from jupyter_mlops.store.database import Database

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = (
    ("imports", "import numpy as np\nimport pandas as pd"),
    ("parameters", "n: int = 50\nscale = 1.5"),
    ("step:load", 'table = pd.read_csv("numbers.csv")\nframe = table * scale\nnames = list(frame.columns)'),
    ("step:model", "weights = np.linspace(0.0, 1.0, n)\nsummary = {name: float(frame[name].sum()) for name in names}"),
    ("metrics;step:score", "total = float(weights.sum() + sum(summary.values()))"),
)


def write(folder: Path, cells: tuple[tuple[str, str], ...]) -> Path:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    )
    for number, (tags, source) in enumerate(cells):
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags.split(";")}))
    path = folder / "analysis.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("jupyter_mlops.kubeflow.client.PACE", Pace(first=0.1, most=0.5))
    (folder / "numbers.csv").write_text("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(20)))
    with KfpServer(tmp_path / "server", environment={"PYTHONPATH": str(ROOT)}) as server:
        (folder / "mlops.toml").write_text(
            f'[runtimes.prod]\nhost = "{server.host}"\npipeline_root = "{server.root.as_uri()}"\n'
        )
        yield folder


def command(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *words],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
    )


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def digests(folder: Path, run_id: str) -> Mapping[str, str]:
    with Database(folder / ".mlops" / "mlops.db") as database:
        return {item.id: item.digest for item in database.artifacts_of(run_id)}


def test_equal_digests_values_and_lineage(project: Path) -> None:
    """Arrays, frames and plain data have the digests of the local run; a file that a step reads gets there."""
    notebook = write(project, ANALYSIS)
    local = mlops.run(notebook, {"scale": 2.0})
    done = command(
        project,
        *("submit", "analysis.ipynb", "--runtime", "prod", "--image", "image:1", "-p", "scale", "2.0", "--wait"),
        *("--format", "json"),
    )
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert there["run"]["metrics"] == dict(local.metrics)
    here = digests(project, local.run_id)
    assert here and digests(project, there["run_id"]) == here
    values = {name: mlops.load(name, there["run_id"]) for name in ("weights", "summary", "names")}
    assert values["names"] == ["a", "b"] and len(values["weights"]) == 50
    compared = command(project, "compare", local.run_id, there["run_id"], "--format", "json")
    assert compared.returncode == 0, compared.stderr
    traced = command(project, "lineage", f"{there['run_id']}:weights")
    assert traced.returncode == 0 and "model" in traced.stdout


def test_content_that_is_only_on_the_cluster_is_fetched_and_checked(project: Path) -> None:
    write(project, ANALYSIS)
    words = ("submit", "analysis.ipynb", "--runtime", "prod", "--image", "image:1", "--wait", "--format", "json")
    there = json.loads(command(project, *words).stdout)
    assert list(mlops.load("frame", there["run_id"]).columns) == ["a", "b"]
    with Database(project / ".mlops" / "mlops.db") as database:
        place = json.loads(database.document(there["run_id"], "uris", "model") or "{}")
    path = Path(place["model.weights"].removeprefix("file://"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-8] + b"tampered")
    with pytest.raises(mlops_error(), match="its digest differs"):
        mlops.load("weights", there["run_id"])
    path.unlink()
    with pytest.raises(mlops_error(), match="There is nothing at"):
        mlops.load("weights", there["run_id"])


def mlops_error() -> type[Exception]:
    from jupyter_mlops.errors import MlopsError

    return MlopsError


ENDLESS = (
    ("step:first", "x = 1"),
    ("step:wait", "import time\nfrom pathlib import Path\nfor _ in range(600):\n    time.sleep(0.1)\ny = x + 1"),
)
FIXED = (ENDLESS[0], ("step:wait", "y = x + 1"))


def test_a_local_run_is_stopped_and_tried_again(project: Path) -> None:
    write(project, ENDLESS)
    running = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.cli", "run", "analysis.ipynb"],
        cwd=project,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(project, "wait", "running")
        stopped = command(project, "stop", "latest")
        assert stopped.returncode == 0, stopped.stderr
        assert "is cancelled" in stopped.stdout and "jupyter mlops retry" in stopped.stdout
        assert running.wait(timeout=30) == 130
    finally:
        running.kill()
    again = command(project, "stop", "latest")
    assert again.returncode == 2 and "is not going on" in again.stderr
    write(project, FIXED)
    retried = command(project, "retry", "latest", "--format", "json")
    assert retried.returncode == 0, retried.stderr
    result = json.loads(retried.stdout)
    assert [step["status"] for step in result["steps"]] == ["reused", "succeeded"]


def test_what_can_not_be_tried_again(project: Path) -> None:
    write(project, FIXED)
    assert command(project, "run", "analysis.ipynb").returncode == 0
    (project / "analysis.ipynb").unlink()
    printed = command(project, "retry", "latest")
    assert printed.returncode == 2 and "is no longer at" in printed.stderr
    assert command(project, "retry", "nothing").returncode == 2
    assert command(project, "runs", "refresh", "latest").returncode == 2


def _until(folder: Path, slug: str, status: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if (folder / ".mlops" / "mlops.db").exists():
            with Database(folder / ".mlops" / "mlops.db") as database:
                runs = database.runs(1)
                steps = database.steps_of(runs[0].run_id) if runs else ()
            if any(step.slug == slug and step.status == status for step in steps):
                return
        time.sleep(0.2)
    raise AssertionError(f"{slug} is not {status}")
