"""Processor time, memory and the processes of a step; with small processes that are no kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.engine import family
from jupyter_mlops.engine.family import descendants, end_marked, end_marked_below, marked
from jupyter_mlops.engine.usage import Meter

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code in a process that prints a line when it is ready."""
    started: list[subprocess.Popen[str]] = []

    def begin(code: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_process_and_its_children_are_measured(start: Start) -> None:
    child = "x = bytearray(40_000_000); print('up', flush=True); import time; time.sleep(60)"
    code = f"""
import subprocess, sys, time
own = bytearray(30_000_000)
while time.process_time() < 0.3: pass
del own
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
    process = start(code)
    child_pid = int(line_of(process))
    assert descendants(process.pid) == [child_pid] == family._descendants_of_all(process.pid)
    meter = Meter(process.pid)
    assert meter.usage is None
    meter.read()
    used = meter.usage
    assert used is not None
    assert 0.3 <= used.cpu_seconds < 30
    assert 45_000_000 < used.memory < 400_000_000
    os.kill(child_pid, 9)
    process.kill()
    process.wait()
    meter.read()
    assert meter.usage == used, "what was seen last"


def test_the_peak_between_two_looks_is_known(start: Start) -> None:
    process = start("x = bytearray(90_000_000); del x; print('up', flush=True); import time; time.sleep(60)")
    line_of(process)
    meter = Meter(process.pid)
    meter.read()
    assert meter.usage is not None and meter.usage.memory > 90_000_000


def test_looking_is_cheap(start: Start) -> None:
    process = start("print('up', flush=True); import time; time.sleep(60)")
    line_of(process)
    meter = Meter(process.pid)
    before = time.process_time()
    for _ in range(50):
        meter.read()
    assert (time.process_time() - before) / 50 < 0.005, "twice a second: 1 % of a core"


def test_processes_that_left_are_found_by_their_mark(start: Start, tmp_path: Path) -> None:
    loose = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.execv("/bin/sleep", ["sleep", "60"])
"""
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {loose!r}]); print('up', flush=True)"
    mark = str(tmp_path / "run" / "a.json")
    process = start(code, MLOPS_TEST_MARK=mark)
    line_of(process)
    process.wait()
    bystander = start("print('up', flush=True); import time; time.sleep(60)", MLOPS_TEST_MARK=mark + "x")
    line_of(bystander)
    (pid,) = _wait_for(lambda: marked("MLOPS_TEST_MARK", mark))
    assert not _is_below(pid, process.pid)
    end_marked("MLOPS_TEST_MARK", mark)
    assert _wait_for(lambda: [1] if not marked("MLOPS_TEST_MARK", mark) else [])
    assert bystander.poll() is None
    end_marked_below("MLOPS_TEST_MARK", tmp_path / "run")
    assert bystander.wait(10) == -9


def _is_below(pid: int, parent: int) -> bool:
    return parent in [process.pid for process in psutil.Process(pid).parents()]


def _wait_for(look: Callable[[], list[int]]) -> list[int]:
    for _ in range(200):
        if found := look():
            return found
        time.sleep(0.05)
    return []
