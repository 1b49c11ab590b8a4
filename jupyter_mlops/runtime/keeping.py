"""What ``log_artifact`` was given, written to a file beside the journal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import files
from .agreed import PLOTLY
from .describe import describe, type_name
from .writer import HashingFile

__all__ = ["keep_path", "keep_value"]

_PICTURES = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf", ".jpg": "image/jpeg"}
_SAMPLE = 4096


def keep_path(source: Path, name: str, target: Path, _: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a file, or pack a folder.

    Args:
        name: What it is called.
        target: Where the copy goes.
    """
    with HashingFile(target, fsync=False) as file:
        serializer = files.pack(source, file)
    preview = f"{serializer}, {file.size} bytes" if serializer == "folder" else _text_preview(source, file.size)
    return _entry(file, target, "file", serializer, serializer, preview)


def keep_value(value: Any, name: str, target: Path, context: Mapping[str, Any]) -> dict[str, Any]:
    """Write a picture, bytes, or any value.

    Args:
        name: What it is called; its suffix decides about the format of a picture.
        target: Where it goes.
        context: The context of the step.

    Raises:
        TypeError: The value can't be kept.
    """
    kind = _kind(value)
    if kind == "matplotlib.Figure":
        suffix = Path(name).suffix.lower()
        suffix = suffix if suffix in _PICTURES else ".png"
        with target.open("wb") as stream:
            value.savefig(stream, format=suffix[1:])
        return _existing(target, "figure", _PICTURES[suffix], describe(value)["preview"])
    if kind == "plotly.Figure":
        target.write_text(value.to_json(), encoding="utf-8")
        return _existing(target, "figure", PLOTLY, "plotly figure")
    if type(value) in (bytes, bytearray):
        with HashingFile(target, fsync=False) as file:
            file.write(value)
        return _entry(file, target, "file", "file", "file", f"file, {file.size} bytes")
    return _pickled(value, name, target, context)


def _pickled(value: Any, name: str, target: Path, context: Mapping[str, Any]) -> dict[str, Any]:
    from .refusals import reason_for
    from .serializers import choose
    from .usercode import UserCode

    main = sys.modules["__main__"].__dict__
    origin = f"{context.get('pipeline', '')}/{context.get('step', '')}"
    serializer = choose((value,))
    try:
        with HashingFile(target, fsync=False) as file:
            serializer.write(file, (value,), UserCode(main, frozenset(), origin))
    except (OSError, MemoryError):
        raise
    except Exception as error:
        reason = reason_for(value, error)
        raise TypeError(f"log_artifact can't keep {name!r} ({type_name(type(value))}): {reason}") from None
    about = describe(value)
    return {**_entry(file, target, "value", serializer.name, about["type"], about["preview"]), "about": about}


def _existing(target: Path, kind: str, type: str, preview: str) -> dict[str, Any]:
    return {
        "artifact": kind,
        "path": target.name,
        "bytes": target.stat().st_size,
        "digest": None,
        "type": type,
        "preview": preview,
    }


def _entry(file: HashingFile, target: Path, kind: str, serializer: str, type: str, preview: str) -> dict[str, Any]:
    return {
        "artifact": kind,
        "path": target.name,
        "bytes": file.size,
        "digest": file.digest,
        "serializer": serializer,
        "type": type,
        "preview": preview,
    }


def _kind(value: Any) -> str:
    """``matplotlib.Figure`` or ``plotly.Figure``, else an empty text."""
    for cls in type(value).__mro__:
        top = cls.__module__.partition(".")[0]
        if top == "matplotlib" and cls.__name__ == "Figure":
            return "matplotlib.Figure"
        if top == "plotly" and cls.__name__ in ("Figure", "BaseFigure"):
            return "plotly.Figure"
    return ""


def _text_preview(source: Path, size: int) -> str:
    """The beginning of a text, the size of anything else."""
    with source.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text.strip() or any(ord(letter) < 9 for letter in text):
        return f"file, {size} bytes"
    shown = " ".join(text.split())
    return f"file, {size} bytes: {shown}" if len(shown) <= 150 else f"file, {size} bytes: {shown[:149]}…"
