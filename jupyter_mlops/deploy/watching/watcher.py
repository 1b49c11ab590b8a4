"""Watches all versions of a deployment: takes notes in no time, works them up in a thread of its own."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.deploy.serving.policy import Observation
from jupyter_mlops.deploy.traffic import Traffic
from jupyter_mlops.deploy.watching.answers import Answers
from jupyter_mlops.deploy.watching.live import Live
from jupyter_mlops.deploy.watching.rates import Summary
from jupyter_mlops.deploy.watching.requestlog import RequestLog
from jupyter_mlops.deploy.watching.versions import SMALLEST_WINDOW, VersionWatch
from jupyter_mlops.deploy.watching.windows import write_window

__all__ = ["WatchSettings", "Watcher"]

_MOST_WAITING = 50_000
_SPAN = 300.0
_log = logging.getLogger(__name__)

References = Callable[[int], Mapping[str, Any] | None]
"""Returns the statistics of the training data of a version."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What is watched.

    Args:
        window: Rows that are compared with the training data at once.
        span: Seconds that rates and latencies are of.
        sample: Part of the requests that is written down.
        keep_windows: Whether the rows of the last window stay, to be looked at beside the training data.
    """

    window: int = SMALLEST_WINDOW
    span: float = _SPAN
    sample: float = 0.0
    keep_windows: bool = True


class Watcher:
    """Watches a deployment; an ``Observer``.

    Args:
        folder: For the request log and the rows of windows; None keeps neither.
        clock: Goes on steadily; ``wall`` tells the time of day.
    """

    def __init__(
        self,
        settings: WatchSettings,
        references: References,
        folder: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._references = references
        self._folder = folder
        self._clock, self._wall = clock, wall
        self._log = RequestLog(folder / "requests.jsonl", settings.sample, draw) if folder is not None else None
        self._notes: deque[tuple[float, Observation]] = deque()
        self._started = clock()
        self._lost = 0
        self._versions: dict[int, VersionWatch] = {}
        self._answers = Answers()
        self._lock = threading.Lock()

    def observed(self, observation: Observation) -> None:
        """Note what came of a request."""
        if len(self._notes) >= _MOST_WAITING:
            self._lost += 1
            return
        self._notes.append((self._clock(), observation))

    def work_up(self) -> None:
        """Count what was noted; called now and then, by one thread or several."""
        with self._lock:
            while self._notes:
                now, observation = self._notes.popleft()
                try:
                    self._count(now, observation)
                except Exception:
                    _log.exception("A request could not be watched.")

    def label(self, request_id: str, labels: Sequence[Any]) -> tuple[int, ...] | None:
        """Join true labels with the answers to a request.

        Returns:
            The versions that answered; None if nobody remembers the request.

        Raises:
            UsageError: There are more or fewer labels than rows.
        """
        self.work_up()
        with self._lock:
            return self._answers.label(request_id, labels)

    def summary(self, version: int, seconds: float, *, since: float) -> Summary | None:
        """Return the requests to a version in the last seconds, but not before ``since`` by the clock."""
        with self._lock:
            watch = self._versions.get(version)
            return None if watch is None else watch.recent.summary(self._clock(), seconds, since=since)

    def live(self, deployment: str, model: str, traffic: Traffic, ready: Sequence[int]) -> Live:
        """Return how the versions of a traffic stand."""
        self.work_up()
        with self._lock:
            now = self._clock()
            versions = tuple(
                self._watch(share.version).live(
                    now,
                    share,
                    ready=share.version in ready,
                    accuracy=self._answers.score(share.version).summary(),
                )
                for share in traffic.shares
            )
            return Live(
                *(deployment, model, round(self._wall() * 1000), self._settings.span, versions),
                *(self._lost, self._answers.unknown),
            )

    def _count(self, now: float, observation: Observation) -> None:
        self._watch(observation.version).add(observation, now, self._wall())
        if observation.fault is None:
            self._answers.remember(
                observation.request.id, observation.version, observation.outputs, shadow=observation.shadow
            )
        if self._log is not None:
            self._log.write(observation, self._wall())

    def _watch(self, version: int) -> VersionWatch:
        found = self._versions.get(version)
        if found is None:
            settings = self._settings
            reference = self._references(version)
            found = VersionWatch(version, reference, settings.window, settings.span, self._full, self._started)
            self._versions[version] = found
        return found

    def _full(self, version: int, columns: Mapping[str, Any]) -> None:
        if self._folder is not None and self._settings.keep_windows:
            write_window(self._folder, version, columns)
