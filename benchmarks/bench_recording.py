"""What it costs to record a run: the same cached run with a store, and with one that records nothing."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budget import Row
from measuring import Effort, in_turn, workplace
from notebooks.make_chain import chain
from notebooks.make_diamond import write

from jupyter_mlops import api
from jupyter_mlops.engine import ledger, run, surroundings
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import NewRun

STEPS = 5
TRIES = 8
METRICS = 10_000
_WRITING = ("finish_step", "finish_run", "start_step", "record_document", "record_metrics", "record_artifacts")

_LOGGING = """
import json, os, resource, sys, time
os.environ["JUPYTER_MLOPS_STEP"] = sys.argv[1]
import jupyter_mlops as mlops
mlops.log_metric("first", 0)
begun = time.process_time()
for place in range(int(sys.argv[2])):
    mlops.log_metric("loss", 1 / (place + 1), step=place)
print(time.process_time() - begun)
"""


def measure(effort: Effort) -> list[Row]:
    """Run in this process, so that nothing but the recording is different; processes that it starts count, too."""
    with workplace() as (folder, env), _variables({**env, "JUPYTER_MLOPS_HOME": str(folder / "store")}):
        _repository(folder)
        write(chain(STEPS, 0), folder / "chain.ipynb")
        api.run(folder / "chain.ipynb")

        def with_record() -> float:
            return _cpu(folder / "chain.ipynb")

        def without() -> float:
            with _nothing_recorded():
                return _cpu(folder / "chain.ipynb")

        with_record(), without()
        tries = TRIES * effort.tries
        found = in_turn(tries, {"with": with_record, "without": without})
        logging = _logging(folder)
    more = statistics.median(found["with"]) - statistics.median(found["without"])
    note = f"{STEPS} steps, all reused, in a repository with changes; medians of {tries} in turn, in one process"
    return [
        Row("recording a run, processor time beyond one that records nothing", 1000 * more, 30, "ms", note=note),
        Row(f"{METRICS:,} metrics logged in a step, processor time", logging, 0.5, "s", note="one by one"),
    ]


def _cpu(notebook: Path) -> float:
    begun = _used()
    result = api.run(notebook)
    used = _used() - begun
    assert {step.status for step in result.steps} == {"reused"}
    return used


def _used() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in both)


@contextmanager
def _nothing_recorded() -> Iterator[None]:
    """Let the database know its runs, as reuse needs them, and take up nothing but the bare row of a new one."""
    kept: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    for name in _WRITING:
        replace(Database, name, lambda self, *_, **__: None)
    replace(Database, "_insert_run", _bare_run)
    replace(ledger, "Surroundings", _NoSurroundings)
    replace(run, "new_run", lambda request: NewRun(request.pipeline.name))
    try:
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)


def _bare_run(self: Database, run_id: str, new: Any, now: int) -> None:
    self._connection.execute(
        "INSERT INTO runs (run_id, pipeline, status, started, backend, started_by) VALUES (?, ?, ?, ?, '', '')",
        (run_id, new.pipeline, "succeeded", now),  # so that the next run does not take it for a killed one
    )


class _NoSurroundings(surroundings.Surroundings):
    def __init__(self, *_: Any, **__: Any) -> None:
        self.wants_environment = False

    def record_diff(self, *, last: bool = False) -> None:
        return


def _logging(folder: Path) -> float:
    (folder / "out").mkdir()
    context = folder / "context.json"
    context.write_text(f'{{"step": "train", "output_dir": "{folder / "out"}"}}')
    command = [sys.executable, "-c", _LOGGING, str(context), str(METRICS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return float(done.stdout)


def _repository(folder: Path) -> None:
    """Make it a project under git with something to tell, as projects are."""
    (folder / ".gitignore").write_text("store/\n")
    (folder / "module.py").write_text("x = 1\n" * 200)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, timeout=60)
    (folder / "module.py").write_text("x = 2\n" * 200)


@contextmanager
def _variables(wanted: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
