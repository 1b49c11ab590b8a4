"""Text that comes piece by piece, without the secrets that lie across two pieces."""

from __future__ import annotations

from jupyter_mlops.engine.redactor import LONGEST, Redactor

__all__ = ["Streams"]


class Streams:
    """What a cell prints, piece by piece: an end that could be the beginning of a secret waits for what follows.

    Args:
        redactor: Knows the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._waiting: dict[str, str] = {}

    def add(self, stream: str, text: str) -> str:
        """Take text; return what may be kept of it and of what has waited."""
        text = self._waiting.pop(stream, "") + text
        start = self._redactor.open_end(text)
        if len(text) - start > 2 * LONGEST:
            start = len(text)
        if start < len(text):
            self._waiting[stream] = text[start:]
        return self._redactor.text(text[:start])

    def raw(self, stream: str) -> str:
        """Return what has waited as it came."""
        return self._waiting.pop(stream, "")

    def cut(self, stream: str) -> str:
        """Return what has waited, where what followed went missing."""
        return self._redactor.without_piece(self._redactor.text(self._waiting.pop(stream, "")))

    def rest(self) -> dict[str, str]:
        """Return what has waited, by stream; nothing follows it."""
        waiting, self._waiting = self._waiting, {}
        return {stream: self._redactor.text(text) for stream, text in waiting.items()}
