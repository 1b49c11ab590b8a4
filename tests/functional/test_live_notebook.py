"""A run whose step fails, and then a fresh kernel in which the failing cell runs: with real kernels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

import jupyter_mlops as mlops

pytestmark = pytest.mark.xdist_group("ports")

CELLS = (
    ("", "%load_ext jupyter_mlops"),
    ("imports", "import numpy as np\nimport pandas as pd"),
    ("parameters", "rows = 5\nmost = 100.0"),
    ("functions", "def spread(frame):\n    return float(frame['a'].max() - frame['a'].min())"),
    ("step:load", "np.random.seed(11)\nframe = pd.DataFrame({'a': np.random.rand(rows)})\n%mlops show"),
    ("step:train", "noise = np.random.rand()\nprint(noise)\nwide = spread(frame)\nassert wide > most, 'too narrow'"),
    ("step:after", "%mlops load after\n%mlops run\nprint(wide)"),
)
FAILING = CELLS[5][1]


class Kernel:
    """A kernel in which cells are executed."""

    def __init__(self, manager: KernelManager) -> None:
        self._client = manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def run(self, code: str) -> tuple[str, str | None]:
        """Execute a cell; return what it printed and the name and text of its error."""
        printed: list[str] = []
        errors: list[str] = []

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] in ("execute_result", "display_data"):
                printed.append(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                errors.append(f"{content['ename']}: {content['evalue']}")

        reply = self._client.execute_interactive(code, output_hook=take, timeout=120)["content"]
        failed = f"{reply['ename']}: {reply['evalue']}" if reply["status"] == "error" else None
        return "".join(printed), errors[0] if errors else failed

    def close(self) -> None:
        self._client.stop_channels()


@pytest.fixture
def project(tmp_path: Path, notebook: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mlops.toml").touch()
    path = tmp_path / "live.ipynb"
    path.write_text(notebook(*CELLS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def kernel(project: Path, root: Path) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "JPY_SESSION_NAME": str(project), "PYTHONPATH": path}
    manager.start_kernel(cwd=str(project.parent), env=environment)
    live = Kernel(manager)
    yield live
    live.close()
    manager.shutdown_kernel(now=True)


def test_a_failed_step_is_debugged_where_one_works(project: Path, kernel: Kernel) -> None:
    result = mlops.run(project)
    statuses = {step.name: step.status for step in result.steps}
    assert statuses == {"load": "succeeded", "train": "failed", "after": "skipped"}
    failure = result.failures[0].error
    assert failure is not None and failure.ename == "AssertionError"
    log = result.failures[0].log
    assert log is not None
    noise = log.read_text(encoding="utf-8").split()[0]

    assert kernel.run("%load_ext jupyter_mlops") == ("", None)
    printed, error = kernel.run("%mlops load train")
    assert error is None
    assert result.run_id in printed and "too narrow" in printed and "in cell 6, line 4" in printed
    printed, error = kernel.run(FAILING)
    assert printed.split() == [noise]
    assert error == "AssertionError: too narrow"
    # What one does then: look, mend, and go on with the mended cell.
    assert kernel.run("print(round(wide, 3) == round(spread(frame), 3), most)") == ("True 100.0\n", None)
    assert kernel.run(FAILING.replace("> most", "< most"))[1] is None

    printed, error = kernel.run("frame = 'mine'\n%mlops load train")
    assert error is not None and error.startswith("UsageError: frame holds something else")
    assert printed.startswith("UsageError: frame holds something else") and "Traceback" not in printed
    assert kernel.run("print(frame)") == ("mine\n", None)

    printed, error = kernel.run("%mlops run -p most 0.0")
    assert error is None
    assert "changes that are not saved" in printed
    assert "after: succeeded" in printed and " succeeded in " in printed
    assert kernel.run("import jupyter_mlops\nprint(len(jupyter_mlops.runs()))") == ("2\n", None)
    printed, error = kernel.run("%mlops lineage latest:wide")
    assert error is None and "train" in printed


def test_untagged_notebooks_run_with_the_lines_in_them(tmp_path: Path, notebook: Callable[..., str]) -> None:
    (tmp_path / "mlops.toml").touch()
    path = tmp_path / "plain.ipynb"
    cells = [("", source.replace("> most", "< most")) for _, source in CELLS]
    path.write_text(notebook(*cells), encoding="utf-8")
    result = mlops.run(path)
    assert result.status == "succeeded", result.failures
    assert len(list((tmp_path / ".mlops" / "runs").iterdir())) == 1
