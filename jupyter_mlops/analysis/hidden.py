"""Files, random state, options: state that flows from cell to cell without a name.

Each kind has names that start with ``$``; the slicer treats them like variables.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from jupyter_mlops.analysis.heap import NOTHING, Val
from jupyter_mlops.analysis.machine import Machine

__all__ = [
    "ANY_FILE",
    "READERS",
    "STATES",
    "appends",
    "draws",
    "path_of",
    "reads",
    "seeds",
    "sets",
    "state_of",
    "takes",
    "use_process_state",
    "uses_library",
    "volatile",
    "writes",
]

_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+:/")

STATES = {
    "matplotlib.rcParams": "options:matplotlib", "matplotlib.pyplot.rcParams": "options:matplotlib",
    "pandas.options": "options:pandas", "os.environ": "env", "sys.path": "syspath",
}  # fmt: skip
"""Objects of libraries that are hidden state."""

READERS = frozenset({"get", "keys", "values", "items", "copy", "index", "count"})
"""Methods of theirs that change nothing."""

ANY_FILE = "$files"
FILE = "$file:"
RNG = "$rng:"
_EVERYWHERE = (
    "$warnings",
    "$env",
    "$cwd",
    "$locale",
    "$decimal",
    "$logging",
    "$syspath",
    "$ipython",
    "$future",
    "$recursion",
    "$imports",
)
_OPTIONS = {
    "pandas": "$options:pandas",
    "numpy": "$options:numpy",
    "matplotlib": "$options:matplotlib",
    "seaborn": "$options:matplotlib",
    "sklearn": "$options:sklearn",
}


def path_of(value: Val) -> str | None:
    """The path a value stands for, with forward slashes and without ``./``; None if unknown."""
    text = value.const
    if text is NOTHING or not isinstance(text, (str, bytes)):
        return None
    name = text.decode(errors="replace") if isinstance(text, bytes) else text
    return posixpath.normpath(name.replace("\\", "/")) if name else None


def state_of(machine: Machine, qual: str) -> str | None:
    """The hidden state that a qualified name is, or is a part of."""
    canonical = machine.effects.canonical(qual)
    return next((state for name, state in STATES.items() if f"{canonical}.".startswith(f"{name}.")), None)


def _located(machine: Machine, path: str | None) -> str | None:
    """A relative path says little once the working directory has changed."""
    if path is None or "$cwd" not in machine.recorder.names or posixpath.isabs(path) or _REMOTE.match(path):
        return path
    return None


def reads(machine: Machine, path: str | None) -> None:
    """A file is read; None stands for any file."""
    recorder = machine.recorder
    path = _located(machine, path)
    if path is None:
        _any(machine, "reads a file whose path is only known at run time", writes=False)
        return
    if _REMOTE.match(path):
        volatile(machine, "network")
        return
    recorder.cell.files_read.setdefault(path)
    recorder.statement.files_read.add(path)
    for name in _related(machine, path):
        recorder.use(name, f"reads {path}")
    recorder.use(ANY_FILE, f"reads {path}, which an earlier step may have written")


def takes(machine: Machine, path: str | None) -> None:
    """A file is read; where this cell has just written it anew, what it held before is of no interest."""
    located = _located(machine, path)
    binding = None if located is None else machine.recorder.names.get(FILE + located)
    if binding is not None:
        version = machine.recorder.versions[binding.version]
        if version.cell == machine.recorder.here[0] and version.change == "bound" and not version.previous:
            return
    reads(machine, path)


def enters(machine: Machine, path: str | None) -> None:
    """A folder becomes the working directory, which an earlier step may have made."""
    recorder = machine.recorder
    located = _located(machine, path)
    files = [name for name in recorder.names if name.startswith(FILE)]
    for name in files if located is None else _related(machine, located):
        recorder.use(name, "changes to a folder that may hold it")
    if ANY_FILE in recorder.names:
        recorder.use(ANY_FILE, "changes to a folder that an earlier step may have made")
    sets(machine, "cwd")


def writes(machine: Machine, path: str | None) -> None:
    """A file is written anew."""
    _writes(machine, path, keeps=False)


def appends(machine: Machine, path: str | None) -> None:
    """A file is added to."""
    path = _located(machine, path)
    if path is not None:
        reads(machine, path)
    _writes(machine, path, keeps=True)


def _writes(machine: Machine, path: str | None, *, keeps: bool) -> None:
    recorder = machine.recorder
    path = _located(machine, path)
    recorder.once("writes a file")
    if path is None:
        _any(machine, "may write any file", writes=True)
        return
    if _REMOTE.match(path):
        volatile(machine, "network")
        return
    recorder.cell.files_written.setdefault(path)
    folder = posixpath.dirname(path)
    for name in _related(machine, folder) if folder else ():
        if name == FILE + folder:
            recorder.use(name, f"writes into {folder}")
    recorder.touch(FILE + path, f"writes {path}", reads=keeps or machine.conditional > 0)


def _any(machine: Machine, text: str, *, writes: bool) -> None:
    recorder = machine.recorder
    if recorder.cell.unknown_files is None:
        recorder.cell.unknown_files = recorder.cause(text)
    recorder.cell.unknown_writes |= writes
    for name in list(recorder.names):
        if name.startswith(FILE):
            recorder.touch(name, text, writes=writes)
    recorder.touch(ANY_FILE, text, writes=writes)


def any_file(machine: Machine, text: str) -> None:
    """Any file may be read and written."""
    machine.recorder.once(text)
    _any(machine, text, writes=True)


def _related(machine: Machine, path: str) -> list[str]:
    """Files at this path, above or below it, that something has written."""
    found = []
    for name in machine.recorder.names:
        if name.startswith(FILE):
            other = name[len(FILE) :]
            if other == path or other.startswith(path + "/") or path.startswith(other + "/") or path == ".":
                found.append(name)
    return found


def draws(machine: Machine, generator: str) -> None:
    """A number is drawn from a global random generator."""
    recorder = machine.recorder
    recorder.cell.draws.add(generator)
    recorder.once("draws random numbers")
    recorder.touch(RNG + generator, f"draws from the global generator of {generator}")


def seeds(machine: Machine, generator: str) -> None:
    """A global random generator is set."""
    machine.recorder.once("seeds a random generator")
    machine.recorder.touch(RNG + generator, f"seeds the global generator of {generator}", reads=machine.conditional > 0)


def may_draw(machine: Machine) -> None:
    """Unknown code runs: it may draw from any generator that the notebook seeds."""
    for name in machine.recorder.hidden_names():
        if name.startswith(RNG):
            machine.recorder.once("may draw random numbers")
            machine.recorder.touch(name, "may draw random numbers")


def sets(machine: Machine, state: str) -> None:
    """Options, filters, environment or the like change."""
    machine.recorder.touch("$" + state, f"changes {state}", reads="$" + state in machine.recorder.names)


def volatile(machine: Machine, reason: str) -> None:
    """The result depends on the network, a database, the clock or fresh entropy."""
    recorder = machine.recorder
    texts = {
        "clock": "reads the clock",
        "network": "uses the network",
        "database": "uses a database",
        "entropy": "takes fresh randomness",
    }
    text = texts.get(reason, reason)
    if recorder.cell.volatile is None:
        recorder.cell.volatile = recorder.cause(text)
    recorder.once(text)


def use_process_state(machine: Machine) -> None:
    """A cell starts: warnings filters, environment, working directory and the like hold for it."""
    for name in _EVERYWHERE:
        if name in machine.recorder.names:
            machine.recorder.use(name, "runs after it was set")
    for name in machine.recorder.hidden_names():
        if name.startswith("$configured:"):
            machine.recorder.use(name, "runs after it was set")


def uses_library(machine: Machine, names: Iterable[str | None]) -> None:
    """Something of a library is used: its options hold."""
    for name in names:
        if name is None:
            continue
        top = name.partition(".")[0]
        for state in (_OPTIONS.get(top), f"$module:{top}"):
            if state is not None and state in machine.recorder.names:
                machine.recorder.use(state, f"uses {top} after it was set")
