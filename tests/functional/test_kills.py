"""Real processes killed at random: the engine, a kernel, whatever else it started. The next run gives the same."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import ObjectStore

KILLS = int(os.environ.get("MLOPS_KILLS", "6"))
SECONDS = 120
CELLS = (
    ("parameters", "n = 1"),
    ("step:make", "rows = list(range(n))\nopen('rows.txt', 'w').write(repr(rows))"),
    ("step:double", "double = [2 * row for row in rows]"),
    ("step:join|metrics", "total = sum(double) + len(open('rows.txt').read())\nprint('total', total)"),
)


def expected(n: int) -> int:
    rows = list(range(n))
    return sum(2 * row for row in rows) + len(repr(rows))


def start(work: Path, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", "demo.ipynb", "result.ipynb"]
    return subprocess.Popen(
        [*command, "-p", "n", str(n), "--format", "json", "--workers", "2"],
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, json.loads(out) if out.strip() else {}, err


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def kill_one(process: subprocess.Popen[str], chance: random.Random) -> tuple[str, list[psutil.Process]]:
    """Kill the engine or one of its processes; return which, and what the engine had started."""
    family = descendants(process)
    victim: Any = process
    if family and chance.random() < 0.5:
        victim = chance.choice(family)
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        os.kill(victim.pid, signal.SIGKILL)
    return ("engine" if victim is process else "child"), family


@pytest.mark.timeout(max(600, 60 * KILLS))
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_random_kills(work: Path, notebook: Any) -> None:
    (work / "demo.ipynb").write_text(notebook(*CELLS), encoding="utf-8")
    begun = time.monotonic()
    code, result, err = finish(start(work, 1))
    assert code == 0 and result["metrics"] == {"total": expected(1)}, err
    span = time.monotonic() - begun
    chance = random.Random(20_240)
    for number in range(KILLS):
        n = 2 + number
        process = start(work, n)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.1, span))
        victim, family = kill_one(process, chance)
        code, result, err = finish(process)
        assert code in ((-9, 0) if victim == "engine" else (0, 4)), (number, victim, code, err)
        gone, alive = psutil.wait_procs(family, timeout=20)
        assert not alive, f"kill {number} left {[item.cmdline() for item in alive]} of {len(gone) + len(alive)}"
        done = ended_well(work / ".mlops", n)
        code, result, err = finish(start(work, n))
        assert code == 0, (number, victim, err)
        assert result["metrics"] == {"total": expected(n)}, number
        assert (work / "rows.txt").read_text(encoding="utf-8") == repr(list(range(n)))
        states = {step["name"]: step["status"] for step in result["steps"]}
        assert all(states[step] == "reused" for step in done), (number, victim, done, states)
        span = 0.9 * span + 0.1 * max(1.0, result["seconds"])
    check_store(work / ".mlops")


def ended_well(home: Path, n: int) -> list[str]:
    """Steps of the run with this parameter whose results were recorded before something was killed."""
    with Database(home / "mlops.db") as database:
        (run,) = database.runs(1)
        if run.parameters["n"] != n:
            return []  # it was killed before it was recorded
        return [step.name for step in database.steps_of(run.run_id) if step.cache_key]


def check_store(home: Path) -> None:
    """All that is recorded is there and whole; nothing else was left behind."""
    objects = ObjectStore(home / "objects")
    with Database(home / "mlops.db") as database:
        runs = database.runs(10_000)
        made = {item.digest for run in runs for item in database.artifacts_of(run.run_id)}
        assert all(objects.verify(digest) for digest in made)
        assert [run.run_id for run in runs if run.status == "running"] == []
    assert list((home / "tmp").iterdir()) == [] and list((home / "locks").glob("run-*")) == []
