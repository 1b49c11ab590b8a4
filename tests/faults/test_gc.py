"""Clean-up: frees what nothing needs, never what is needed, also when it is killed or runs go on beside it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops import api
from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.lockfiles import lock
from jupyter_mlops.store.locks import InUse
from jupyter_mlops.store.objects import ObjectStore


@pytest.fixture
def store(finished: Any, tmp_path: Path) -> Any:
    """A project that has run."""
    return finished[0].copy(tmp_path / "project")


def counts(done: Any) -> dict[str, int]:
    return {kind: number for kind, (number, _) in done.counts.items() if number}


def everything(home: Path) -> dict[str, int]:
    files = [path for path in home.rglob("*") if path.is_file() and "mlops.db" not in path.name]
    return {str(path): path.stat().st_size for path in files}


def made(database: Any) -> set[str]:
    """Digests of all that recorded runs made."""
    return {item.digest for run in database.runs() for item in database.artifacts_of(run.run_id)}


def test_what_is_needed_stays(store: Any, nursery: Any) -> None:
    before = everything(store.home)
    assert counts(api.gc(home=store.home, grace=0)) == {}
    assert everything(store.home).keys() - before.keys() <= {str(store.home / "locks" / "objects")}
    assert set(nursery.run(store).steps.values()) == {"reused"}


def test_what_nothing_refers_to_goes(store: Any, root: Path) -> None:
    home = Home(store.home)
    objects = ObjectStore(home.objects)
    loose = objects.put_bytes(b"nobody's")
    young = objects.put_bytes(b"just put")
    left = home.objects / "tmp" / "0123"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half an object")
    scratch = home.tmp / "some-run"
    scratch.mkdir()
    (scratch / "000-x").write_bytes(b"half a result")
    folder = home.run("20200101-000000-gone-run-0000")
    folder.mkdir()
    (folder / "output.ipynb").write_text("{}", encoding="utf-8")
    bundle = home.runtime / "0123456789abcdef"
    bundle.mkdir()
    interpreter = home.cache / "interpreter-0123.json"
    interpreter.write_text("{}", encoding="utf-8")
    for path in (objects.path(loose), left, scratch, folder, bundle, interpreter):
        os.utime(path, (1, 1))
    before = everything(store.home)
    planned = api.gc(home=store.home, dry_run=True)
    assert everything(store.home) == before, "a dry run removes nothing"
    done = api.gc(home=store.home)
    assert done.counts == planned.counts
    assert counts(done) == {"objects": 1, "folders of runs": 1, "temporary files": 2, "runtime copies": 1, "memory": 1}
    assert done.bytes == len("nobody's" + "half an object" + "half a result" + "{}" + "{}")
    gone = (objects.path(loose), left, scratch, folder, bundle, interpreter)
    assert not any(path.exists() for path in gone) and objects.has(young)
    schema = json.loads((root / "docs" / "schema" / "gc.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(done.to_json(), schema)
    jsonschema.validate(planned.to_json(), schema)


def test_runs_go_only_when_asked(store: Any, nursery: Any, root: Path) -> None:
    store.edit("c5", "total = 0")
    ids = [nursery.run(store, no_cache=True).result["run_id"] for _ in range(2)]
    home = Home(store.home)
    with Database(home.database) as database:
        first, second, third = (run.run_id for run in reversed(database.runs()))
        database.set_tag(first, "paper", "figure 2")
    assert ids == [second, third]
    assert api.gc(home=store.home, grace=0).runs == []
    assert api.gc(home=store.home, older_than="1d").runs == []
    assert api.gc(home=store.home, keep_runs=1, older_than="1d").runs == []
    done = api.gc(home=store.home, keep_runs=0, grace=0)
    assert done.runs == [second] and not home.run(second).exists()
    assert done.kept == {first: "it has tags", third: "it is the pipeline's newest that succeeded"}
    schema = json.loads((root / "docs" / "schema" / "gc.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(done.to_json(), schema)
    assert set(nursery.run(store).steps.values()) == {"reused"}


def test_registered_models_stay(store: Any) -> None:
    home = Home(store.home)
    with Database(home.database) as database:
        (run,) = database.runs()
        item = database.artifacts_of(run.run_id)[0]
        database.register_model("m", run_id=run.run_id, step=item.step, artifact=item.id, member=item.names[0])
        other = database.create_run(_new_run())
        database.finish_run(other.run_id, "succeeded")
    assert api.gc(home=store.home, keep_runs=0).kept[run.run_id] == "a model was registered from it"
    assert ObjectStore(home.objects).has(item.digest)


def _new_run() -> Any:
    from jupyter_mlops.store.records import NewRun

    return NewRun("demo")


def test_usage(tmp_path: Path, store: Any) -> None:
    with pytest.raises(UsageError, match="no store"):
        api.gc(home=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a duration"):
        api.gc(home=store.home, older_than="soon")
    with pytest.raises(UsageError, match="can't be -1"):
        api.gc(home=store.home, keep_runs=-1)


def test_work_that_is_about_to_record_holds_it_up(store: Any) -> None:
    """Object first, row second: in between, clean-up waits."""
    home = Home(store.home)
    in_use = InUse(home)
    in_use.hold("step")
    digest = ObjectStore(home.objects).put_bytes(b"about to be recorded")
    os.utime(ObjectStore(home.objects).path(digest), (1, 1))
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(api.gc(home=store.home, grace=0)))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive() and ObjectStore(home.objects).has(digest)
    with Database(home.database) as database:
        _record(database, digest)
    in_use.release("step")
    thread.join(30)
    assert counts(done[0]) == {} and ObjectStore(home.objects).has(digest)


def _record(database: Any, digest: str) -> None:
    from jupyter_mlops.store.records import ArtifactRecord, NewRun, StepOutcome

    run = database.create_run(NewRun("other", steps=[("a", "a")]))
    item = ArtifactRecord("a.x", "value", ("x",), digest, 20)
    database.finish_step(run.run_id, "a", StepOutcome("succeeded", outputs=[item]))
    database.finish_run(run.run_id, "succeeded")


def test_runs_in_other_processes(store: Any, nursery: Any, tmp_path: Path) -> None:
    """Clean-up again and again with no grace, forgetting all it may, while runs go on: none is disturbed."""
    stop = threading.Event()
    cleaned: list[Any] = []
    problems: list[BaseException] = []

    def clean() -> None:
        while not stop.is_set():
            try:
                cleaned.append(api.gc(home=store.home, keep_runs=1, grace=0))
            except BaseException as error:
                problems.append(error)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=clean)
    thread.start()
    try:
        for number in range(6):
            store.edit("c5", f"total = {number}")
            answer = nursery.run(store, no_cache=number % 2 == 0, parameters={"n": number // 2})
            assert answer.error is None and answer.result["status"] == "succeeded", answer
    finally:
        stop.set()
        thread.join(60)
    assert problems == [] and len(cleaned) > 1
    assert any(done.runs for done in cleaned)
    objects = ObjectStore(Home(store.home).objects)
    with Database(Home(store.home).database) as database:
        assert all(objects.verify(digest) for digest in made(database))


def test_a_kill_in_the_middle(store: Any, nursery: Any, tmp_path: Path) -> None:
    for number in range(3):
        nursery.run(store, no_cache=True, parameters={"n": 10 + number})
    log = tmp_path / "log"
    options = {"keep_runs": 1, "grace": 0}
    nursery.ask(
        action="gc",
        options={"home": str(store.copy(tmp_path / "undisturbed").home), **options},
        failpoint=f"*=log:{log}",
    )
    passes = Counter(name for name in log.read_text(encoding="utf-8").split() if name.startswith("gc."))
    assert {"gc.forgetting", "gc.forgotten", "gc.deleting", "gc.deleted"} <= passes.keys()
    for name, count in passes.items():
        for number in sorted({1, count}):
            project = store.copy(tmp_path / f"{name}-{number}")
            order = {"action": "gc", "options": {"home": str(project.home), **options}}
            assert nursery.ask(**order, failpoint=f"{name}:{number}").killed == 9
            objects = ObjectStore(project.home / "objects")
            with Database(project.home / "mlops.db") as database:
                assert all(objects.verify(digest) for digest in made(database))
            assert nursery.ask(**order).error is None
            with Database(project.home / "mlops.db") as database:
                assert set(objects) == made(database), "what the first left is freed by the second"
                assert {run.run_id for run in database.runs()} == {
                    path.name for path in (project.home / "runs").iterdir()
                }
            assert set(nursery.run(project, parameters={"n": 12}).steps.values()) == {"reused"}
            shutil.rmtree(project.folder)


def test_a_run_whose_process_was_killed(store: Any, nursery: Any) -> None:
    """It is recorded as failed, its scratch folder goes; a run whose process lives keeps both."""
    home = Home(store.home)
    nursery.run(store, "step.collected:2", no_cache=True)
    with Database(home.database) as database:
        (killed,) = database.runs(condition=equals("status", "running"))
        alive = database.create_run(_new_run())
    descriptor = lock(home.locks / f"run-{alive.run_id}")
    assert descriptor is not None
    (home.tmp / alive.run_id).mkdir()
    done = api.gc(home=store.home)
    assert not (home.tmp / killed.run_id).exists() and (home.tmp / alive.run_id).exists()
    assert counts(done).keys() <= {"temporary files"}
    with Database(home.database) as database:
        assert database.status(killed.run_id) == "failed" and database.status(alive.run_id) == "running"
        errors = [step.error for step in database.steps_of(killed.run_id) if step.status == "failed"]
        assert errors and all(error is not None and error.type == "RunKilled" for error in errors)
    os.close(descriptor)
    api.gc(home=store.home)
    assert not (home.tmp / alive.run_id).exists()
