"""``sync``: what it says, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import ensure_home
from jupyter_mlops.store.records import Addressee, NewRun

NOBODY = Addressee("mlflow", "http://127.0.0.1:9")


@pytest.fixture
def runs(mlops_home: Path) -> list[str]:
    """Record twelve runs that wait for a server that is not there; return their ids."""
    with Database(ensure_home(mlops_home).database) as database:
        found = [database.create_run(NewRun("p", (("a", "A"),), addressees=(NOBODY,))).run_id for _ in range(12)]
        for run_id in found:
            database.finish_run(run_id, "succeeded")
    return found


@pytest.fixture
def check(root: Path) -> Any:
    """Return a function that validates the JSON of ``sync``."""
    schema = json.loads((root / "docs" / "schema" / "sync.schema.json").read_text(encoding="utf-8"))
    return lambda text: jsonschema.validate(json.loads(text), schema)


def test_without_a_store(mlops_home: Path, run: Any) -> None:
    printed = run("sync")
    assert printed.code == 2 and "There is no store" in printed.err and printed.out == ""


def test_with_nothing_to_do(mlops_home: Path, run: Any, check: Any) -> None:
    Database(ensure_home(mlops_home).database).close()
    printed = run("sync")
    assert (printed.code, printed.out) == (0, "There is nothing to deliver.\n")
    printed = run("sync", "--format", "json")
    check(printed.out)
    assert printed.code == 0


def test_a_server_that_is_not_there(runs: list[str], run: Any, check: Any) -> None:
    printed = run("sync", "--dry-run")
    assert printed.code == 0 and "http://127.0.0.1:9\n" in printed.out and "… and 2 more" in printed.out
    printed = run("sync")
    assert printed.code == 4
    first, second, *_, last = printed.out.splitlines()
    assert first.startswith("http://127.0.0.1:9: nobody answers at 127.0.0.1 (")
    assert second == f"  run {runs[0]}" and last == "12 runs wait."
    printed = run("sync", "--format", "json")
    check(printed.out)
    waiting = json.loads(printed.out)["waiting"]
    assert printed.code == 4 and [item["subject"] for item in waiting] == runs
    assert {item["attempts"] for item in waiting} == {0}


def test_forgetting(runs: list[str], run: Any, check: Any) -> None:
    assert run("sync", "--forget", "--dry-run").out.splitlines()[-1] == "12 runs would be forgotten."
    printed = run("sync", "--forget", "--format", "json")
    check(printed.out)
    assert printed.code == 0 and len(json.loads(printed.out)["forgotten"]) == 12
    assert run("sync", "--dry-run").out == "There is nothing to deliver.\n"
