"""How a run ends when it is stopped from outside: signals, killed processes, two runs at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.engine.abandoned import REASON
from jupyter_mlops.store.database import Database

pytestmark = [pytest.mark.alone, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

Make = Callable[..., str]

FAMILY = """
import multiprocessing, os, pathlib, subprocess, sys, time
context = multiprocessing.get_context("fork")
children = [subprocess.Popen(["sleep", "600"])]
children += [subprocess.Popen(["sleep", "600"], start_new_session=True)]
children += [subprocess.Popen(["nohup", "sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
pool = context.Pool(2)
pids = [os.getpid(), *(child.pid for child in children), *(worker.pid for worker in pool._pool)]
# Daemons: their parents are gone, they lead sessions of their own.
for command in ("setsid sleep 600 >/dev/null & echo $!", "nohup setsid sleep 600 >/dev/null 2>&1 & echo $!"):
    pids.append(int(subprocess.run(command, shell=True, stdout=subprocess.PIPE).stdout.split()[0]))
pathlib.Path("pids.part").write_text(" ".join(map(str, pids)))
os.rename("pids.part", "pids")
"""

STUBBORN = (
    FAMILY
    + """
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
"""
)


class Line:
    """A command line in a process of its own.

    Args:
        work: Its working directory.
    """

    def __init__(self, work: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        self.work = work
        command = [*prefix, sys.executable, "-m", "jupyter_mlops.cli", *arguments]
        self.process = subprocess.Popen(
            command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_for(self, name: str) -> str:
        """Wait until a step has made a file; return its content."""
        for _ in range(1200):
            if (self.work / name).exists():
                return (self.work / name).read_text()
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        raise AssertionError(f"{name} never came")

    def end(self) -> tuple[int, str, str]:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def line(work: Path) -> Iterator[Callable[..., Line]]:
    started: list[Line] = []

    def start(*arguments: str, prefix: tuple[str, ...] = ()) -> Line:
        started.append(Line(work, *arguments, prefix=prefix))
        return started[-1]

    yield start
    for item in started:
        if item.process.poll() is None:
            item.process.kill()
        item.process.communicate()


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def survivors(pids: str) -> list[int]:
    """Those of these processes that are alive a moment later."""
    found = [int(pid) for pid in pids.split()]
    for _ in range(20):
        if not (alive := [pid for pid in found if is_alive(pid)]):
            return []
        time.sleep(0.05)
    return alive


def write(work: Path, notebook: Make, last: str) -> None:
    cells = [("step:first", "x = 40\nprint('worked')"), ("step:last", f"y = x + 2\n{last}"), ("metrics", "m = y")]
    (work / "nb.ipynb").write_text(notebook(*cells))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_kernels_and_all_they_started(
    name: str, line: Callable[..., Line], notebook: Make, work: Path
) -> None:
    write(work, notebook, STUBBORN)
    running = line("run", "nb.ipynb", "out.ipynb", "--format", "json")
    pids = running.wait_for("pids")
    assert len(pids.split()) == 8
    assert all(is_alive(int(pid)) for pid in pids.split())
    began = time.monotonic()
    running.process.send_signal(getattr(signal, name))
    code, out, err = running.end()
    assert time.monotonic() - began < 5
    assert survivors(pids) == []
    assert code == 130, err
    result = json.loads(out)
    assert result["status"] == "cancelled"
    assert [step["status"] for step in result["steps"]] == ["succeeded", "cancelled", "cancelled"]
    assert not list((work / ".mlops" / "tmp").iterdir())

    write(work, notebook, "print('gentle')")
    code, out, err = line("run", "nb.ipynb", "--format", "json").end()
    again = json.loads(out)
    assert (code, [step["status"] for step in again["steps"]]) == (0, ["reused", "succeeded", "succeeded"]), err
    assert again["metrics"] == {"m": 42}


def test_ctrl_c_twice_kills_at_once(line: Callable[..., Line], notebook: Make, work: Path) -> None:
    write(work, notebook, STUBBORN)
    running = line("run", "nb.ipynb")
    pids = running.wait_for("pids")
    began = time.monotonic()
    os.kill(running.process.pid, signal.SIGINT)
    time.sleep(0.2)
    os.kill(running.process.pid, signal.SIGINT)
    code, _, err = running.end()
    assert code == 130
    assert survivors(pids) == []
    assert time.monotonic() - began < 4
    assert "Traceback" not in err


def test_finally_blocks_run(line: Callable[..., Line], notebook: Make, work: Path) -> None:
    source = """
        import pathlib, time
        try:
            pathlib.Path('pids').touch()
            time.sleep(600)
        finally:
            pathlib.Path('cleaned').touch()
    """
    write(work, notebook, textwrap.dedent(source))
    running = line("run", "nb.ipynb")
    running.wait_for("pids")
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[0] == 130
    assert (work / "cleaned").exists()


@pytest.mark.parametrize("how", ["signal", "timeout"])
def test_a_cell_that_goes_on_after_the_interruption_has_not_succeeded(
    how: str, line: Callable[..., Line], notebook: Make, work: Path
) -> None:
    source = """
        import os, pathlib
        pathlib.Path('pids').touch()
        code = os.system('sleep 60')
    """
    cells = [("step:a", textwrap.dedent(source)), ("step:a", "pathlib.Path('next').touch()"), ("metrics", "m = code")]
    (work / "nb.ipynb").write_text(notebook(*cells))
    running = line("run", "nb.ipynb", "--format", "json", *(["--timeout", "5"] if how == "timeout" else []))
    running.wait_for("pids")
    if how == "signal":
        running.process.send_signal(signal.SIGINT)
    code, out, err = running.end()
    assert code == (130 if how == "signal" else 1), err
    statuses = [step["status"] for step in json.loads(out)["steps"]]
    assert statuses == (["cancelled", "cancelled"] if how == "signal" else ["failed", "skipped"])
    assert not (work / "next").exists()


def test_a_run_under_nohup_goes_on_when_the_terminal_closes(
    line: Callable[..., Line], notebook: Make, work: Path
) -> None:
    write(work, notebook, "import pathlib, time\npathlib.Path('pids').touch()\ntime.sleep(1)")
    running = line("run", "nb.ipynb", prefix=("nohup",))
    running.wait_for("pids")
    running.process.send_signal(signal.SIGHUP)
    assert running.end()[0] == 0


def test_a_terminal_that_is_closed(notebook: Make, work: Path) -> None:
    import fcntl
    import pty
    import termios

    write(work, notebook, STUBBORN)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", "nb.ipynb", "--log-output"]
    process = subprocess.Popen(
        command,
        cwd=work,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    for _ in range(1200):
        with contextlib.suppress(BlockingIOError):
            os.read(ours, 100_000)
        if (work / "pids").exists():
            break
        time.sleep(0.05)
    pids = (work / "pids").read_text()
    os.close(ours)
    process.wait(timeout=15)
    assert survivors(pids) == []
    with Database(work / ".mlops" / "mlops.db") as database:
        run = database.run("latest")
        assert run.status == "cancelled"
        assert [step.status for step in database.steps_of(run.run_id)] == ["succeeded", "cancelled", "cancelled"]


def test_a_stop_during_the_wait_for_a_retry_ends_at_once(line: Callable[..., Line], notebook: Make, work: Path) -> None:
    content = json.loads(
        notebook(("step:flaky", "import pathlib\npathlib.Path('pids').touch()\nraise OSError('not yet')"))
    )
    content["cells"][0]["metadata"]["mlops"] = {"retries": 3, "backoff": "10m"}
    (work / "nb.ipynb").write_text(json.dumps(content))
    running = line("run", "nb.ipynb", "--format", "json")
    assert running.process.stderr is not None
    for text in running.process.stderr:
        if "attempt 1 of 4 failed (OSError: not yet); again in 600 s" in text:
            break
    began = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    code, out, _ = running.end()
    assert (code, time.monotonic() - began < 4) == (130, True)
    (step,) = json.loads(out)["steps"]
    assert (step["status"], step["attempts"]) == ("cancelled", 1)
    assert step["reason"] == "the run was stopped; attempt 1: OSError: not yet"


def test_what_a_step_leaves_running_ends_with_its_failure(
    line: Callable[..., Line], notebook: Make, work: Path
) -> None:
    write(work, notebook, FAMILY + "\nraise ValueError('no')")
    running = line("run", "nb.ipynb")
    pids = running.wait_for("pids")
    assert running.end()[0] == 1
    assert survivors(pids) == []


def test_a_killed_engine_leaves_a_run_that_the_next_one_clears(
    line: Callable[..., Line], notebook: Make, work: Path
) -> None:
    write(work, notebook, STUBBORN)
    running = line("run", "nb.ipynb")
    pids = running.wait_for("pids")
    running.process.kill()
    running.end()
    database_path = work / ".mlops" / "mlops.db"
    with Database(database_path) as database:
        killed = database.run("latest")
        assert killed.status == "running"
    (work / "pids").unlink()
    write(work, notebook, "print('gentle')")
    code, out, err = line("run", "nb.ipynb", "--format", "json").end()
    assert code == 0, err
    assert [step["status"] for step in json.loads(out)["steps"]] == ["reused", "succeeded", "succeeded"]
    with Database(database_path) as database:
        assert database.run(killed.run_id).status == "failed"
        steps = database.steps_of(killed.run_id)
        assert [step.status for step in steps] == ["succeeded", "failed", "cancelled"]
        assert steps[1].reason == REASON
    assert not list((work / ".mlops" / "tmp").iterdir())
    assert survivors(pids) == [], "provably of that run"


def test_two_runs_at_once(line: Callable[..., Line], notebook: Make, work: Path) -> None:
    source = """
        import os, pathlib, time
        pathlib.Path(f'here-{os.getpid()}').touch()
        while len(list(pathlib.Path('.').glob('here-*'))) < 2:
            time.sleep(0.05)
    """
    write(work, notebook, textwrap.dedent(source))
    both = [line("run", "nb.ipynb", f"out{number}.ipynb", "--format", "json", "--no-cache") for number in range(2)]
    results = []
    for running in both:
        code, out, err = running.end()
        assert code == 0, err
        results.append(json.loads(out))
    assert [result["metrics"] for result in results] == [{"m": 42}] * 2
    assert results[0]["run_id"] != results[1]["run_id"]
    with Database(work / ".mlops" / "mlops.db") as database:
        assert [database.run(result["run_id"]).status for result in results] == ["succeeded"] * 2
    assert not list((work / ".mlops" / "tmp").iterdir())
