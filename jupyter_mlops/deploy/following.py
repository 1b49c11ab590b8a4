"""The server of a deployment: serves what its book says, goes over when that changes, and takes back what does harm."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.deploy.book import Book
from jupyter_mlops.deploy.deployment import Deployment
from jupyter_mlops.deploy.endpoints import routes
from jupyter_mlops.deploy.guard import verdict
from jupyter_mlops.deploy.measures import Measures
from jupyter_mlops.deploy.router import TrafficRouter
from jupyter_mlops.deploy.serving.app import Server
from jupyter_mlops.deploy.serving.settings import Settings
from jupyter_mlops.deploy.serving.sources import Source
from jupyter_mlops.deploy.status import Status, write_status
from jupyter_mlops.deploy.watching.live import Live
from jupyter_mlops.deploy.watching.watcher import Watcher
from jupyter_mlops.errors import InfrastructureError, MlopsError

__all__ = ["DeploymentServer"]

_log = logging.getLogger("jupyter_mlops.serving")
_PAUSE = 0.2
_TOLD = 1.0


@dataclass(slots=True)
class _Followed:
    """What is served: the deployment, and since when by the clock that requests are counted by."""

    deployment: Deployment
    since: float
    rolled_back: str | None = None


class DeploymentServer(Server):
    """Serves a deployment.

    Args:
        book: Says what is to be served.
        folder: For what is told and kept; None keeps nothing.
        clock: Goes on steadily.
    """

    def __init__(
        self,
        source: Source,
        book: Book,
        settings: Settings,
        folder: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        found = book.current()
        if found is None:
            raise InfrastructureError("The deployment is gone.")
        self._source, self._book, self._folder, self._clock = source, book, folder, clock
        self._now = _Followed(found, clock())
        self._told = 0.0
        self._problem: str | None = None
        self._tried = -1
        self.endpoint: str | None = None
        self.traffic_router = TrafficRouter(found.traffic, found.name)
        self.watcher = Watcher(found.options.watch, self._reference, folder, clock=clock)
        super().__init__(source, (), settings, router=self.traffic_router, observer=self.watcher, routes=routes(self))
        self.metrics.registry.register(Measures(self.live))
        self._task: asyncio.Task[None] | None = None

    @property
    def deployment(self) -> Deployment:
        """What is served now."""
        return self._now.deployment

    def live(self) -> Live:
        """Return how it stands."""
        found = self._now.deployment
        return self.watcher.live(found.name, found.model, found.traffic, self.host.versions(found.model))

    async def start(self) -> None:
        """Load the versions and begin to follow.

        Raises:
            MlopsError: None of those that answer can be loaded.
        """
        found = self._now.deployment
        problems = await self._load(found)
        answering = {share.version for share in found.traffic.serving}
        if not answering & set(self.host.versions(found.model)):
            raise InfrastructureError(f"No version of {found.model} can be served: {'; '.join(problems)}")
        self._default = found.model
        self._problem = "; ".join(problems) or None
        self.host.ready = True
        await asyncio.to_thread(self._tell, True)
        self._task = asyncio.create_task(self._keep_following())

    async def stop(self) -> None:
        """Stop following, and tell the last numbers."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await super().stop()
        await asyncio.to_thread(self._write)

    async def tick(self) -> None:
        """Look once whether something has changed, or does harm."""
        await asyncio.to_thread(self.watcher.work_up)
        found = await asyncio.to_thread(self._book.current)
        if found is not None and found.revision not in (self._now.deployment.revision, self._tried):
            await self._go_over(found)
        elif found is not None:
            await asyncio.to_thread(self._judge)
        await asyncio.to_thread(self._tell)

    # --- going over to another traffic --------------------------------------------------------------------------------

    async def _go_over(self, found: Deployment) -> None:
        problems = await self._load(found)
        answering = {share.version for share in found.traffic.serving}
        missing = answering - set(self.host.versions(found.model))
        if missing and found.model == self._now.deployment.model:
            # What was served goes on; the next change is another chance.
            self._tried, self._problem = found.revision, "; ".join(problems)
            _log.error("%s stays as it was: %s", found.name, self._problem)
        else:
            self._problem = "; ".join(problems) or self._now.rolled_back
            self.traffic_router.follow(found.traffic)
            self._default = found.model
            self._now = _Followed(found, self._clock())
            _log.warning("%s: %s", found.name, found.traffic)
            await self._unload_others(found)
        await asyncio.to_thread(self._tell, True)

    async def _load(self, found: Deployment) -> list[str]:
        """Load what the traffic needs, and what a rollback would; return what can't be."""
        problems = []
        for version in found.traffic.versions:
            try:
                await self.load(found.model, version)
            except MlopsError as error:
                problems.append(f"version {version} can't be loaded: {error.message}")
            except Exception as error:  # a model's own code runs when it is unpickled
                _log.exception("version %s can't be loaded", version)
                problems.append(f"version {version} can't be loaded: {type(error).__name__}: {error}")
        return problems

    async def _unload_others(self, found: Deployment) -> None:
        kept = {*found.traffic.versions, *await asyncio.to_thread(self._book.standby)}
        for version in self.host.versions(found.model):
            if version not in kept:
                await self.unload(found.model, version)

    # --- taking back what does harm -----------------------------------------------------------------------------------

    def _judge(self) -> None:
        now = self._now
        guard = now.deployment.options.guard
        trial = self._book.on_trial(guard.probation)
        known = [share for share in now.deployment.traffic.stable if share.version not in trial]
        other = max(known, key=lambda share: share.weight).version if trial and known else None
        others = None if other is None else self.watcher.summary(other, guard.window, since=now.since)
        for version in sorted(trial):
            summary = self.watcher.summary(version, guard.window, since=now.since)
            reason = None if summary is None else verdict(guard, summary, others)
            if reason is None:
                continue
            told = f"version {version} was taken back: {reason}"
            if self._book.take_back(now.deployment, told):
                now.rolled_back = told
                _log.error("%s: %s", now.deployment.name, told)
                return

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self.tick()
            except Exception:  # the store is busy, the disk is full: what is served goes on
                _log.exception("the deployment can't be followed")

    def _tell(self, at_once: bool = False) -> None:
        if at_once:
            self._book.follows(self.endpoint, self._problem)
        if at_once or self._clock() - self._told >= _TOLD:
            self._told = self._clock()
            self._write()

    def _write(self) -> None:
        if self._folder is None:
            return
        revision = max(self._tried, self._now.deployment.revision)
        with contextlib.suppress(OSError):
            write_status(self._folder, Status(os.getpid(), revision, self._problem, self.live()))

    def _reference(self, version: int) -> Mapping[str, Any] | None:
        hosted = self.host.models.get(self._now.deployment.model, {}).get(version)
        return None if hosted is None else hosted.bundle.statistics()
