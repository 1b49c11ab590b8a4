"""Runs whose process was killed: their records are finished, what they left behind is removed."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import is_abandoned
from jupyter_mlops.store.records import FailureRecord, StepOutcome

__all__ = ["settle_abandoned"]

_MOST = 1000
_MESSAGE = "the process that ran it was ended from outside"


def settle_abandoned(database: Database, home: Home) -> list[str]:
    """Record that runs which a killed process left ``running`` have failed; return their ids.

    Steps that had ended keep their results, which the next run reuses.
    """
    settled = []
    for run in database.runs(_MOST, status="running"):
        if run.backend != "local" or run.host != platform.node():
            continue
        left = is_abandoned(home, run.run_id, run.pid)
        if left is None:
            continue
        reach("abandoned.found")
        for folder in (home.tmp / run.run_id, *filter(_is_ours, left)):
            shutil.rmtree(folder, ignore_errors=True)
        for step in database.steps_of(run.run_id):
            if step.status == "running":
                error = FailureRecord("RunKilled", _MESSAGE)
                database.finish_step(run.run_id, step.slug, StepOutcome("failed", reason=_MESSAGE, error=error))
        database.finish_run(run.run_id, "failed")
        settled.append(run.run_id)
    return settled


def _is_ours(folder: Path) -> bool:
    return folder.is_absolute() and folder.name.startswith("mlops-")
