"""A kernel's traceback cut down to the user's own code, with the cells and lines of the user's notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Snippet, Step
from jupyter_mlops.pipeline.places import cell_place, source_line
from jupyter_mlops.steps.cells import role_of
from jupyter_mlops.steps.notebook import replay_source

__all__ = ["Locate", "blank_lines_above", "concise", "locator", "replayed_place"]

_RULE = re.compile(r"-{40,}")
_HEADER = re.compile(r"\S+\s+Traceback \(most recent call last\)")
_CELL = re.compile(r"(\s*)Cell In\s?\[(\d+)\], line (\d+)(.*)")
_FILE = re.compile(r"\s*File (.+?):(\d+)(?:, in| in) .*")
_EXCERPT = re.compile(r"(-+> ?|\s+)(\d+)((?: .*)?)")
_ARROW = re.compile(r"-+>\s*\d+ ?(.*)")
_PACKAGE = re.compile(r"[\\/](?:site|dist)-packages[\\/]([^\\/]+?)(?:\.py)?(?:[\\/]|$)")
_PYTHON = re.compile(r"[\\/](?:lib|Lib)(?:64)?[\\/](?:python3[\d.]*[\\/])?[^\\/]+(?:[\\/]|\.py)|<frozen ")
_COMPILED = (".pxi", ".pyx", ".pxd", ".c", ".cpp")
_RUNTIME = "mlops_runtime"
_OWN = re.compile(r"jupyter_mlops[\\/]runtime[\\/]")
_OURS = frozenset({_RUNTIME, "IPython"})  # what runs the user's code is of no interest


@dataclass(frozen=True)
class Place:
    """A line of the user's notebook: in words, its number, and the whole cell."""

    words: str
    line: int
    lines: Sequence[str]


Locate = Callable[[int, int, str], "Place | None"]
"""From IPython's number of a cell, a line in it and that line's text to the place in the user's notebook."""


@dataclass
class _Frame:
    """One call of a traceback: the line that names it and the code around it."""

    lines: list[str]

    @property
    def library(self) -> str | None:
        """Whose code it is, if not the user's."""
        match = _FILE.fullmatch(self.lines[0])
        if match is None:
            return None
        path = match[1]
        if _RUNTIME in path or _OWN.search(path):
            return _RUNTIME
        package = _PACKAGE.search(path)
        if package is not None:
            return package[1]
        if path.endswith(_COMPILED):
            return re.split(r"[\\/.]", path)[0] or "compiled code"
        return "Python" if _PYTHON.search(path) else None


def concise(traceback: str, locate: Locate) -> str:
    """Leave out the frames of libraries, count repeated ones once, and name the user's own cells.

    Args:
        traceback: As IPython prints it, without colours.
        locate: Finds a cell's line in the user's notebook.
    """
    lines: list[str] = []
    for kind, group in groupby(_parts(traceback.splitlines()), key=_kind):
        texts = [_text(item, locate) for item in group]
        if kind == "library":
            shown = [name for name in texts if name not in _OURS]
            lines += [_left_out(shown)] if shown else []
        elif kind == "user":
            for text, same in groupby(texts):
                count = sum(1 for _ in same)
                lines += [text] if count == 1 else [text, f"[and the same {count - 1} times more]"]
        else:
            lines += texts
    return "\n".join(lines).strip("\n")


def _left_out(libraries: Sequence[str]) -> str:
    frames = "1 frame" if len(libraries) == 1 else f"{len(libraries)} frames"
    return f"[{frames} in {', '.join(dict.fromkeys(libraries))}]"


def _kind(part: _Frame | str) -> str:
    if isinstance(part, str):
        return "text"
    return "user" if part.library is None else "library"


def _text(part: _Frame | str, locate: Locate) -> str:
    if isinstance(part, str):
        return part
    if part.library is not None:
        return part.library
    _relocate(part, locate)
    return "\n".join(part.lines)


