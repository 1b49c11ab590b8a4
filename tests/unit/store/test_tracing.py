"""Questions about origins and uses: what they find, and that each is answered from an index."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "tracking"))

from histories import History, read, value

from jupyter_mlops.tracking.compare_read import read_runs
from jupyter_mlops.tracking.lineage import trace


@pytest.fixture
def database(tmp_path: Path):
    with Database(tmp_path / "mlops.db") as opened:
        yield opened


def test_no_question_goes_through_a_table(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(database)
    first = history.churn()
    history.churn(rate=0.2, reuse={"load": first})
    other = history.start("serve", steps=(("serve", "Serve"),))
    history.step(other, "serve", takes=[read("model.pkl", repr((b"1,2", 0.1)).encode())])
    asked: dict[str, Sequence[Any]] = {}
    rows = database._connection.rows

    def listen(sql: str, values: Sequence[Any] = ()) -> Any:
        asked.setdefault(sql, values)
        return rows(sql, values)

    monkeypatch.setattr(database._connection, "rows", listen)
    for text in (
        first,
        other,
        f"{first}:frame",
        f"{first}:train",
        hash_bytes(b"1,2")[:12],
        "model.pkl",
        "gone/patients.csv",
    ):
        trace(database, text)
    read_runs(database, [first, other])
    assert len(asked) > 15
    for sql, values in asked.items():
        plan = [row["detail"] for row in rows(f"EXPLAIN QUERY PLAN {sql}", values)]
        scans = [line for line in plan if line.startswith("SCAN") and "subquery" not in line and "taken" not in line]
        assert not scans or "FROM model_versions LIMIT 1" in sql, (sql, plan)
        sorted_rows = [line for line in plan if "TEMP B-TREE" in line]
        one_run = "run_id = ?" in sql or "run_id IN" in sql or "AS taken" in sql or "substr(run_id" in sql
        assert not sorted_rows or one_run, (sql, plan)


def test_who_computed_and_who_computed_again(database: Database) -> None:
    history = History(database)
    first = history.churn()
    reused = history.churn(reuse={"load": first, "train": first})
    again = history.churn()
    last = history.churn(reuse={"load": again, "train": again})
    steps = {run: {step.slug: step for step in database.steps_of(run)} for run in (first, reused, again, last)}
    key = steps[first]["load"].cache_key
    assert key is not None
    when = {run: found["load"].finished or 0 for run, found in steps.items()}
    assert database.computed_in(key, when[reused]) == first and database.computed_in(key, when[last]) == again
    assert (
        database.computed_again(key, when[first]) == when[again] and database.computed_again(key, when[again]) is None
    )
    assert database.reusing(key, when[first], when[again], 5, 100) == ([reused], 1)
    assert database.reusing(key, when[again], None, 5, 100) == ([last], 1)
    assert database.computed_in("no such key", 2**60) is None


def test_uses_are_bounded_and_in_order(database: Database) -> None:
    history = History(database)
    runs = []
    for number in range(5):
        runs.append(history.start())
        history.step(runs[-1], "load", takes=[read("a.csv", b"a")], makes=[value("load", "x", number)])
    (key,) = [key for key, _, _ in database.keys_of(hash_bytes(b"a"))]
    assert [use.run_id for use in database.uses(key, "file:a.csv", "in", 2)] == runs[:2:-1]
    assert [use.run_id for use in database.uses(key, "file:a.csv", "in", 9, before=runs[2])] == runs[1::-1]
    assert [use.run_id for use in database.uses(key, "file:a.csv", "in", 9, after=runs[2])] == runs[:2:-1]
    assert [use.run_id for use in database.uses(key, "file:a.csv", "in", 1, oldest_first=True)] == runs[:1]
    assert database.count_uses(key, "file:a.csv", "in", 3) == 3 and database.count_uses(key, "file:a.csv", "in", 9) == 5
    assert database.file_ids(key) == ("file:a.csv",) and database.ids_of(key, "out") == ()
    assert database.last_read("a.csv") == (runs[-1], hash_bytes(b"a")) and database.last_read("b.csv") is None
