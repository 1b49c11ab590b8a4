"""Runs whose process was killed: their records are finished, what they left behind is removed."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import abandoned, is_alive
from jupyter_mlops.store.records import FINAL, FailureRecord, StepOutcome

__all__ = ["settle_abandoned"]

_MOST = 1000
_MESSAGE = "the process that ran it was ended from outside"


def settle_abandoned(database: Database, home: Home) -> list[str]:
    """Record that runs which a killed process left ``running`` have failed; return their ids.

    Steps that had ended keep their results, which the next run reuses.
    """
    settled = []
    left = abandoned(home)
    for run in database.runs(_MOST, status="running"):
        ours = run.backend == "local" and run.host == platform.node()
        if run.run_id in left or (ours and not is_alive(home, run.run_id, run.pid)):
            reach("abandoned.found")
            _settle(database, run.run_id)
            settled.append(run.run_id)
    for run_id, folders in left.items():
        for folder in (home.tmp / run_id, *filter(_is_ours, folders)):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in home.tmp.iterdir():
        if database.status(folder.name) in FINAL:  # a step that was given up wrote on
            shutil.rmtree(folder, ignore_errors=True)
    return settled


def _settle(database: Database, run_id: str) -> None:
    with database.transaction():
        for step in database.steps_of(run_id):
            if step.status == "running":
                error = FailureRecord("RunKilled", _MESSAGE)
                database.finish_step(run_id, step.slug, StepOutcome("failed", reason=_MESSAGE, error=error))
        database.finish_run(run_id, "failed")


def _is_ours(folder: Path) -> bool:
    return folder.is_absolute() and folder.name.startswith("mlops-")
