"""A sample of the requests, as lines of JSON, for whoever asked for it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_mlops.deploy.serving.policy import Observation
from jupyter_mlops.deploy.watching.versions import columns_of

__all__ = ["RequestLog"]

_LARGEST = 50_000_000


class RequestLog:
    """Writes a part of the requests; what it has written is one file and the one before it, within bounds.

    Args:
        path: Of the file; readable by its owner alone.
        part: Of the requests, between 0 and 1.
        draw: Returns a number between 0 and 1.
        largest: Bytes after which a new file begins.
    """

    def __init__(self, path: Path, part: float, draw: Callable[[], float], *, largest: int = _LARGEST) -> None:
        self._path = path
        self._part = part
        self._draw = draw
        self._largest = largest

    def write(self, observation: Observation, when: float) -> None:
        """Write a request, if it is drawn.

        Args:
            when: Seconds since the epoch.

        Raises:
            OSError: The disk is full, or the like.
        """
        if self._part <= 0 or self._draw() >= self._part:
            return
        line = json.dumps(_line(observation, when), ensure_ascii=False, default=str) + "\n"
        if self._path.exists() and self._path.stat().st_size > self._largest:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line)


def _line(observation: Observation, when: float) -> dict[str, Any]:
    return {
        "time": round(when, 3),
        "id": observation.request.id,
        "model": observation.request.model,
        "version": observation.version,
        "shadow": observation.shadow,
        "seconds": round(observation.seconds, 6),
        "error": observation.error,
        "fault": observation.fault,
        "inputs": None if observation.inputs is None else _plain(columns_of(observation.inputs)),
        "outputs": _plain(observation.outputs),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return None if value is None else np.asarray(value).tolist()
