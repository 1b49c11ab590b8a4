"""Damage, full disks, stores that can't be written, locked databases, clocks, two runs at once, kills at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import api
from jupyter_mlops.store import database as database_module
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import NewRun

KILLS = int(os.environ.get("MLOPS_KILLS", "6"))
CHANGED = "total = 10 * sum(twice) + len(open('out.txt').read()) + len(text)\nprint('total', total)"


@pytest.fixture
def store(finished: Any, tmp_path: Path) -> Any:
    """A project that has run."""
    return finished[0].copy(tmp_path / "project")


def objects_of(project: Any) -> list[Path]:
    folders = [path for path in (project.home / "objects").iterdir() if len(path.name) == 2]
    return sorted(path for folder in folders for path in folder.iterdir())


def test_random_kills(nursery: Any, project: Any, finished: Any) -> None:
    """The engine, at any moment; each time with a new parameter, then undisturbed."""
    chance = random.Random(7)
    begun = time.monotonic()
    nursery.run(project)
    span = time.monotonic() - begun
    for number in range(KILLS):
        n = 10 + number
        killed = nursery.run(project, parameters={"n": n}, kill_after=chance.uniform(0, span))
        answer = nursery.run(project, parameters={"n": n})
        assert answer.error is None and killed.error is None, answer
        assert answer.result["metrics"] == {"total": n * (n - 1) + len(str(list(range(n)))) + 4}
        assert project.files() == {"out.txt": str(list(range(n))), "twice.txt": str([2 * i for i in range(n)])}
    objects = ObjectStore(project.home / "objects")
    assert all(objects.verify(digest) for digest in objects)
    assert list((project.home / "tmp").iterdir()) == []


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "gone"])
@pytest.mark.parametrize("options", [{}, {"no_cache": True}, {"start": "make"}], ids=["reuse", "no-cache", "from"])
def test_damaged_objects(nursery: Any, store: Any, finished: Any, how: str, options: Any) -> None:
    """Every object of the store is damaged; no option leads to one of them."""
    for path in objects_of(store):
        content = path.read_bytes()
        path.unlink()
        if how != "gone":
            new = {"flipped": bytes([content[0] ^ 1]) + content[1:], "cut": content[:-1], "empty": b""}[how]
            path.write_bytes(new)
    answer = nursery.run(store, **options)
    assert answer.result["status"] == "succeeded" and "reused" not in {
        answer.steps[step] for step in ("make", "double")
    }
    assert answer.values == finished[1].values and answer.result["metrics"] == finished[1].result["metrics"]
    objects = ObjectStore(store.home / "objects")
    assert all(objects.verify(digest) for digest in answer.values.values())


def test_a_changed_executed_notebook_is_not_shown_again(nursery: Any, store: Any) -> None:
    (path,) = (store.home / "runs").glob("*/steps/*-make.ipynb")
    path.write_text(path.read_text(encoding="utf-8").replace("made 3", "made 4"), encoding="utf-8")
    assert "changed" in api.dry_run(store.notebook).steps[0].reason
    assert nursery.run(store).steps["make"] == "succeeded"
    assert store.shown()["c2"] == "made 3\n"


def mount(*arguments: str | Path) -> None:
    """Mount a file system, or skip the test."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs the right to mount a file system: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "none", place)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_fills_up(nursery: Any, seed: Any, small_disk: Path) -> None:
    project = seed.copy(small_disk / "project")
    plain = "twice = [2 * row for row in rows]\nPath('twice.txt').write_text(str(twice))"
    project.edit(
        "c3", "twice = [2 * row for row in rows]\nPath('twice.txt').write_text(str(twice))\nbig = bytes(6_000_000)"
    )
    project.notebook.write_text(
        project.notebook.read_text(encoding="utf-8").replace("total = sum(twice)", "total = len(big) + sum(twice)"),
        encoding="utf-8",
    )
    answer = nursery.run(project)
    assert answer.error is None and answer.steps == {
        "make": "succeeded",
        "double": "failed",
        "read": "succeeded",
        "count": "skipped",
    }
    project.edit("c3", plain)
    again = nursery.run(project)
    assert again.steps == {"make": "reused", "double": "succeeded", "read": "reused", "count": "succeeded"}


@pytest.fixture
def read_only(store: Any, tmp_path: Path) -> Iterator[Any]:
    """A store on a disk that may only be read."""
    mount("--bind", store.home, store.home)
    mount("-o", "remount,ro,bind", store.home)
    yield store
    subprocess.run(["umount", "--lazy", str(store.home)], check=True)


def test_a_store_that_may_only_be_read(nursery: Any, read_only: Any) -> None:
    planned = nursery.ask(action="dry_run", arguments=[str(read_only.notebook)])
    assert [step["action"] for step in planned.result["steps"]] == ["reused"] * 4
    answer = nursery.run(read_only)
    assert answer.error == "UsageError" and "can't be written" in answer.message
    assert nursery.ask(action="gc", options={"home": str(read_only.home), "dry_run": True}).error is None
    assert nursery.ask(action="gc", options={"home": str(read_only.home)}).error == "UsageError"


