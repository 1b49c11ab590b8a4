"""Where code in a step writes down what it wants to be kept with the run: lines of JSON, one file per process.

Each line is written by one call of the system, at the end of the file: threads need no lock, which a forked child might
find taken for ever, and what was written survives the process. The engine reads the files when the step has ended, in
whatever way.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .agreed import LOGGED_FOLDER, MOST_LOGGED
from .context import ENVIRONMENT_VARIABLE

__all__ = ["Journal", "journal"]


@dataclass
class Journal:
    """The journal of one step.

    Args:
        folder: Where it is.
        step: The step's name.
        parameters: The notebook's parameters with the values of this run.
        context: The step's context, as it stands in the file.
    """

    folder: Path
    step: str
    parameters: Mapping[str, Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    _owner: int = 0
    _file: int = -1
    _left: int = MOST_LOGGED
    _full: bool = False

    def write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Append entries.

        Raises:
            OSError: The disk is full or failed.
        """
        lines = [json.dumps(entry) for entry in entries[: self._left]]
        self._left -= len(lines)
        if len(lines) < len(entries) and not self._full:
            self._full = True
            lines.append('{"kind": "more"}')
        if not lines:
            return
        data = "".join(f"{line}\n" for line in lines).encode("ascii")
        if os.write(self._open(), data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))

    def new_file(self) -> Path:
        """Return a path for something that is to be kept; nobody else uses it."""
        return self.folder / f"{secrets.token_hex(8)}.kept"

    def _open(self) -> int:
        pid = os.getpid()
        if self._owner != pid:  # the first time, or in a forked child
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.folder / f"{pid}.jsonl", flags, 0o600)
            self._owner = pid
        return self._file


@dataclass
class _Process:
    """What this process knows: which step it belongs to does not change."""

    place: str | None = None
    journal: Journal | None = None


_process = _Process()


def journal() -> Journal | None:
    """Return the journal of the step that runs here; None outside of steps, and once the step is over."""
    place = os.environ.get(ENVIRONMENT_VARIABLE)
    if not place:
        return None
    if _process.place != place:
        _process.journal, _process.place = _open(Path(place)), place
    found = _process.journal
    return found if found is not None and found.folder.is_dir() else None


def _open(place: Path) -> Journal | None:
    try:
        raw = json.loads(place.read_text(encoding="utf-8"))
        folder = Path(raw["output_dir"]) / LOGGED_FOLDER
        if folder.parent.is_dir():
            folder.mkdir(exist_ok=True)
        return Journal(folder, str(raw.get("name") or raw["step"]), raw.get("parameters") or {}, raw)
    except (OSError, ValueError, KeyError, TypeError):
        return None
