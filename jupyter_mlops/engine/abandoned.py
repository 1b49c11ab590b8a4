"""Runs whose process was killed: their records are finished, what they left behind is removed."""

from __future__ import annotations

import contextlib
import platform
import shutil
import tempfile
from pathlib import Path

from jupyter_mlops.engine.family import end_marked_below
from jupyter_mlops.engine.kernels import CONTEXT_VARIABLE
from jupyter_mlops.engine.ledger import step_stem
from jupyter_mlops.engine.logged import Logged, read_logged
from jupyter_mlops.engine.redactor import Redactor, make_redactor
from jupyter_mlops.engine.stepreport import redacted_logged
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.runtime.failpoints import reach
from jupyter_mlops.store.conditions import equals
from jupyter_mlops.store.configuration import SecretSettings
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.locks import abandoned, is_alive
from jupyter_mlops.store.objects import ObjectStore
from jupyter_mlops.store.records import FINAL, FailureRecord, RunRecord, StepOutcome, StepRecord

__all__ = ["REASON", "settle_abandoned"]

_MOST = 1000
REASON = "the process that ran it was ended from outside"


def settle_abandoned(database: Database, home: Home) -> list[str]:
    """Record that runs which a killed process left ``running`` have failed; return their ids.

    Steps that had ended keep their results, which the next run reuses.
    """
    settled = []
    left = abandoned(home)
    for run in database.runs(_MOST, condition=equals("status", "running")):
        ours = run.backend == "local" and run.host == platform.node()
        if run.run_id in left or (ours and not is_alive(home, run.run_id, run.pid)):
            reach("abandoned.found")
            _settle(database, home, run)
            settled.append(run.run_id)
    for run_id in (*settled, *left):
        end_marked_below(CONTEXT_VARIABLE, home.run(run_id))
    for run_id, folders in left.items():
        for folder in (home.tmp / run_id, *filter(_is_ours, folders)):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in home.tmp.iterdir():
        if database.status(folder.name) in FINAL:  # a step that was given up wrote on
            shutil.rmtree(folder, ignore_errors=True)
    return settled


def _settle(database: Database, home: Home, run: RunRecord) -> None:
    steps = database.steps_of(run.run_id)
    last = max([run.started, *(step.finished or step.started or 0 for step in steps)])
    with database.transaction():
        for step in steps:
            if step.status == "running":
                logged = _logged(home, step)
                outcome = StepOutcome(
                    "failed",
                    reason=REASON,
                    error=FailureRecord("RunKilled", REASON),
                    outputs=logged.artifacts,
                    metrics=logged.metrics,
                    parameters=logged.params,
                    tags=logged.tags,
                )
                database.finish_step(run.run_id, step.slug, outcome)
                _redactor(home).file(
                    home.run(run.run_id) / "steps" / f"{step_stem(step.position, step.slug)}.kernel.log"
                )
        database.finish_run(run.run_id, "failed", seconds=(last - run.started) / 1000)


def _logged(home: Home, step: StepRecord) -> Logged:
    """What the step had logged by then."""
    with contextlib.suppress(MlopsError, OSError, ValueError, KeyError, TypeError):
        folder = home.tmp / step.run_id / step_stem(step.position, step.slug)
        logged = read_logged(folder, step.slug, ObjectStore(home.objects))
        return redacted_logged(logged, _redactor(home))
    return Logged()


def _redactor(home: Home) -> Redactor:
    """Which parameters the run had is not known any more: what can be seen goes, and the secrets of this process."""
    return make_redactor([], [], SecretSettings(), key=home.fingerprint_key())


def _is_ours(folder: Path) -> bool:
    places = (Path(tempfile.gettempdir()), Path("/tmp"))
    return folder.name.startswith("mlops-") and folder.parent in places and not folder.is_symlink()
