"""The process of a forked kernel, which is a child of its template: told from there how it ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["WarmProcess"]


class WarmProcess:
    """Looks like a ``subprocess.Popen``.

    Args:
        pid: Of the kernel.
        connection: Where it is reached, as in its connection file.
        file: The connection file.
        lifeline: The kernel ends when this is closed.
    """

    def __init__(self, pid: int, connection: Mapping[str, Any], file: Path, lifeline: socket.socket) -> None:
        self.pid = pid
        self.file = file
        self.connection = connection
        self.returncode: int | None = None
        self._lifeline = lifeline
        self._ended = False
        self._orphaned = False
        self._handle: int | None = None
        with contextlib.suppress(OSError):  # it has ended already, or the system has no such thing
            self._handle = os.pidfd_open(pid)

    def note_end(self, status: int) -> None:
        """Take notice of the end.

        Args:
            status: Exit code, or minus the signal.
        """
        self._ended = True
        self.returncode = status

    def note_orphaned(self) -> None:
        """Take notice that the template is gone, so that nobody will tell of the end."""
        self._orphaned = True

    def poll(self) -> int | None:
        """Return None while the kernel runs, then its exit code; 1 if nobody knows it."""
        if not self._ended and self._orphaned and not self._lives():
            self._ended = True
        if not self._ended:
            return None
        return 1 if self.returncode is None else self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless the kernel has ended."""
        if self._ended:
            return
        if self._handle is not None:
            signal.pidfd_send_signal(self._handle, number)
        else:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of it; a kernel that still runs ends."""
        self._lifeline.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _lives(self) -> bool:
        if self._handle is not None:
            return not select.select([self._handle], [], [], 0)[0]
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True
