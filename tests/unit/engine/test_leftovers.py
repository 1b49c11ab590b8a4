"""Runs whose process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.engine import leftovers
from jupyter_mlops.engine.leftovers import REASON, Presence, clear_leftovers, is_over
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.records import NewRun

RUN = """
import sys, time, tempfile
from pathlib import Path
from jupyter_mlops.engine.leftovers import Presence
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import NewRun, StepOutcome

home = ensure_home(Path(sys.argv[1]))
database = Database(home.database)
run = database.create_run(NewRun("demo", [("a", "A"), ("b", "B"), ("c", "C")])).run_id
database.start_step(run, "a")
database.finish_step(run, "a", StepOutcome("succeeded", seconds=1.0, cache_key="key"))
database.start_step(run, "b")
with Presence(home, run) as presence:
    sockets = Path(tempfile.mkdtemp(prefix="mlops-"))
    presence.note_folder(sockets)
    (home.tmp / run).mkdir()
    print(run, sockets, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ensure_home(tmp_path / "home")


def begin(home: Home) -> tuple[subprocess.Popen[str], str, Path]:
    process = subprocess.Popen([sys.executable, "-c", RUN, str(home.root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    run_id, sockets = process.stdout.readline().split()
    process.stdout.close()
    return process, run_id, Path(sockets)


def test_a_killed_run_is_recorded_and_cleared(home: Home) -> None:
    process, killed, sockets = begin(home)
    other, alive, its_sockets = begin(home)
    try:
        with Database(home.database) as database:
            assert clear_leftovers(database, home) == (), "both are alive"
            process.kill()
            process.wait()
            assert clear_leftovers(database, home) == (killed,)
            assert clear_leftovers(database, home) == ()
            run = database.run(killed)
            assert (run.status, run.seconds is not None and 0 <= run.seconds < 30) == ("failed", True)
            steps = database.steps_of(killed)
            assert [step.status for step in steps] == ["succeeded", "failed", "cancelled"]
            assert steps[1].reason == REASON
            assert steps[1].error is not None and steps[1].error.message == REASON
            reusable = database.reusable("key")
            assert reusable is not None, "what has finished can be reused"
            assert database.run(alive).status == "running"
        assert not sockets.exists() and its_sockets.exists()
        assert {path.name for path in home.tmp.iterdir()} == {alive, f"{alive}.lock"}
    finally:
        for started in (process, other):
            started.kill()
            started.wait()
        its_sockets.rmdir()


def test_its_processes_end_and_no_others(home: Home) -> None:
    process, killed, _ = begin(home)
    process.kill()
    process.wait()
    marks = [str(home.run(killed) / "steps" / "01-a.json"), str(home.run("another") / "steps" / "01-a.json")]
    orphans = [
        subprocess.Popen(["sleep", "60"], env={**os.environ, "JUPYTER_MLOPS_STEP": mark}, start_new_session=True)
        for mark in marks
    ]
    try:
        time.sleep(0.2)  # until they are what they will be
        with Database(home.database) as database:
            clear_leftovers(database, home)
        assert orphans[0].wait(10) == -9
        assert orphans[1].poll() is None
    finally:
        for orphan in orphans:
            orphan.kill()
            orphan.wait()


def test_only_what_is_provably_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(home.database) as database:
        own = database.create_run(NewRun("demo", [("a", "A")]))
        assert not is_over(own, home), "no lock yet, but its process is there"
        with Presence(home, own.run_id):
            assert not is_over(own, home)
            assert not is_over(replace(own, host="elsewhere", pid=None), home)
        gone = replace(own, pid=_unused_pid())
        assert is_over(gone, home)
        assert not is_over(replace(gone, host="elsewhere"), home)
        assert not is_over(replace(gone, status="failed"), home)
        assert not is_over(replace(gone, backend="kubeflow"), home)
        database.finish_run(own.run_id, "failed")


def test_a_lock_file_cannot_name_a_folder_of_the_user(home: Home, tmp_path: Path) -> None:
    precious = tmp_path / "mlops-precious"
    precious.mkdir()
    with Database(home.database) as database:
        run = database.create_run(NewRun("demo", [("a", "A")]))
        (home.tmp / f"{run.run_id}.lock").write_text(f'"{precious}"')
        assert clear_leftovers(database, home) == (run.run_id,)
        assert database.steps_of(run.run_id)[0].status == "cancelled"
    assert precious.exists()
    assert not list(home.tmp.iterdir())


def test_a_store_without_locks_still_runs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: object) -> bool:
        raise OSError("no locks here")

    monkeypatch.setattr(leftovers, "_lock", refuse)
    with Database(home.database) as database:
        run = database.create_run(NewRun("demo"))
        with Presence(home, run.run_id) as presence:
            presence.note_folder(Path("x"))
            assert not is_over(run, home)
        database.finish_run(run.run_id, "succeeded")
    assert not list(home.tmp.iterdir())


def _unused_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid
