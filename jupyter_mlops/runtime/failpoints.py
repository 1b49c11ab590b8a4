"""Places where something is written, at which tests end the process or let the disk fail.

``JUPYTER_MLOPS_FAILPOINT=object.renamed:2`` ends the process with SIGKILL when it passes ``object.renamed`` for the
second time; ``object.renamed:2=ENOSPC`` raises that OSError there, from then on at each pass. ``*=log:FILE`` writes
the name of each pass to a file. docs/reliability.md lists the places.
"""

from __future__ import annotations

import errno
import os
import signal

__all__ = ["VARIABLE", "reach"]

VARIABLE = "JUPYTER_MLOPS_FAILPOINT"


class _Plan:
    """What is to happen, and how often the place was passed."""

    def __init__(self, text: str) -> None:
        place, _, self.mode = text.partition("=")
        self.name, _, number = place.partition(":")
        self.number = int(number or 1)
        self.passed = 0

    def reach(self, name: str) -> None:
        if self.mode.startswith("log:"):
            self._log(name)
        if name != self.name:
            return
        self.passed += 1
        if self.mode and self.passed >= self.number:
            code = getattr(errno, self.mode)
            raise OSError(code, os.strerror(code), name)
        if self.passed == self.number:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    def _log(self, name: str) -> None:
        with open(self.mode[len("log:") :], "a", encoding="utf-8") as log:  # noqa: PTH123 - nothing but this line
            log.write(f"{name}\n")


_text = os.environ.get(VARIABLE)
_plan = _Plan(_text) if _text else None


def reach(name: str) -> None:
    """Pass a place; nothing happens unless the environment named it when this process began."""
    if _plan is not None:
        _plan.reach(name)
