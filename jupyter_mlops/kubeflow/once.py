"""Starting something exactly once over a connection that may be lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from jupyter_mlops.errors import InfrastructureError
from jupyter_mlops.kubeflow.pace import Pace
from jupyter_mlops.kubeflow.trouble import Trouble

__all__ = ["UncertainError", "exactly_once"]

_SEARCHES = 4
_STARTS = 3


class UncertainError(InfrastructureError):
    """It can't be told whether something was started."""


def exactly_once(
    start: Callable[[], str],
    find: Callable[[], Sequence[str]],
    undo: Callable[[str], None],
    pace: Pace,
    what: str,
) -> str:
    """Start something, and if the answer is lost, look for it before it is started again.

    Args:
        start: Starts it; returns its id.
        find: Returns the ids of what was started, the oldest first.
        undo: Takes back what was started too much.
        what: Its name, for messages: ``the run``.

    Raises:
        UncertainError: The answer was lost, and the server can't be asked or has nothing (yet).
        Unreachable: It was not started.
        Refused: It was not started.
    """
    for attempt in range(_STARTS):
        try:
            found = start()
        except Trouble as error:
            if error.unsent:
                raise
            known = _search(find, pace, what, error)
            if known:
                return _first(known, undo)
            # A request whose connection was closed is over; one that takes too long may still be on its way.
            if error.kind != "closed" or attempt + 1 == _STARTS:
                raise UncertainError(
                    f"It can't be told whether {what} was started: {error.message}",
                    hint="The server has nothing of it so far.",
                ) from None
            continue
        # Only if an earlier request was lost, there may be two by now.
        return _first(_known(find, found), undo) if attempt else found
    raise AssertionError("unreachable")


def _search(
    find: Callable[[], Sequence[str]], pace: Pace, what: str, lost: InfrastructureError | Exception
) -> Sequence[str]:
    for attempt in range(_SEARCHES):
        time.sleep(pace.pause(attempt) if attempt else 0)
        try:
            known = find()
        except Trouble as error:
            raise UncertainError(
                f"It can't be told whether {what} was started: the connection was lost, and then: {error.message}",
                hint=error.hint,
            ) from lost
        if known:
            return known
    return ()


def _known(find: Callable[[], Sequence[str]], found: str) -> Sequence[str]:
    try:
        return find() or [found]
    except Trouble:
        return [found]


def _first(found: Sequence[str], undo: Callable[[str], None]) -> str:
    for surplus in found[1:]:
        with contextlib.suppress(*Trouble):
            undo(surplus)
    return found[0]
