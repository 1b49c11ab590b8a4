"""What runs leave whose process was ended from outside: records that say ``running``, folders, processes.

A run holds a lock on a file of its own for as long as it goes on; the system takes the lock away when the process
ends, however that happens. So whoever gets the lock knows that the run is over, whatever process has its number by now.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

from jupyter_mlops.engine.family import end_marked_below
from jupyter_mlops.engine.kernels import CONTEXT_VARIABLE
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import FailureRecord, RunRecord, StepOutcome

__all__ = ["REASON", "Presence", "clear_leftovers", "is_over"]

REASON = "the process of the run ended before the step did"
_MANY = 1000


class Presence:
    """Shows other processes that a run goes on, while the context is open.

    Args:
        home: The run's store.
        run_id: The run.
    """

    def __init__(self, home: Home, run_id: str) -> None:
        self._path = _lock_path(home, run_id)
        self._file: IO[str] | None = None

    def __enter__(self) -> Presence:
        with contextlib.suppress(OSError):  # a file system without locks: the process's number has to do
            # Nobody may see the file before it is locked.
            hidden = self._path.with_suffix(".new")
            self._file = hidden.open("w", encoding="utf-8")
            _lock(self._file)
            hidden.replace(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        for path in (self._path, self._path.with_suffix(".new")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def note_folder(self, folder: Path) -> None:
        """Note a folder outside of the store that ends with the run."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.write(json.dumps(str(folder)))
                self._file.flush()


def is_over(run: RunRecord, home: Home) -> bool:
    """Tell whether a run that is recorded as going on is provably over: its process is gone."""
    if run.status not in ("queued", "running") or run.host != platform.node() or run.backend != "local":
        return False
    path = _lock_path(home, run.run_id)
    try:
        with path.open("r+", encoding="utf-8") as file:
            return _lock(file)
    except FileNotFoundError:
        return not _is_alive(run.pid)
    except OSError:
        return False


def clear_leftovers(database: Database, home: Home) -> tuple[str, ...]:
    """Record that runs are over whose process is gone, and remove what only they needed.

    What their finished steps made stays, and is reused.

    Returns:
        The ids of these runs.
    """
    found = [run for run in database.runs(_MANY, status="running") if is_over(run, home)]
    for run in found:
        _clear(run, database, home)
    return tuple(run.run_id for run in found)


def _clear(run: RunRecord, database: Database, home: Home) -> None:
    end_marked_below(CONTEXT_VARIABLE, home.run(run.run_id))
    steps = database.steps_of(run.run_id)
    last = max([run.started, *(step.finished or step.started or 0 for step in steps)])
    with database.transaction():
        for step in steps:
            if step.status == "running":
                error = FailureRecord("Interrupted", REASON)
                database.finish_step(run.run_id, step.slug, StepOutcome("failed", reason=REASON, error=error))
        database.finish_run(run.run_id, "failed", seconds=(last - run.started) / 1000)
    shutil.rmtree(home.tmp / run.run_id, ignore_errors=True)
    _remove_sockets(_lock_path(home, run.run_id))


def _remove_sockets(path: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        folder = Path(json.loads(path.read_text(encoding="utf-8")))
        is_ours = folder.name.startswith("mlops-") and folder.parent in (Path(tempfile.gettempdir()), Path("/tmp"))
        if is_ours and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _lock_path(home: Home, run_id: str) -> Path:
    return home.tmp / f"{run_id}.lock"


def _lock(file: IO[str]) -> bool:
    """Take the lock of an open file; tell whether nobody else has it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(1 << 30)  # a place that nobody reads
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int | None) -> bool:
    import psutil

    return pid is not None and bool(psutil.pid_exists(pid))
