"""Lets a forked kernel end without taking apart, page by page, what its template has imported."""

from __future__ import annotations

import atexit
import sys
from typing import Any

__all__ = ["Keeper"]


class Keeper:
    """Keeps imported modules beyond the end of the interpreter: the process ends, and its memory with it.

    Taking them apart would copy nearly all memory that a forked process shares with its template, to no effect that
    anybody could see. All else ends as ever: functions registered with ``atexit``, the user's variables, modules that
    were imported after the fork.

    To be made before anything else registers a function to be called at exit: the first is called last.
    """

    def __init__(self) -> None:
        # It holds itself, and is made before `gc.freeze()`: neither counting nor collecting references ends it.
        self._kept: list[Any] = []
        self._kept.append(self._kept)
        self._names: tuple[str, ...] = ()
        atexit.register(self._keep)

    def note(self, besides: Any) -> None:
        """Take notice that all is imported; to be called before ``gc.freeze()``.

        Args:
            besides: What else is to be kept.
        """
        standard = getattr(sys, "stdlib_module_names", None)
        if standard is None:  # Python 3.9: leave it as it is
            return
        self._names = tuple(name for name in sys.modules if name.partition(".")[0] not in {*standard, "__main__"})
        self._kept.append(besides)

    def _keep(self) -> None:
        for name in self._names:
            self._kept.append(sys.modules.get(name))
            sys.modules[name] = None  # type: ignore[assignment]  # as the interpreter does
