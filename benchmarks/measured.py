"""Run a command and write down what it and all its descendants used: ``measured.py RESULT COMMAND ...``.

Wall time ends with the command. Processes that outlive it are waited for, so that processor time is complete.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 30.0
_LOOK = 0.02


class _Peak(threading.Thread):
    """Watches the peak memory of one process, without its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.over = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self.over.wait(_LOOK):
            try:
                found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
            except OSError:
                return
            if found:
                self.bytes = max(self.bytes, int(found[1]) * 1024)


def main() -> int:
    """Do it; return the command's exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    result, *command = sys.argv[1:]
    start = time.perf_counter()
    process = subprocess.Popen(command)
    peak = _Peak(process.pid)
    peak.start()
    code = process.wait()
    wall = time.perf_counter() - start
    peak.over.set()
    complete = _collect(time.monotonic() + _PATIENCE)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": peak.bytes, "complete": complete}
    Path(result).write_text(json.dumps(found))
    return code


def _collect(deadline: float) -> bool:
    """Wait for the descendants that are left; tell whether all have ended."""
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not pid:
            time.sleep(_LOOK)
    return False


if __name__ == "__main__":
    sys.exit(main())
