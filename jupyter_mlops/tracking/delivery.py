"""Empties the outbox, one process at a time.

A run starts a process of its own for it, which goes on when the run's process is gone; ``sync`` does it where one can
watch. Whoever comes while another is at work waits for its turn, and a third one leaves: the one that waits will find
what it brought.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.lockfiles import lock
from jupyter_mlops.store.records import Addressee, Delivery
from jupyter_mlops.tracking.parcels import model_parcel, run_parcel
from jupyter_mlops.tracking.trackers import RejectedError, Tracker, UnreachableError, open_tracker

__all__ = ["Synced", "deliver", "main"]

SCHEMA = 1
Open = Callable[[Addressee, Mapping[str, str]], Tracker]

_LIMIT = 900.0
"""Seconds after which a process that nobody watches ends in any case."""

_AGAIN = (0.0, 5.0, 20.0)
"""Seconds after which such a process tries a tracker again that is away."""

_FIRST_PAUSE, _LONGEST_PAUSE = 60_000, 86_400_000
_PATIENT = 2


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of a delivery.

    Args:
        delivered: What has arrived.
        waiting: What has not, with the reason.
        busy: Whether nothing was tried because another process is at it.
    """

    delivered: tuple[Delivery, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    dry_run: bool = False
    busy: bool = False
    forgotten: tuple[Delivery, ...] = ()

    @property
    def exit_code(self) -> int:
        """What a process that did just this should return."""
        return 4 if not self.dry_run and any(item.error for item in self.waiting) else 0

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``sync --format json`` prints."""
        return {
            "schema": SCHEMA,
            "dry_run": self.dry_run,
            "busy": self.busy,
            "delivered": [_json(item) for item in self.delivered],
            "waiting": [_json(item) for item in self.waiting],
            "forgotten": [_json(item) for item in self.forgotten],
        }


def deliver(
    database: Database,
    home: Home,
    environ: Mapping[str, str],
    *,
    only_due: bool = False,
    wait: float = 0.0,
    connect: Open = open_tracker,
    told: Callable[[Delivery, str | None], None] = lambda delivery, error: None,
) -> Synced:
    """Deliver what waits; whatever goes wrong with it is in the result.

    Args:
        environ: Where passwords and the like are found.
        only_due: Leave out what was tried a short time ago.
        wait: Seconds to wait for another process that delivers.
        connect: Makes the tracker of an address.
        told: Called after each one, with the reason if it did not arrive.

    Raises:
        MlopsError: The store can't be used.
    """
    with _turn(home, wait) as ours:
        if not ours:
            return Synced(waiting=database.deliveries(), busy=True)
        round_ = _Round(database, home, environ, connect, told)
        with _variables_kept():
            while round_.deliver(database.deliveries(), only_due=only_due):
                pass  # what came meanwhile
        return Synced(tuple(round_.delivered), database.deliveries())


@dataclass
class _Round:
    """One process's work."""

    database: Database
    home: Home
    environ: Mapping[str, str]
    connect: Open
    told: Callable[[Delivery, str | None], None]
    delivered: list[Delivery] = field(default_factory=list)
    _tried: set[tuple[object, ...]] = field(default_factory=set)
    _trackers: dict[tuple[str, str], Tracker | UnreachableError] = field(default_factory=dict)

    def deliver(self, found: Sequence[Delivery], *, only_due: bool) -> bool:
        """Try each once; tell whether there was anything to try."""
        now = time.time_ns() // 1_000_000
        new = [item for item in found if _identity(item) not in self._tried]
        chosen = [item for item in new if not only_due or item.due <= now]
        for item in chosen:
            self._tried.add(_identity(item))
            if not isinstance(self._trackers.get(_address(item.to)), UnreachableError):
                self._one(item, now)
        return bool(chosen)

    def _one(self, item: Delivery, now: int) -> None:
        error: str | None = None
        try:
            self._hand_over(item)
        except UnreachableError as problem:
            self._trackers[_address(item.to)] = problem
            self.database.postpone_all(item.to, str(problem))
            self.told(item, str(problem))
            return
        except RejectedError as problem:
            error = str(problem)
        except MlopsError as problem:  # of the run itself: it was removed meanwhile
            if item.kind == "run" and self.database.status(item.subject) is not None:
                error = problem.message
        if error is None:
            self.database.has_delivered(item)
            self.delivered.append(item)
        else:
            pause = min(_FIRST_PAUSE << min(item.attempts, 20), _LONGEST_PAUSE)
            self.database.postpone_delivery(item, error, now + pause)
        self.told(item, error)

    def _hand_over(self, item: Delivery) -> None:
        options = item.to.options
        if item.kind == "run":
            if self.database.status(item.subject) is None:
                return
            parcel = run_parcel(self.database, self.home, item.subject, options, patient=item.attempts < _PATIENT)
            self._tracker(item.to).deliver_run(parcel)
            return
        model = model_parcel(self.database, self.home, item.subject, options)
        if model is None:
            return
        tracker = self._tracker(item.to)
        for run_id in dict.fromkeys(version.run_id for version in model.versions):
            tracker.deliver_run(run_parcel(self.database, self.home, run_id, options))
        tracker.deliver_model(model)

    def _tracker(self, to: Addressee) -> Tracker:
        found = self._trackers.get(_address(to))
        if found is None:
            found = self._trackers[_address(to)] = self.connect(to, self.environ)
        assert not isinstance(found, UnreachableError)
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Deliver without anybody watching: nothing is printed, what goes wrong is noted in the outbox.

    Args:
        arguments: The store's folder; behind it ``once``, if somebody waits for the end, and not for a tracker.
    """
    folder, *more = sys.argv[1:] if arguments is None else arguments
    watchdog = threading.Timer(_LIMIT, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    home = Home(Path(folder))
    with contextlib.suppress(MlopsError, OSError), Database(home.database) as database:
        for pause in _AGAIN[:1] if more else _AGAIN:
            time.sleep(pause)
            synced = deliver(database, home, os.environ, only_due=True, wait=_LIMIT)
            # Those that were rejected are due later.
            if synced.busy or not any(item.error and not item.due for item in synced.waiting):
                break
    return 0


@contextlib.contextmanager
def _turn(home: Home, wait: float) -> Iterator[bool]:
    """Be the only one that delivers; yields False where another is at it for too long, or one waits."""
    try:
        queue = lock(home.locks / "outbox-next", wait=min(wait, 0.1))
        if queue is None:
            yield False
            return
        try:
            work = lock(home.locks / "outbox", wait=wait)
        finally:
            os.close(queue)
    except OSError:  # no locks on this file system
        yield True
        return
    if work is None:
        yield False
        return
    try:
        yield True
    finally:
        os.close(work)


@contextlib.contextmanager
def _variables_kept() -> Iterator[None]:
    """Put back what trackers set for themselves: whoever calls this may use the same library for work of her own."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _address(to: Addressee) -> tuple[str, str]:
    return to.tracker, to.target


def _identity(item: Delivery) -> tuple[object, ...]:
    return *_address(item.to), item.kind, item.subject, item.revision


def _json(item: Delivery) -> dict[str, Any]:
    return {
        "tracker": item.to.tracker,
        "target": item.to.target,
        "kind": item.kind,
        "subject": item.subject,
        "attempts": item.attempts,
        "error": item.error,
    }


if __name__ == "__main__":
    sys.exit(main())