def locator(pipeline: Pipeline, step: Step, notebook: Notebook, cells: Iterable[Mapping[str, Any]]) -> Locate:
    """Make the function that finds lines of an executed step notebook in the user's notebook.

    Args:
        cells: Those of the step notebook.
    """
    own = {cell.get("execution_count"): str(cell.get("id")) for cell in cells if role_of(cell) is None}

    def found(cell: str, line: int) -> Place:
        return Place(cell_place(notebook, cell, line, pipeline), line, _lines_of(notebook, cell))

    def locate(count: int, line: int, text: str) -> Place | None:
        cell = own.get(count)
        below = line + blank_lines_above(notebook, cell)
        if cell is not None and (source_line(notebook, cell, below) or "").strip() == text:
            return found(cell, below)
        # Cells of ours are not counted: they go by the number of the next one.
        for snippets in (step.replay, step.replay_loaded):
            lines = replay_source(snippets)[0].split("\n")
            if 0 < line <= len(lines) and lines[line - 1].strip() == text:
                cell, there = replayed_place(snippets, notebook, line)
                if cell is not None and there is not None:
                    return found(cell, there)
        return None

    return locate


def blank_lines_above(notebook: Notebook, cell: str | None) -> int:
    """Count the blank lines at the top of a cell: IPython drops them before it counts."""
    lines = _lines_of(notebook, cell)
    return next((number for number, line in enumerate(lines) if line.strip()), 0)


def replayed_place(snippets: Iterable[Snippet], notebook: Notebook, line: int) -> tuple[str | None, int | None]:
    """Return the cell, and where it can be told the line in it, that a line of replayed code comes from."""
    snippets = tuple(snippets)
    starts = replay_source(snippets)[1]
    known = [item for item in zip(starts, snippets, strict=True) if item[0][0] <= line]
    if not known:
        return None, None
    (start, cell), snippet = known[-1]
    whole = _lines_of(notebook, cell)
    place = 0
    try:
        # The statements that a step needs, one below the other, without what was between them.
        for text in snippet.source.strip("\n").split("\n")[: line - start + 1]:
            place = whole.index(text, place) + 1
    except ValueError:
        return cell, None
    return cell, place


def _lines_of(notebook: Notebook, cell: str | None) -> list[str]:
    return next((item.source.split("\n") for item in notebook.cells if item.id == cell), [])


def _parts(lines: Iterable[str]) -> Iterator[_Frame | str]:
    """Take a traceback apart: frames, and lines that belong to none."""
    frame: _Frame | None = None
    for line in lines:
        if _CELL.fullmatch(line) or _FILE.fullmatch(line):
            if frame is not None:
                yield frame
            frame = _Frame([line])
        elif frame is not None and line[:1] in (" ", "-") and not _RULE.fullmatch(line):
            frame.lines.append(line)
        elif frame is not None and not line:
            yield frame  # the blank line below it goes
            frame = None
        else:
            if frame is not None:
                yield frame
                frame = None
            if _HEADER.fullmatch(line):
                yield "Traceback (most recent call last):"
            elif not _RULE.fullmatch(line):
                yield line
    if frame is not None:
        yield frame


def _relocate(frame: _Frame, locate: Locate) -> None:
    match = _CELL.fullmatch(frame.lines[0])
    if match is None:
        return
    line = int(match[3])
    arrows = [found[1].strip() for text in frame.lines[1:] if (found := _ARROW.fullmatch(text))]
    place = locate(int(match[2]), line, arrows[0] if arrows else frame.lines[1].strip() if frame.lines[1:] else "")
    if place is None:
        return
    frame.lines[0] = f"{match[1]}{place.words[:1].upper()}{place.words[1:]}{match[4]}"
    shown = (_renumbered(text, place, line) for text in frame.lines[1:])
    frame.lines[1:] = [text for text in shown if text is not None]


def _renumbered(text: str, place: Place, line: int) -> str | None:
    """Give a line of an excerpt its number in the user's cell; None if it is not from there."""
    match = _EXCERPT.fullmatch(text)
    if match is None or place.line == line:
        return text
    number = int(match[2]) + place.line - line
    is_there = 0 < number <= len(place.lines) and place.lines[number - 1].strip() == match[3].strip()
    return f"{match[1]}{number:>{len(match[2])}}{match[3]}" if is_there else None
