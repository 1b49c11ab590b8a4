"""What goes wrong on request."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Fault", "Faults"]

PAGE = (
    "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><script>x()</script></body></html>"
)


@dataclass
class Fault:
    """Something that goes wrong.

    Args:
        path: Regular expression for the paths it happens at.
        kind: ``answer`` answers with ``status``; ``slow`` answers after ``seconds``; ``lose`` closes the connection
            after the request was processed; ``drop`` closes it before.
        times: How often.
    """

    path: str
    kind: Literal["answer", "slow", "lose", "drop"] = "answer"
    method: str = ""
    status: int = 500
    body: str = PAGE.format(title="502 Bad Gateway")
    type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    times: int = 1


class Faults:
    """Faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Let these happen, too."""
        with self._lock:
            self._coming.extend(faults)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._coming.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return what goes wrong with this request."""
        with self._lock:
            for fault in self._coming:
                if fault.method in ("", method) and re.search(fault.path, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._coming.remove(fault)
                    return fault
        return None
