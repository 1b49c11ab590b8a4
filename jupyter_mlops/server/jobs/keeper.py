"""Starts, finds, follows and stops jobs; every method is called in the event loop's thread, or says otherwise."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.server.jobs.folder import JobFolder, job_folders, new_job, now
from jupyter_mlops.server.jobs.state import JobState
from jupyter_mlops.server.problems import RequestProblem
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.tracking.redaction import redact

__all__ = ["Job", "Keeper"]

_KEPT = 50
"""Jobs of a store that are kept; older ones that have ended are forgotten."""
_PRINTED = 4000


@dataclass(eq=False)
class Job:
    """A job that this server knows.

    Args:
        home: Folder of its store.
        offset: How far its events were read.
        child: Its process, if this server has started it.
    """

    folder: JobFolder
    state: JobState
    home: Path
    offset: int = 0
    child: subprocess.Popen[bytes] | None = None


class Keeper:
    """Knows the jobs of the stores that were looked at.

    Args:
        changed: Called with a job that is not what it was.
        printed: Called with a job, the slug of a step, the stream and what was printed.
    """

    def __init__(self, changed: Callable[[Job], None], printed: Callable[[Job, str | None, str, str], None]) -> None:
        self._changed = changed
        self._printed = printed
        self._jobs: dict[str, Job] = {}
        self._homes: set[Path] = set()

    @property
    def active(self) -> list[Job]:
        """Jobs that have not ended."""
        return [job for job in self._jobs.values() if not job.state.is_final]

    def jobs(self, home: Path | None = None) -> list[Job]:
        """Return the jobs of a store, or all, the newest first."""
        found = [job for job in self._jobs.values() if home is None or job.home == home]
        return sorted(found, key=lambda job: job.folder.id, reverse=True)

    def find(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            RequestProblem: There is none of this id.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise RequestProblem("no-such-thing", f"There is no job {job_id[:60]}.", hint="It may have been forgotten.")
        return job

    def look(self, home: Path) -> None:
        """Take notice of the jobs of a store that were started before; again is no harm."""
        if home in self._homes:
            return
        self._homes.add(home)
        for folder in job_folders(Home(home).jobs):
            job = self._found(folder, home) if folder.id not in self._jobs else None
            if job is not None:
                self._jobs[folder.id] = job
                self._changed(job)

    def _found(self, folder: JobFolder, home: Path) -> Job | None:
        """A job of a former server process; None if nothing can be told of it."""
        end, order = folder.read_end(), folder.read_order()
        if end is not None:
            with contextlib.suppress(KeyError, TypeError):
                return Job(folder, JobState.restored(end), home)
        if order is None:
            return None
        job = Job(folder, JobState(folder.id, order), home)
        while self._read(job, quietly=True):
            pass
        if folder.stop_wish.exists():
            job.state.ask_to_stop()
        self._settle(job)
        self._keep_end(job)
        return job

    def start(self, home: Path, order: dict[str, Any], cwd: Path) -> Job:
        """Start a job.

        Args:
            order: What is asked; secrets in it go to the process alone.
            cwd: Its working directory.

        Raises:
            UsageError: The store's folder can't be written.
            InfrastructureError: The disk is full or failed.
        """
        folders = ensure_home(home)
        self.look(home)
        folder = new_job(folders.jobs)
        whole = {**order, "id": folder.id, "created": now(), "home": str(home)}
        shown = {name: redact(name, value) for name, value in order.get("parameters", {}).items()}
        kept = {**whole, "parameters": shown}
        folder.write_order(kept)
        job = Job(folder, JobState(folder.id, kept), home)
        with folder.printed.open("wb") as printed:
            job.child = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mlops.server.jobs.process", str(folder.path)],
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
            )
        assert job.child.stdin is not None
        with contextlib.suppress(OSError), job.child.stdin as pipe:
            pipe.write(json.dumps(whole).encode())
        self._jobs[folder.id] = job
        self._forget_old(home)
        self._changed(job)
        return job

    def stop(self, job: Job) -> None:
        """Ask a job to stop, as Ctrl-C does."""
        if job.state.is_final:
            return
        with contextlib.suppress(OSError):
            job.folder.stop_wish.touch(0o600)
        job.state.ask_to_stop()
        pid = job.child.pid if job.child is not None else job.state.pid
        if pid is not None and _is_alive(job):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        self._changed(job)

    def forget(self, job: Job) -> None:
        """Forget a job that has ended.

        Raises:
            RequestProblem: It has not.
        """
        if not job.state.is_final:
            raise RequestProblem("conflict", f"The job {job.folder.id} has not ended.", hint="Stop it first.")
        job.folder.remove()
        del self._jobs[job.folder.id]

    def poll(self) -> None:
        """Take notice of what has happened to jobs since the last time."""
        for job in self._jobs.values():
            if job.child is not None and job.child.poll() is not None and job.state.is_final:
                job.child = None  # it has been waited for
        for job in self.active:
            alive = _is_alive(job)  # asked first: what it wrote before it ended is read below
            changed = self._read(job)
            if not alive and not job.state.is_final:
                while self._read(job):
                    pass
                self._settle(job)
                changed = True
            if changed:
                self._changed(job)
                self._keep_end(job)

    def _read(self, job: Job, *, quietly: bool = False) -> bool:
        """Read what is new; tell whether there was something."""
        events, job.offset = job.folder.read_events(job.offset)
        for event in events:
            job.state.apply(event)
            if event.get("e") == "out" and not quietly:
                self._printed(job, event.get("slug"), event.get("stream", "stdout"), str(event.get("text", "")))
        return bool(events)

    def _keep_end(self, job: Job) -> None:
        if job.state.is_final:
            job.folder.write_end(job.state.to_json())

    def _settle(self, job: Job) -> None:
        """End a job whose process is gone."""
        if job.state.is_final or _is_alive(job):
            return
        stopped = job.folder.stop_wish.exists()
        job.state.lose(stopped=stopped, printed=job.folder.tail_of_printed(_PRINTED), at=now())

    def _forget_old(self, home: Path) -> None:
        for job in self.jobs(home)[_KEPT:]:
            if job.state.is_final:
                self.forget(job)


def _is_alive(job: Job) -> bool:
    """Whether the job's own process is there: its number alone may be another's by now."""
    if job.child is not None:
        return job.child.poll() is None
    if job.state.pid is None or job.state.process_started is None:
        return False
    import psutil

    try:
        process = psutil.Process(job.state.pid)
        same = abs(process.create_time() - job.state.process_started) < 1.0
        return same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
