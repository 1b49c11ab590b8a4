"""What a server on this machine tells of itself, in a file that it writes again and again."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.deploy.watching.live import Live, live_from_json

__all__ = ["Status", "read_status", "write_status"]

_FILE = "live.json"


@dataclass(frozen=True, slots=True)
class Status:
    """How a server stands.

    Args:
        pid: Of its process.
        revision: Of the deployment that it serves.
        problem: Why it does not serve a later one.
    """

    pid: int
    revision: int
    problem: str | None
    live: Live


def write_status(folder: Path, status: Status) -> None:
    """Write it in one piece.

    Raises:
        OSError: The disk is full, or the like.
    """
    data = {"pid": status.pid, "revision": status.revision, "problem": status.problem, "live": status.live.to_json()}
    temporary = folder / f".{_FILE}.{secrets.token_hex(4)}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file)
        temporary.replace(folder / _FILE)
    finally:
        temporary.unlink(missing_ok=True)


def read_status(folder: Path) -> Status | None:
    """Return what was written last; None if nothing was that can be understood."""
    try:
        data: dict[str, Any] = json.loads((folder / _FILE).read_bytes())
        return Status(data["pid"], data["revision"], data["problem"], live_from_json(data["live"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
