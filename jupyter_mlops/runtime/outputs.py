"""Outputs of cells as a notebook keeps them: within limits, and without the values of secrets."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .secret_names import REDACTED, is_secret

__all__ = ["Outputs", "Redactor"]

TEXT = 1_000_000
"""Characters kept from the beginning of what a cell prints."""
TAIL = 50_000
"""Characters kept from its end."""
RICH = 20_000_000
"""Characters of tables, images and the like of a cell."""
COUNT = 2_000
_SHORTEST = 4
_SHORTEST_NAMED = 8
_LARGEST_SECRET = 1024 * 1024


class Redactor:
    """Takes the values of secrets out of texts.

    Args:
        secrets: The values; those too short to be told from other text are left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = {text.strip() for text in secrets}
        lines = {line.strip() for value in values for line in value.splitlines()}
        # the longest first: one may be part of another
        self._secrets = sorted({item for item in values | lines if len(item) >= _SHORTEST}, key=lambda item: -len(item))

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def text(self, text: str) -> str:
        """Return the text without them."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text

    def anything(self, value: Any) -> Any:
        """Return plain data without them."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.anything(key): self.anything(item) for key, item in value.items()}
        return [self.anything(item) for item in value] if isinstance(value, (list, tuple)) else value

    @classmethod
    def of(cls, variables: Iterable[str], files: Iterable[str]) -> Redactor:
        """Read the secrets of environment variables and of mounted files or folders.

        Variables whose names promise a secret count as well.
        """
        secrets = [os.environ.get(name, "") for name in variables]
        named = (value for name, value in os.environ.items() if is_secret(name))
        secrets += [value for value in named if len(value) >= _SHORTEST_NAMED]
        for name in files:
            path = Path(name)
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                try:
                    if file.is_file() and file.stat().st_size <= _LARGEST_SECRET:
                        secrets.append(file.read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    continue
        return cls(secrets)


class Outputs:
    """Takes the outputs of one cell after the other; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.begin()

    def begin(self) -> None:
        """A cell begins."""
        with self._lock:
            self._items: list[dict[str, Any]] = []
            self._ids: dict[str, list[dict[str, Any]]] = {}
            self._clear = False
            self._room, self._rich = TEXT, RICH
            self._end: list[str] = []
            self._held = self._left_out = 0
            self.error: dict[str, Any] | None = None

    def text(self, stream: str, text: str) -> None:
        """Take what is printed."""
        with self._lock:
            self._clear_now()
            kept = text[: self._room]
            self._room -= len(kept)
            if kept:
                last = self._items[-1] if self._items else {}
                if last.get("output_type") == "stream" and last["name"] == stream:
                    last["text"].append(kept)
                else:
                    self._add({"output_type": "stream", "name": stream, "text": [kept]})
            if len(kept) < len(text):
                self._end.append(text[len(kept) :])
                self._held += len(text) - len(kept)
                if self._held > 2 * TAIL:  # not each time: a cell may print a million lines
                    self._trim()

    def data(self, kind: str, data: Mapping[str, Any], metadata: Any, count: int | None, display: str | None) -> None:
        """Take a table, an image or the like."""
        with self._lock:
            self._clear_now()
            output: dict[str, Any] = {
                "output_type": kind,
                "data": self._fitting(data),
                "metadata": dict(metadata or {}),
            }
            if kind == "execute_result":
                output["execution_count"] = count
            if display is not None:
                self._ids.setdefault(display, []).append(output)
            self._add(output)

    def update(self, data: Mapping[str, Any], metadata: Any, display: str | None) -> None:
        """Replace what was displayed under this id."""
        with self._lock:
            for output in self._ids.get(display or "", []):
                output["data"], output["metadata"] = self._fitting(data), dict(metadata or {})

    def fail(self, name: str, value: str, traceback: Iterable[str]) -> None:
        """Take an error."""
        with self._lock:
            self._clear_now()
            lines = [str(line)[:TAIL] for line in traceback]
            self.error = {"output_type": "error", "ename": name, "evalue": value[:TAIL], "traceback": lines}
            self._items.append(self.error)

    def clear(self, wait: bool) -> None:
        """Forget what was shown, at once or with the next output."""
        with self._lock:
            self._clear = True
            if not wait:
                self._clear_now()

    def take(self) -> list[dict[str, Any]]:
        """The cell has ended: return its outputs as nbformat has them."""
        with self._lock:
            self._trim()
            if self._end:
                if self._left_out:
                    self._end.insert(0, f"\n[{self._left_out} characters of output left out here]\n")
                end = {"output_type": "stream", "name": "stdout", "text": self._end}
                place = len(self._items) - (1 if self.error is not None and self._items[-1:] == [self.error] else 0)
                self._items.insert(place, end)
            return [_joined(item) for item in self._items]

    def _trim(self) -> None:
        """Forget all of the end but its last characters."""
        text = "".join(self._end)
        self._left_out += max(0, len(text) - TAIL)
        self._end = [text[-TAIL:]] if text else []
        self._held = min(len(text), TAIL)

    def _add(self, output: dict[str, Any]) -> None:
        if len(self._items) < COUNT:
            self._items.append(output)
        elif len(self._items) == COUNT:
            notice = f"\n[further outputs left out: of a cell {COUNT} are kept]\n"
            self._items.append({"output_type": "stream", "name": "stderr", "text": [notice]})

    def _clear_now(self) -> None:
        if self._clear:
            error = self.error
            self._items.clear()
            self._clear, self._room, self._rich, self._held, self._left_out = False, TEXT, RICH, 0, 0
            self._end = []
            self.error = error

    def _fitting(self, data: Mapping[str, Any]) -> dict[str, Any]:
        shown = {str(kind): _plain(value) for kind, value in data.items()}
        size = sum(len(value) if isinstance(value, str) else len(repr(value)) for value in shown.values())
        if size > self._rich:
            return {"text/plain": f"[{', '.join(shown)} of {size} bytes left out: a cell shows up to {RICH}]"}
        self._rich -= size
        return shown


def _joined(output: dict[str, Any]) -> dict[str, Any]:
    if output["output_type"] != "stream":
        return output
    return {**output, "text": "".join(output["text"])}


def _plain(value: Any) -> Any:
    """Make a value of a display what JSON holds."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