def test_two_runs_of_one_pipeline_at_once(nursery: Any, project: Any, tmp_path: Path, finished: Any) -> None:
    """In two processes with one store, each in its own folder."""
    from tests.faults.conftest import Nursery

    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        shutil.copy(project.folder / "in.txt", folder)
    answers: list[Any] = []

    def go(nursery: Any, folder: Path) -> None:
        for _ in range(2):
            order = {"cwd": str(folder), "output": str(folder / "result.ipynb"), "no_cache": True}
            answers.append(nursery.ask(arguments=[str(project.notebook)], options=order))

    other = Nursery()
    for each in (nursery, other):
        each.ask(action="dry_run", arguments=[str(project.notebook)])  # both are up
    threads = [threading.Thread(target=go, args=pair) for pair in zip((nursery, other), folders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    other.close()
    assert len(answers) == 4
    for answer in answers:
        assert answer.error is None and answer.values == finished[1].values, answer
        assert answer.result["metrics"] == finished[1].result["metrics"]
    objects = ObjectStore(project.home / "objects")
    assert all(objects.verify(digest) for digest in objects)


def test_two_runs_in_one_folder_do_not_mix_up_their_files(nursery: Any, project: Any, tmp_path: Path) -> None:
    """Each writes the same files with other contents, again and again: what is saved and read is its own."""
    from tests.faults.conftest import Nursery

    slow = "import time\nrows = list(range(n))\nopen('out.txt', 'w').write('?')\ntime.sleep(0.3)\n"
    project.edit("c2", slow + "open('out.txt', 'w').write(str(rows))\ntime.sleep(0.3)")
    answers: list[tuple[int, Any]] = []

    def go(nursery: Any, first: int) -> None:
        for n in range(first, first + 3):
            options = {"parameters": {"n": n}, "output": str(tmp_path / f"result-{n}.ipynb")}
            answers.append((n, nursery.ask(arguments=[str(project.notebook)], options=options)))

    other = Nursery()
    for each in (nursery, other):
        each.ask(action="dry_run", arguments=[str(project.notebook)])  # both are up
    threads = [threading.Thread(target=go, args=pair) for pair in ((nursery, 10), (other, 200))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    other.close()
    assert len(answers) == 6
    for n, answer in answers:
        assert answer.error is None, answer.message
        assert answer.result["metrics"] == {"total": n * (n - 1) + len(str(list(range(n)))) + 4}
    with Database(project.home / "mlops.db") as database:
        for run in database.runs():
            saved = {item.names[0]: item.digest for item in database.artifacts_of(run.run_id) if item.kind == "file"}
            n = run.parameters["n"]
            content = ObjectStore(project.home / "objects").open(saved["out.txt"]).read()
            assert content == str(list(range(n))).encode()
            assert (
                ObjectStore(project.home / "objects").open(saved["twice.txt"]).read()
                == str([2 * i for i in range(n)]).encode()
            )


def test_a_database_that_is_locked_for_a_while(nursery: Any, store: Any) -> None:
    connection = sqlite3.connect(store.home / "mlops.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")

    def unlock() -> None:
        time.sleep(1.5)
        connection.execute("COMMIT")

    thread = threading.Thread(target=unlock)
    thread.start()
    answer = nursery.run(store)
    thread.join()
    connection.close()
    assert answer.error is None and set(answer.steps.values()) == {"reused"}


def test_the_log_that_a_killed_process_left_counts(nursery: Any, project: Any) -> None:
    assert nursery.run(project, "step.finished:3").killed == 9
    log = project.home / "mlops.db-wal"
    assert log.stat().st_size > 0
    with Database(project.home / "mlops.db") as database:
        (run,) = database.runs()
        assert len([step for step in database.steps_of(run.run_id) if step.status == "succeeded"]) == 3
    answer = nursery.run(project)
    assert sorted(answer.steps.values()) == ["reused"] * 3 + ["succeeded"]


def test_a_clock_that_is_put_back(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.home / "mlops.db"
    with Database(path) as database:
        (before,) = database.runs()
        monkeypatch.setattr(database_module, "_now", lambda: before.started - 86_400_000)
        run = database.create_run(NewRun("demo", steps=[("a", "a")]))
        database.start_step(run.run_id, "a")
        monkeypatch.setattr(database_module, "_now", lambda: before.started - 2 * 86_400_000)
        database.finish_run(run.run_id, "succeeded")
        assert database.run_id("latest") == run.run_id
        assert database.run(run.run_id).seconds == 0
        database.compact()
        assert database.run_id("latest") == run.run_id


def test_results_of_the_future_are_results(nursery: Any, store: Any) -> None:
    """Files and records that a clock, put back meanwhile, has stamped with times to come."""
    future = time.time() + 86_400
    for path in [store.folder / "in.txt", store.notebook, *objects_of(store)]:
        os.utime(path, (future, future))
    with contextlib.closing(sqlite3.connect(store.home / "mlops.db")) as connection, connection:
        connection.execute("UPDATE runs SET started = started + 86400000, finished = finished + 86400000")
        connection.execute("UPDATE step_runs SET started = started + 86400000, finished = finished + 86400000")
    assert set(nursery.run(store).steps.values()) == {"reused"}
    (store.folder / "in.txt").write_text("FOUR", encoding="utf-8")
    os.utime(store.folder / "in.txt", (future, future))
    assert nursery.run(store).steps["read"] == "succeeded", "same size, same time, other content"
