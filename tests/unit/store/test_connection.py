import multiprocessing
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store import connection, schema
from jupyter_mlops.store.conditions import Comparison, Field, SortKey, equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import MetricRecord, NewRun, StepOutcome


def work(path: Path, number: int, count: int) -> None:
    with Database(path) as database:
        for turn in range(count):
            run = database.create_run(NewRun(f"p{number}", (("a", "A"),)))
            database.start_step(run.run_id, "a")
            database.finish_step(run.run_id, "a", StepOutcome("succeeded", metrics=[MetricRecord("turn", turn)]))
            database.finish_run(run.run_id, "succeeded")
            assert len(database.runs(limit=5)) >= 1


def test_many_processes_make_and_fill_one_database(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(path, number, 15)) for number in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 5
    with Database(path) as database:
        assert database.count_runs(equals("status", "succeeded")) == 75
        assert {database.count_runs(equals("pipeline", f"p{number}")) for number in range(5)} == {15}


def ask(path: Path, count: int) -> None:
    condition = Comparison(Field("metrics", "turn"), ">=", 0.0)
    order = (SortKey(Field("metrics", "turn"), descending=True),)
    with Database(path) as database:
        for _ in range(count):
            for run in database.runs(10, condition=condition, sort=order):
                assert run.metrics["turn"] >= 0


def test_readers_and_writers_do_not_wait_for_each_other_in_vain(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    Database(path).close()
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=work, args=(path, number, 10)) for number in range(2)]
    readers = [context.Process(target=ask, args=(path, 60)) for _ in range(3)]
    for process in (*writers, *readers):
        process.start()
    for process in (*writers, *readers):
        process.join(60)
    assert [process.exitcode for process in (*writers, *readers)] == [0] * 5


def test_a_killed_writer_loses_only_what_it_had_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    script = """
        import os, signal, sys
        from pathlib import Path
        from jupyter_mlops.store.database import Database
        from jupyter_mlops.store.records import NewRun
        database = Database(Path(sys.argv[1]))
        database.create_run(NewRun("whole"))
        with database.transaction():
            database.create_run(NewRun("half"))
            os.kill(os.getpid(), signal.SIGKILL)
    """
    code = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=False).returncode
    assert code == -9
    with Database(path) as database:
        assert [run.pipeline for run in database.runs()] == ["whole"]
        database.create_run(NewRun("next"))


def test_a_local_database_writes_ahead_and_a_remote_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mode(database: Database) -> str:
        return str(database._connection.rows("PRAGMA journal_mode")[0][0])

    path = tmp_path / "mlops.db"
    with Database(path) as database:
        assert mode(database) == "wal"
        database.create_run(NewRun("p"))
    monkeypatch.setattr(connection, "is_network", lambda _: True)
    with Database(path) as database:
        assert mode(database) == "delete"
        database.create_run(NewRun("p"))
        assert database.count_runs() == 2


def test_a_store_that_may_only_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a b#c%.db"
    with Database(path) as database:
        run = database.create_run(NewRun("p"))
    with Database(path, read_only=True) as database:
        assert database.read_only and database.run("latest").run_id == run.run_id
        with pytest.raises(UsageError, match="only be read"):
            database.finish_run(run.run_id, "failed")
    assert [item.name for item in tmp_path.iterdir()] == [path.name], "nothing is left beside it"
    with pytest.raises(UsageError, match="no store"):
        Database(tmp_path / "none.db", read_only=True)


def test_a_reader_sees_what_a_writer_has_not_merged_yet(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    with Database(path) as writer:
        run = writer.create_run(NewRun("p"))
        with Database(path, read_only=True) as reader:
            assert reader.run("latest").run_id == run.run_id


def test_permissions_decide_without_being_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlops.db"
    Database(path).close()
    # Permissions alone do not bind every user these tests run as.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with Database(path) as database:
        assert database.read_only


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    Database(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    raw.close()
    for read_only in (False, True):
        with pytest.raises(UsageError, match="newer version") as caught:
            Database(path, read_only=read_only)
        assert "Upgrade" in (caught.value.hint or "")


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlops.db"
    with Database(path) as database:
        run = database.create_run(NewRun("p"))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("ALTER TABLE runs ADD COLUMN mood TEXT",)))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(UsageError, match="older version"):
        Database(path, read_only=True)
    with Database(path) as database:
        assert database.run("latest").run_id == run.run_id
        assert database._connection.rows("SELECT mood FROM runs")[0]["mood"] is None


def test_a_failed_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlops.db"
    with Database(path) as database:
        database.create_run(NewRun("p"))
    broken = ("ALTER TABLE runs ADD COLUMN mood TEXT", "ALTER TABLE nothing ADD COLUMN x TEXT")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        patch.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(InfrastructureError):
            Database(path)
    with Database(path) as database:
        assert database.count_runs() == 1


@pytest.mark.parametrize("damage", ["garbage", "half"])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mlops.db"
    with Database(path) as database:
        for _ in range(30):
            database.create_run(NewRun("p", (("a", "A"),)))
    content = path.read_bytes()
    path.write_bytes(b"not a database at all" * 100 if damage == "garbage" else content[: len(content) // 3])
    with pytest.raises(InfrastructureError, match=r"mlops\.db is damaged") as caught, Database(path) as database:
        database.runs()
        database.create_run(NewRun("p"))
    assert "mv " in (caught.value.hint or "")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE mine (x)")
    raw.close()
    with pytest.raises(UsageError, match="another program"):
        Database(path)


def test_a_lock_that_lasts_too_long_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PATIENCE", 0.05)
    path = tmp_path / "mlops.db"
    with Database(path) as first, Database(path) as second, first.transaction():
        assert second.count_runs() == 0, "reading goes on"
        with pytest.raises(InfrastructureError, match="Another process"):
            second.create_run(NewRun("p"))


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="can't be opened"):
        Database(tmp_path / "nowhere" / "mlops.db")
