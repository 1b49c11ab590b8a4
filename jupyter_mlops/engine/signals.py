"""Ctrl-C, SIGTERM and a closed terminal become a call while a run is on its way."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["stop_signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` for every SIGINT, SIGTERM and SIGHUP; outside the main thread nothing changes.

    A signal that the process was told to ignore (``nohup``) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    previous = {}
    for number in [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]:
        handler = signal.getsignal(number)
        if handler not in (signal.SIG_IGN, None):  # None: set by other than Python, can't be put back
            previous[number] = handler
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
