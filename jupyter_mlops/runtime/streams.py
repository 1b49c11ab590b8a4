"""What a process prints, by whatever way, goes to the cell that runs and on to the container's log."""

from __future__ import annotations

import codecs
import io
import os
import secrets
import sys
import threading
from collections.abc import Callable
from typing import Any

from .outputs import Outputs, Redactor

__all__ = ["Capture"]

_BLOCK = 65536
_LINE = 4096
_PATIENCE = 5.0
"""Seconds to wait for what the operating system still holds of a cell's output."""


class Capture:
    """Replaces ``sys.stdout`` and ``sys.stderr``, and the descriptors that programs and libraries in C write to.

    Args:
        outputs: Takes what is printed.
        redactor: Takes secrets out of what goes on to the log.
    """

    def __init__(self, outputs: Outputs, redactor: Redactor) -> None:
        self._channels = [
            _Channel(1, "stdout", outputs, redactor),
            _Channel(2, "stderr", outputs, redactor),
        ]
        self._streams = (sys.stdout, sys.stderr)

    def __enter__(self) -> Capture:
        for stream in self._streams:
            stream.flush()
        for channel in self._channels:
            channel.open()
        sys.stdout, sys.stderr = (_Stream(channel) for channel in self._channels)
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()
        sys.stdout, sys.stderr = self._streams
        for channel in self._channels:
            channel.close()

    def drain(self) -> None:
        """Wait for all that was printed so far."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for channel in self._channels:
            channel.drain()


class _Channel:
    """A descriptor whose text is read by a thread."""

    def __init__(self, number: int, name: str, outputs: Outputs, redactor: Redactor) -> None:
        self.number = number
        self.name = name
        self.process = os.getpid()
        self._outputs = outputs
        self._redactor = redactor
        self._held = ""
        self._lock = threading.Lock()
        self._mark = f"\0{secrets.token_hex(16)}\0".encode()
        self._seen = threading.Event()

    def open(self) -> None:
        self.log = os.dup(self.number)
        source, target = os.pipe()
        os.dup2(target, self.number)
        os.close(target)
        self._thread = threading.Thread(target=self._read, args=(source,), name=f"mlops-{self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.dup2(self.log, self.number)  # closes the pipe's end
        self._thread.join(_PATIENCE)
        os.close(self.log)

    def drain(self) -> None:
        self._seen.clear()
        os.write(self.number, self._mark)
        self._seen.wait(_PATIENCE)
        with self._lock:
            text, self._held = self._held, ""
            self._log(self._redactor.text(text) + "\n" if text else "")

    def take(self, text: str) -> None:
        """Keep some text and pass it on."""
        self._outputs.text(self.name, text)
        with self._lock:
            if not self._redactor:
                self._log(text)
                return
            # whole lines: a secret may come in two pieces
            whole, newline, rest = (self._held + text).rpartition("\n")
            self._log(self._redactor.text(whole + newline))
            self._held = rest

    def _log(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self.log, data) :]
        except OSError:
            return  # nobody reads the log: no reason to fail

    def _read(self, source: int) -> None:
        decode: Callable[..., str] = codecs.getincrementaldecoder("utf-8")("replace").decode
        held = b""
        while True:
            block = os.read(source, _BLOCK)
            if not block:
                break
            held += block
            while self._mark in held:
                before, held = held.split(self._mark, 1)
                self._decoded(decode(before))
                self._seen.set()
            keep = _overlap(held, self._mark)
            self._decoded(decode(held[: len(held) - keep]))
            held = held[len(held) - keep :]
        self._decoded(decode(held, True))
        os.close(source)

    def _decoded(self, text: str) -> None:
        if text:
            self.take(text)


def _overlap(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of the data may be the beginning of the mark."""
    return next((size for size in range(min(len(data), len(mark) - 1), 0, -1) if mark.startswith(data[-size:])), 0)


class _Stream(io.TextIOBase):
    """What user code knows as ``sys.stdout`` or ``sys.stderr``."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel
        self._pending: list[str] = []
        self.name = f"<{channel.name}>"

    encoding = "UTF-8"
    errors = "backslashreplace"

    @property
    def buffer(self) -> Any:
        """For those who write bytes."""
        return _Bytes(self)

    def fileno(self) -> int:
        return self._channel.number

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self._channel.process:  # forked: the parent reads what comes through the descriptor
            os.write(self._channel.number, text.encode("utf-8", "backslashreplace"))
            return len(text)
        self._pending.append(text)
        if "\n" in text or "\r" in text or len(text) > _LINE:  # ``print`` writes a line in many pieces
            self.flush()
        return len(text)

    def flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            self._channel.take("".join(pending))


class _Bytes(io.RawIOBase):
    def __init__(self, stream: _Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, data: Any) -> int:
        raw = bytes(data)
        self._stream.write(raw.decode("utf-8", "replace"))
        return len(raw)
