"""What the handlers share: the contents root, the analyst, the jobs, the event stream, threads for the store."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlops._version import __version__
from jupyter_mlops.server.analyst.client import Analyst
from jupyter_mlops.server.hub import Hub
from jupyter_mlops.server.jobs.keeper import Job, Keeper
from jupyter_mlops.server.places import Places
from jupyter_mlops.server.watching import StoreWatch
from jupyter_mlops.store.home import Home, find_home

__all__ = ["Panel"]

Found = TypeVar("Found")

_THREADS = 4
_QUICK = 0.1
"""Seconds between looks at jobs that are on their way."""
_SLOW = 1.0
"""Seconds between looks at the stores."""


class Panel:
    """The server's part of the panel.

    Args:
        places: What lies below the contents root.
        analyst: Analyses live notebooks.
        log: The server's log.
        memory: File that tells a later server process which stores have jobs; None for nowhere.
    """

    def __init__(self, places: Places, analyst: Analyst, log: Any, memory: Path | None = None) -> None:
        self.places = places
        self.analyst = analyst
        self.log = log
        self.hub = Hub()
        self.keeper = Keeper(self._job_changed, self._printed)
        self._stores: dict[Path, StoreWatch] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "mlops-store")
        self._memory = memory
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._has_begun = False

    async def in_thread(self, function: Callable[..., Found], *arguments: Any, **named: Any) -> Found:
        """Call something that may take its time in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *arguments, **named))

    def home(self, path: str | None) -> Path:
        """Return the folder of the store that a path's project has; it need not be there yet.

        Raises:
            RequestProblem: The path is not below the root, or hidden.
        """
        home = find_home(self.places.folder(path))
        if home not in self._stores:
            self._stores[home] = StoreWatch(Home(home))
        self.look(home)
        return home

    def look(self, home: Path) -> None:
        """Take notice of the jobs of a store."""
        self.keeper.look(home)

    def start_job(self, home: Path, order: dict[str, Any], cwd: Path) -> Job:
        """Start a job, and follow it."""
        job = self.keeper.start(home, order, cwd)
        self._remember()
        self.wake()
        return job

    def kernels(self, home: Path) -> dict[str, Any]:
        """Tell whether the kernels of a store's runs are warm."""
        busy = any(job.home == home and not job.state.is_final for job in self.keeper.jobs(home))
        return {"warm": False, "reason": None if busy else "A run's kernels start with it."}

    def wake(self) -> None:
        """Look at the jobs now, and go on as long as there is something to see."""
        self._woken.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    def start(self) -> None:
        """Find the jobs of former server processes; begin to follow what goes on."""
        for home in self._remembered():
            self.keeper.look(home)
            self._stores.setdefault(home, StoreWatch(Home(home)))
        self.wake()

    def begin(self) -> None:
        """Get ready for more: somebody has asked something. Before that, the server's start is not slowed by it."""
        if not self._has_begun:
            self._has_begun = True
            self.analyst.start()

    def close(self) -> None:
        """End what belongs to the server alone; jobs go on."""
        self.analyst.close()
        if self._task is not None:
            self._task.cancel()
        self._threads.shutdown(wait=False)

    def store_changed(self, home: Path) -> None:
        """Look at a store soon: a request has changed it."""
        if home in self._stores:
            self._stores[home].expect()
        self.wake()

    def deployments_changed(self, home: Path) -> None:
        """Tell that the deployments of a store are not what they were."""
        self.hub.tell(("deployments", str(home)), partial(_store_event, "deployments", str(home)))

    async def _follow(self) -> None:
        """Look at jobs and stores while there are jobs on their way, or somebody listens."""
        loop = asyncio.get_running_loop()
        next_stores = 0.0
        while True:
            self._woken.clear()
            try:
                self.keeper.poll()
                if loop.time() >= next_stores:
                    await self._look_at_stores()
                    next_stores = loop.time() + _SLOW
            except Exception:
                self.log.exception("jupyter-mlops: following jobs failed; it is tried again")
            pause = _QUICK if self.keeper.active else _SLOW if self.hub.is_heard else None
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
                next_stores = 0.0

    async def _look_at_stores(self) -> None:
        for home, watch in list(self._stores.items()):
            for what in await self.in_thread(watch.changes):
                self.hub.tell((what, str(home)), partial(_store_event, what, str(home)))

    def _job_changed(self, job: Job) -> None:
        def message(seq: int) -> dict[str, Any]:
            job.state.seq = seq
            return {"type": "job", "seq": seq, "job": job.state.to_json()}

        self.hub.tell(("job", job.folder.id), message)

    def _printed(self, job: Job, step: str | None, stream: str, text: str) -> None:
        self.hub.tell_log({"type": "log", "id": job.folder.id, "step": step, "stream": stream, "text": text})

    def forget_job(self, job: Job) -> None:
        """Forget a job that has ended.

        Raises:
            RequestProblem: It has not.
        """
        self.keeper.forget(job)
        self.hub.tell(("job", job.folder.id), lambda seq: {"type": "job-gone", "seq": seq, "id": job.folder.id})

    def _remembered(self) -> list[Path]:
        found = [find_home(self.places.root)]
        with contextlib.suppress(OSError, ValueError):
            if self._memory is not None:
                found += [Path(name) for name in json.loads(self._memory.read_text(encoding="utf-8"))]
        return list(dict.fromkeys(found))

    def _remember(self) -> None:
        """Let a later server process find the jobs again."""
        if self._memory is None:
            return
        homes = dict.fromkeys([*self._remembered(), *(job.home for job in self.keeper.jobs())])
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            self._memory.write_text(json.dumps([str(home) for home in homes if home.is_dir()]), encoding="utf-8")

    @property
    def version(self) -> str:
        """Of jupyter-mlops."""
        return __version__


def _store_event(what: str, folder: str, seq: int) -> dict[str, Any]:
    return {"type": what, "seq": seq, "folder": folder}
