"""Ends a forked kernel without taking apart, page by page, what its template has imported.

The interpreter would take apart all modules at its end, and so copy nearly all memory that a forked process shares with
its template: a third of a second, to no effect that anybody could see. Everything else ends as ever: functions
registered with ``atexit``, the user's variables, modules that were imported after the fork, open files, and what
libraries in C do at exit if they were loaded after the fork.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import itertools
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Ending"]


class Ending:
    """The end of a template and of the processes forked from it.

    To be made before anything else registers a function to be called at exit: the first is called last.
    """

    def __init__(self) -> None:
        self.well = False
        """Whether the process has done its work; any other end is the interpreter's own."""
        self._shared: frozenset[str] = frozenset()
        self._last = ""
        self._libraries: frozenset[str] = frozenset()
        atexit.register(self._end)

    def note(self, hidden: Iterable[str] = ()) -> None:
        """Take notice that what is imported by now is shared.

        Args:
            hidden: Names of modules that are, too.
        """
        with contextlib.suppress(ImportError):  # it is wanted at the end
            importlib.import_module("ctypes")
        self._shared = frozenset([*sys.modules, *hidden]) - {"__main__"}
        self._last = next(reversed(sys.modules))
        self._libraries = _libraries()

    def _later(self) -> list[str]:
        """Names of the main module and of those that were imported afterwards; not to look at all spares memory."""
        names = itertools.takewhile(self._last.__ne__, reversed(sys.modules))
        return [*(name for name in names if name not in self._shared and name != "__main__"), "__main__"]

    def _end(self) -> None:
        if not self.well:
            return
        try:
            import ctypes

            system = ctypes.PyDLL(None)  # keeps other threads from running Python meanwhile
            leave, flush = system.exit, system.fflush
        except (ImportError, OSError, AttributeError):
            return
        _take_apart(self._later())
        _flush_files()
        logging: Any = sys.modules.get("logging")
        if logging is not None:  # registered by its import, before this was
            logging.shutdown()
        if _libraries() <= self._libraries:
            flush(None)
            os._exit(0)
        leave(0)  # a library that was loaded since may have something to do


def _libraries() -> frozenset[str]:
    """Return the shared libraries of this process, as far as the system tells."""
    try:
        lines = Path("/proc/self/maps").read_bytes().splitlines()
    except OSError:
        return frozenset({str(os.getpid())})  # another one than before the fork
    paths = {line.split(None, 5)[-1] for line in lines if b".so" in line}
    return frozenset(os.fsdecode(path) for path in paths)


def _take_apart(names: list[str]) -> None:
    """Empty modules in this order, as the interpreter does at its end, so that what they hold is finalised."""
    spaces = []
    for name in names:
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            spaces.append(vars(module))
        sys.modules[name] = None  # type: ignore[assignment]
        del module
    gc.collect()
    for space in spaces:
        _clear(space)
    gc.collect()


def _clear(namespace: dict[str, Any]) -> None:
    private = [name for name in namespace if name.startswith("_") and not name.startswith("__")]
    others = [name for name in namespace if name not in private and name != "__builtins__"]
    for name in (*private, *others):
        namespace[name] = None


def _flush_files() -> None:
    """Write what is left in the buffers of files that something still holds open."""
    for kinds in ((io.TextIOWrapper,), (io.BufferedWriter, io.BufferedRandom)):
        for item in gc.get_objects():
            if issubclass(type(item), kinds):
                with contextlib.suppress(Exception):  # it is closed, or nobody reads it any more
                    item.flush()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
