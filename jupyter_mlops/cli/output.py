"""What the commands print: errors, diagnostics, JSON."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from jupyter_mlops.diagnostics import Diagnostic
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.names import printable

if TYPE_CHECKING:
    from jupyter_mlops.notebook.model import Notebook
    from jupyter_mlops.pipeline.model import Pipeline

__all__ = [
    "can_show_boxes",
    "count",
    "display_path",
    "force_encodable",
    "is_terminal",
    "plain_json",
    "print_diagnostics",
    "print_json",
    "report_error",
    "say",
    "table",
    "terminal_width",
]

_COLORS = {"error": "red", "warning": "yellow", "info": "cyan"}


def force_encodable() -> None:
    """Let the streams write any text, whatever their encoding."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def can_show_boxes(stream: IO[str] | None = None) -> bool:
    """Tell whether box characters can be written to the stream."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "ascii"
    try:
        "─│╭▼←…".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def terminal_width(default: int = 100) -> int:
    """Columns of the terminal, within reason; the default where there is none."""
    import shutil

    return max(40, min(shutil.get_terminal_size((default, 24)).columns, 160))


def is_terminal(stream: IO[str]) -> bool:
    """Tell whether someone watches who can be shown more than plain lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def _colored(stream: IO[str]) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def say(
    text: str = "", *, err: bool = False, color: str | None = None, bold: bool = False, flush: bool = False
) -> None:
    """Print a line, in colour on a terminal."""
    stream = sys.stderr if err else sys.stdout
    if (color or bold) and _colored(stream):
        text = click.style(text, fg=color, bold=bold)
    print(text, file=stream, flush=err or flush)


def plain_json(data: Any, *, ascii_only: bool = False, indent: int | None = 2) -> str:
    """Write strict JSON; the strings ``NaN``, ``Infinity`` and ``-Infinity`` stand for what it can't say."""
    text = json.dumps(_finite(data), indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def print_json(data: Any, *, each_line: bool = False) -> None:
    """Print strict JSON on stdout, in characters that it has.

    Args:
        each_line: Whether it takes one line, to be read at once by whoever reads lines.
    """
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    text = plain_json(data, ascii_only=not encoding.startswith("utf8"), indent=None if each_line else 2)
    print(text, flush=each_line)


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(data)]
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    return data


def count(number: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def display_path(path: Path | None) -> str:
    """Write a path as short as it can be: relative to the working directory where it lies within."""
    if path is None:
        return "notebook"
    try:
        shown = path.relative_to(Path.cwd())
    except (ValueError, OSError):
        shown = path
    return printable(str(shown))


def report_error(error: MlopsError) -> None:
    """Print an error and its hint on stderr."""
    _labelled("error", error.message, "red")
    if error.hint:
        _labelled("hint", error.hint, "cyan")


def _labelled(label: str, text: str, color: str) -> None:
    first, *rest = text.splitlines() or [""]
    shown = click.style(f"{label}:", fg=color, bold=True) if _colored(sys.stderr) else f"{label}:"
    print(
        "\n".join([f"{shown} {first}", *(" " * (len(label) + 2) + line for line in rest)]), file=sys.stderr, flush=True
    )


def print_diagnostics(
    diagnostics: Iterable[Diagnostic], notebook: Notebook, pipeline: Pipeline | None = None, *, err: bool = False
) -> None:
    """Print diagnostics as a compiler would: place, severity, code, message; the line; the hint."""
    for diagnostic in diagnostics:
        for text, color in _diagnostic_lines(diagnostic, notebook, pipeline):
            say(text, err=err, color=color)


def _diagnostic_lines(
    diagnostic: Diagnostic, notebook: Notebook, pipeline: Pipeline | None
) -> list[tuple[str, str | None]]:
    from jupyter_mlops.pipeline.places import cell_place, source_line

    place = cell_place(notebook, diagnostic.cell, diagnostic.line, pipeline)
    where = ", ".join(part for part in (display_path(notebook.path), place) if part)
    lines: list[tuple[str, str | None]] = [
        (f"{where}: {diagnostic.severity} {diagnostic.code}: {diagnostic.message}", _COLORS[diagnostic.severity])
    ]
    source = source_line(notebook, diagnostic.cell, diagnostic.line)
    if source is not None and source.strip():
        shown, carets = _excerpt(source.strip().expandtabs(), diagnostic.message)
        lines.append((f"    {shown}", None))
        if carets:
            lines.append((f"    {carets}", _COLORS[diagnostic.severity]))
    if diagnostic.hint:
        lines.append((f"  hint: {diagnostic.hint}", None))
    return lines


def _excerpt(source: str, message: str) -> tuple[str, str]:
    """Cut a line of code to what fits, around what the message is about; return it and what underlines it."""
    carets = _carets(source, message)
    room = terminal_width(default=124) - 4
    if len(source) <= room:
        return source, carets
    middle = (carets.find("^") + len(carets)) // 2 if carets else 0
    start = max(0, min(middle - room // 2, len(source) - room))
    shown, carets = source[start : start + room], carets[start : start + room]
    if start:
        shown, carets = f"...{shown[3:]}", f"   {carets[3:]}"
    if start + room < len(source):
        shown = f"{shown[:-3]}..."
    return shown, carets.rstrip()


def _carets(source: str, message: str) -> str:
    """Underline what the message quotes, if it stands in the line exactly once."""
    for quoted in re.findall(r"[`'\"]([^`'\"]+)[`'\"]", message):
        found = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(quoted)}(?!\w)", source)]
        if len(found) == 1 and quoted != source:
            return " " * found[0] + "^" * len(quoted)
    return ""


def table(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> list[str]:
    """Align cells in columns, two blanks apart."""
    from jupyter_mlops.pipeline.drawing.labels import display_width

    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
