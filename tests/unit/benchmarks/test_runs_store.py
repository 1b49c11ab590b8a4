"""Stores that are written in bulk are what recording would leave."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.tracking.listing import RunQuery, list_runs
from jupyter_mlops.tracking.showing import show_run


def test_its_runs_are_found_and_whole(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    store = importlib.import_module("runs_store")
    store.fill(tmp_path / "mlops.db", 120)
    expected = [
        store.run_id(number)
        for number, run in enumerate(store.drawn(120))
        if run.metrics["accuracy"] > 0.8 and run.parameters["model"] == "rf" and run.status == "succeeded"
    ]
    question = RunQuery('metrics.accuracy > 0.8 and params.model = "rf" and status = "succeeded"', limit=None)
    with Database(tmp_path / "mlops.db") as database:
        assert [run.run_id for run in list_runs(database, question).runs] == expected[::-1] != []
        detail = show_run(database, Home(tmp_path), store.run_id(7))
        assert len(detail.steps) == 5 and len(detail.outputs) == 10 and len(detail.inputs) == 5
        broken = database._connection.rows("PRAGMA foreign_key_check")
    assert broken == []
