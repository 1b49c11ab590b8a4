"""What happens to the outbox when a run has ended: a process of its own empties it, and nobody waits for that."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jupyter_mlops.engine.mlflow_steps import TRACKING_URI
from jupyter_mlops.engine.result import RunResult
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import Delivery
from jupyter_mlops.tracking.trackers import addressees

__all__ = ["WAIT_VARIABLE", "hand_over", "hand_over_model"]

WAIT_VARIABLE = "JUPYTER_MLOPS_SYNC_WAIT"
_WAIT_IN_CI = 30.0
_MODULE = "jupyter_mlops.tracking.delivery"


def hand_over(result: RunResult, folder: Path, environ: Mapping[str, str]) -> RunResult:
    """Begin to deliver what waits in the outbox; return the result with a note on what could not be delivered.

    Nothing that goes wrong here is an error of the run.

    Args:
        folder: The store's.
        environ: Variables of this process, which the one that delivers gets, too.
    """
    home = Home(folder.resolve())
    notes: list[str] = []
    with contextlib.suppress(MlopsError, OSError), Database(home.database) as database:
        if database.deliveries():
            seconds, problem = _seconds(environ)
            notes += [problem] if problem else []
            _start(home, seconds)
            notes += _notes(database.deliveries())
    if environ.get(TRACKING_URI, "").strip() and importlib.util.find_spec("mlflow") is None:
        notes.append(
            f"{TRACKING_URI} is set, but MLflow is not installed here, so that nothing is delivered to it: "
            "pip install 'jupyter-mlops[mlflow]'"
        )
    return replace(result, notes=(*result.notes, *notes)) if notes else result


def hand_over_model(database: Database, home: Home, name: str, environ: Mapping[str, str], cwd: Path) -> None:
    """Have a registered model delivered to the trackers that the environment asks for.

    Args:
        database: Where it has been registered or changed; no transaction may be open.
        cwd: Where relative paths begin.
    """
    told = addressees(environ, cwd)
    for to in told:
        database.queue_delivery(to, "model", name)
    if told:
        _start(home, _seconds(environ)[0])


def _start(home: Home, wait: float) -> None:
    """Start the process, which outlives this one.

    Args:
        wait: Seconds to wait until it is done.
    """
    home.locks.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", _MODULE, str(home.root), *(["once"] if wait else [])],
        cwd=home.locks,  # where no module lies that could be taken for one of a library
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody has to take notice of its end, as long as this process lives.
    waiting = threading.Thread(target=process.wait, daemon=True)
    waiting.start()
    waiting.join(wait)


def _seconds(environ: Mapping[str, str]) -> tuple[float, str | None]:
    """How long to wait: in CI the machine is gone after the command, and all that still runs on it."""
    text = environ.get(WAIT_VARIABLE, "").strip()
    usual = _WAIT_IN_CI if environ.get("CI", "").strip().lower() not in ("", "0", "false") else 0.0
    if not text:
        return usual, None
    with contextlib.suppress(ValueError):
        if math.isfinite(seconds := float(text)) and seconds >= 0:
            return seconds, None
    return usual, f"{WAIT_VARIABLE} is a number of seconds, not {text!r}; {usual:g} are taken."


def _notes(waiting: Sequence[Delivery]) -> list[str]:
    """One sentence for each tracker that something could not be delivered to."""
    failed = [item for item in waiting if item.error]
    counts = Counter(item.to.target for item in failed)
    reasons = {item.to.target: item.error for item in failed}
    return [
        f"{number} {'run waits' if number == 1 else 'runs wait'} for {target}: {reasons[target]}. "
        "`jupyter mlops sync` tries again; so does the next run."
        for target, number in counts.items()
    ]
