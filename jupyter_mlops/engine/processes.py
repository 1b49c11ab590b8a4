"""A kernel's process and all that it started: how to interrupt and end them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any, Protocol

__all__ = ["KernelProcess", "Process", "signal_group"]


class Process(Protocol):
    """What there is to know and to do about a process: a ``subprocess.Popen``, or a forked kernel."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int, /) -> None: ...

    def kill(self) -> None: ...


def signal_group(process: Process, number: int) -> None:
    """Send a signal to a process and its group, if it leads one."""
    if process.poll() is None and hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
            return
    with contextlib.suppress(OSError):
        process.send_signal(number)


class KernelProcess:
    """The process of a kernel, which leads a process group where the system has such groups.

    Args:
        process: The kernel's process.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._family: list[Any] = []
        self._group: int | None = None
        if hasattr(os, "getpgid"):
            with contextlib.suppress(OSError):
                group = os.getpgid(process.pid)
                self._group = group if group != os.getpgrp() else None

    @property
    def pid(self) -> int:
        """The kernel's process."""
        return self._process.pid

    def interrupt(self) -> None:
        """Ask for an end as Ctrl-C does, so that the user's ``finally`` blocks run."""
        self._remember_family()
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                from jupyter_client.win_interrupt import send_interrupt

                send_interrupt(self._process.win32_interrupt_event)  # type: ignore[attr-defined]
            elif self._group is not None:
                os.killpg(self._group, signal.SIGINT)
            else:
                self._process.send_signal(signal.SIGINT)

    def release(self) -> None:
        """End what the kernel left behind: processes that the user started in the background."""
        if sys.platform != "win32" and self._group is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._group, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        self._remember_family()
        if sys.platform != "win32" and self._group is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._group, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._process.kill()
        for member in self._family:
            with contextlib.suppress(Exception):  # psutil's own errors: it ended meanwhile
                member.kill()

    def _remember_family(self) -> None:
        """Note the descendants while they can be found: they lose their parent when the kernel ends."""
        try:
            import psutil
        except ImportError:
            return  # the process group is ended all the same
        with contextlib.suppress(psutil.Error):
            self._family += psutil.Process(self._process.pid).children(recursive=True)
