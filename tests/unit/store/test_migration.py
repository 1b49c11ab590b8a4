import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.store import connection, schema
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import NewRun

RUN = "20260102-030405-brisk-otter-1a2b"

ROWS = {
    "contexts": [("pipeline", "churn", 1, None), ("experiment", "spring", 1, "of 2026")],
    "runs": [
        (
            *(RUN, "churn", "succeeded", 1000, 3000, 2.0, "churn.ipynb", "python3", "local", "hand", "ann", "c0ffee"),
            *("c0nf", None, "host", 12, "the good one"),
        ),
    ],
    "associations": [(RUN, "pipeline", "churn"), (RUN, "experiment", "spring")],
    "step_runs": [
        (RUN, "load", "Load", 0, "succeeded", 1000, 2000, 1.0, 0, "ran", "key", None, 1, "warm", 0.5, 100, "a", None),
        (RUN, "fit", "Fit", 1, "reused", 2000, 3000, 0.0, 1, "same", "key2", "other", 0, None, None, None, None, None),
    ],
    "artifacts": [("k1", "d1", "value", '["X"]', 8, "int", "pickle", "1", None, None)],
    "events": [(RUN, "load", "out", "load.X", "k1"), (RUN, "fit", "in", "load.X", "k1")],
    "params": [(RUN, "rate", 0, "0.5", 0.5, None, "-p"), (RUN, "model", 1, '"rf"', None, "rf", None)],
    "metrics": [(RUN, "loss", 0, "fit", 0, 2500, 0.25), (RUN, "loss", 1, "fit", 1, 2600, None)],
    "latest_metrics": [(RUN, "loss", "fit", 1, None)],
    "tags": [(RUN, "who", "ann")],
    "texts": [("t1", "{}")],
    "documents": [(RUN, "", "pipeline", "t1")],
    "models": [("churn", 1, None)],
    "model_versions": [("churn", 1, RUN, "load", "load.X", "k1", 1, None)],
    "model_aliases": [("churn", "champion", 1)],
}
"""A row or two of each table of version 1, in the order in which they can be inserted."""


def write_version_1(path: Path) -> None:
    database = sqlite3.connect(path)
    for statement in schema.MIGRATIONS[0]:
        database.execute(statement)
    for table, rows in ROWS.items():
        for row in rows:
            database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()


def open_and_read(path: Path) -> None:
    with Database(path) as database:
        assert database.run(RUN).note == "the good one"


def test_each_row_of_version_1_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    write_version_1(path)
    with Database(path) as database:
        run = database.run("brisk-otter")
        assert (run.run_id, run.parameters, run.tags) == (RUN, {"rate": 0.5, "model": "rf"}, {"who": "ann"})
        assert list(run.metrics) == ["loss"] and run.metrics["loss"] != run.metrics["loss"]
        assert [step.reused_from for step in database.steps_of(RUN)] == [None, "other"]
        assert [event.step for event in database.consumers("d1")] == ["fit"]
        assert database.document(RUN, "pipeline") == "{}" and database.experiments_of(RUN) == ("spring",)
        assert database.create_run(NewRun("next")).status == "running"
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    for table, rows in ROWS.items():
        columns = len(rows[0])
        kept = [row[:columns] for row in raw.execute(f"SELECT * FROM {table}")]
        assert set(rows) <= set(kept), table
    raw.close()


def test_a_migrated_store_has_the_tables_and_indices_of_a_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    write_version_1(old)
    for path in (old, new):
        Database(path).close()

    def things(path: Path) -> set[tuple[str, str, str]]:
        raw = sqlite3.connect(path)
        found = set(raw.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        raw.close()
        return found

    assert things(old) == things(new)


def test_two_processes_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    write_version_1(path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=open_and_read, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 3


def test_a_version_1_store_that_may_only_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    write_version_1(path)
    with pytest.raises(UsageError, match="older version"):
        Database(path, read_only=True)


def test_a_locked_version_1_store_says_so_and_migrates_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlops.db"
    write_version_1(path)
    monkeypatch.setattr(connection, "_PATIENCE", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(InfrastructureError, match="Another process"):
        Database(path)
    other.execute("ROLLBACK")
    other.close()
    open_and_read(path)


def test_a_damaged_version_1_store_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mlops.db"
    write_version_1(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(InfrastructureError, match="damaged"):
        open_and_read(path)


def test_a_store_of_version_2_gets_bundles_and_deployments(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    raw = sqlite3.connect(old)
    for statement in (*schema.MIGRATIONS[0], *schema.MIGRATIONS[1]):
        raw.execute(statement)
    raw.execute("INSERT INTO models (name, created) VALUES ('churn', 1)")
    raw.execute("PRAGMA user_version = 2")
    raw.commit()
    raw.close()
    with Database(old) as database:
        assert [model.name for model in database.models()] == ["churn"]
        assert database.deployments() == () and database.deployment_events("churn") == ()
    Database(new).close()
    tables = []
    for path in (old, new):
        raw = sqlite3.connect(path)
        tables.append(set(raw.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")))
        raw.close()
    assert tables[0] == tables[1]
