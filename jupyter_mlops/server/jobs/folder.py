"""What is kept of a job: a folder with what was asked, what has happened, and what its process printed."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyter_mlops.pipeline.json_form import json_value

__all__ = ["JobFolder", "job_folders", "new_job", "now"]

_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
_MOST_AT_ONCE = 1 << 20
"""Bytes of events that are read at one time."""


def now() -> str:
    """Return the time as the description has it."""
    text = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


@dataclass(frozen=True)
class JobFolder:
    """The files of a job.

    Args:
        path: ``jobs/ID`` in the store's folder.
    """

    path: Path

    @property
    def id(self) -> str:
        """The job's id."""
        return self.path.name

    @property
    def order(self) -> Path:
        """What was asked, without secrets."""
        return self.path / "order.json"

    @property
    def events(self) -> Path:
        """What has happened, a JSON object a line."""
        return self.path / "events.ndjson"

    @property
    def printed(self) -> Path:
        """What the process printed besides."""
        return self.path / "process.log"

    @property
    def stop_wish(self) -> Path:
        """There if somebody asked it to stop."""
        return self.path / "stop"

    @property
    def end(self) -> Path:
        """How it stood when it had ended, so that nobody has to read its events again."""
        return self.path / "end.json"

    def write_order(self, order: dict[str, Any]) -> None:
        """Keep what was asked."""
        _write(self.order, order)

    def write_end(self, state: dict[str, Any]) -> None:
        """Keep how it ended, if there is room for it."""
        with contextlib.suppress(OSError):
            _write(self.end, state)

    def read_order(self) -> dict[str, Any] | None:
        """Return what was asked; None if that can't be read."""
        return _read(self.order)

    def read_end(self) -> dict[str, Any] | None:
        """Return how it ended; None if it has not, or that can't be read."""
        return _read(self.end)

    def append(self, event: dict[str, Any]) -> None:
        """Add an event; one system call each, so that a process that dies leaves whole lines."""
        with self.events.open("ab", buffering=0) as file:
            file.write(json.dumps(json_value(event)).encode() + b"\n")

    def read_events(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return events from an offset on, and the offset of what follows; lines that are not whole yet wait."""
        try:
            with self.events.open("rb") as file:
                file.seek(offset)
                text = file.read(_MOST_AT_ONCE)
                if b"\n" not in text and len(text) == _MOST_AT_ONCE:
                    text += file.readline()
        except OSError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        return [event for line in whole.splitlines() for event in _parsed(line)], offset + len(whole)

    def tail_of_printed(self, size: int) -> str:
        """Return the end of what the process printed."""
        try:
            with self.printed.open("rb") as file:
                file.seek(max(0, self.printed.stat().st_size - size))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def remove(self) -> None:
        """Forget the job."""
        shutil.rmtree(self.path, ignore_errors=True)


def new_job(jobs: Path) -> JobFolder:
    """Make the folder of a new job.

    Raises:
        OSError: It can't be made.
    """
    jobs.mkdir(mode=0o700, exist_ok=True)
    while True:
        name = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        with contextlib.suppress(FileExistsError):
            (jobs / name).mkdir(mode=0o700)
            return JobFolder(jobs / name)


def job_folders(jobs: Path) -> list[JobFolder]:
    """Return the jobs of a store, the newest first."""
    try:
        names = sorted((item.name for item in jobs.iterdir() if _NAME.fullmatch(item.name)), reverse=True)
    except OSError:
        return []
    return [JobFolder(jobs / name) for name in names]


def _write(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.touch(0o600)
    temporary.write_text(json.dumps(json_value(content)), encoding="utf-8")
    temporary.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("path"), str) else None


def _parsed(line: bytes) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict):
            yield event
