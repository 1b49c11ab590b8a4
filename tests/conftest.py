"""What all tests share: markers, a clean environment, what may be skipped, Hypothesis profiles."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Processes that are forked hang in OpenMP's loops if their parent has run some with several threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
NO_SKIP = "MLOPS_NO_SKIP"

settings.register_profile(
    "fast", max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fast")  # --hypothesis-profile=thorough wins over this


# --- kernels: only where a test asks for them -------------------------------------------------------------------------

_KERNELS = {"ipykernel_launcher", "mlops_runtime.template"}
_running: list[str] = []  # the test that runs, if it may not start a kernel
_PORTS = frozenset({"run_whole"})
"""Fixtures that start kernels on ports; those of this project's engine have sockets in folders of their own."""


@pytest.hookimpl(wrapper=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Any:
    """Mark all of tests/functional and tests/lab; say which tests run in one process, and so one after another.

    Tests of a file with kernels or faults share what is costly to make. Kernels on ports race for them, so tests that
    start such are in one group: marked with ``xdist_group("ports")``, or known by their fixtures.
    """
    ports = {item.path for item in items if _takes_ports(item)}
    for item in items:
        parts = item.path.relative_to(ROOT).parts
        if "lab" in parts:
            item.add_marker("lab")
        if {"functional", "lab"}.intersection(parts):
            item.add_marker("kernel")
        if item.path in ports:
            item.add_marker(pytest.mark.xdist_group("ports"))
        elif "faults" in parts or item.get_closest_marker("kernel") is not None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    return (yield)


def _takes_ports(item: pytest.Item) -> bool:
    own = {name for mark in item.iter_markers("xdist_group") for name in mark.args}
    return "ports" in own or bool(_PORTS.intersection(getattr(item, "fixturenames", ())))


def _watch_processes(event: str, args: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _running and _KERNELS.intersection(map(str, args[1])):
        raise AssertionError(f"{_running[0]} starts a kernel: mark it with @pytest.mark.kernel")


sys.addaudithook(_watch_processes)


@pytest.fixture(autouse=True)
def _kernel_free(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("kernel") is None:
        _running.append(request.node.nodeid)
    yield
    _running.clear()


# --- skips: said with their reason here, failures where MLOPS_NO_SKIP is set ------------------------------------------


def _refuse_skip(report: Any) -> Any:
    if os.environ.get(NO_SKIP) and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIP} is set, so nothing may be skipped, but: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    """Turn a skipped test into a failed one where skips are not allowed."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    """Do the same for a module that skips itself."""
    return _refuse_skip((yield))


@pytest.fixture(scope="session")
def require() -> Callable[..., str]:
    """Return a function that finds a program by any of its names, or skips the test and says why."""

    def find(*names: str) -> str:
        for name in names:
            if found := shutil.which(name):
                return found
        pytest.skip(f"needs {' or '.join(names)}, which is not installed (.ci/system-packages installs what it can)")

    return find


# --- environment ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _own_ipython(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's IPython profile, startup files and history out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset what would change the outcome of a test."""
    ours = ("JUPYTER_MLOPS_HOME", "JUPYTER_MLOPS_STEP", "JUPYTER_MLOPS_SYNC_WAIT", "NO_COLOR", "FORCE_COLOR")
    services = [name for name in os.environ if name in ("CI", "GITLAB_CI") or name.startswith(("CI_", "GITHUB_"))]
    for name in (*ours, *services):
        monkeypatch.delenv(name, raising=False)
    for name in ("TRACKING_URI", "REGISTRY_URI", "EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID", "RUN_CONTEXT"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


@pytest.fixture
def mlops_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that JUPYTER_MLOPS_HOME points to."""
    home = tmp_path / "mlops-home"
    home.mkdir()
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top of the source tree."""
    return ROOT
