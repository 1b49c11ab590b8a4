"""The files of the user that a step uses, and waiting for other runs that use them at this moment."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.store.filelocks import FileLocks, Wanted

__all__ = ["claimed", "files_of_step"]

_PAUSE = 0.05


def files_of_step(pipeline: Pipeline, step: Step, cwd: Path) -> Wanted:
    """Return what a step reads and writes of the folder it runs in, as far as its code shows."""
    loaded = [pipeline.artifact(name) for name in step.loads]
    restored = [item.names[0] for item in loaded if item.kind == "file"]
    writes = frozenset(_absolute(cwd, name) for name in (*step.files_written, *step.files_updated, *restored))
    return Wanted(writes, frozenset(_absolute(cwd, name) for name in step.files_read) - writes)


@contextlib.contextmanager
def claimed(locks: FileLocks, wanted: Wanted, waiting: Callable[[Path, bool], None]) -> Iterator[None]:
    """Hold a step's files; wait while another run uses one of them.

    Args:
        waiting: Told, again and again, which file that is, and whether this is the first time; it may raise.
    """
    first = True
    while (busy := locks.claim(wanted)) is not None:
        waiting(busy, first)
        first = False
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        locks.release(wanted)


def _absolute(cwd: Path, name: str) -> Path:
    return Path(cwd, name).resolve()
