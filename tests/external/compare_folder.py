"""Tries ``verify`` on a folder of notebooks that nobody wrote for it, and writes a table.

    python tests/external/compare_folder.py FOLDER [--out table.md] [--timeout 300] [--jobs 1] [--only GLOB]
                                                   [--by cell] [--cut-failing]

The folder is not written. Each notebook is tagged in a copy: the cells under a heading are a step.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.diagnostics import has_errors
from jupyter_mlops.engine.events import Event, RunStarted, StepStarted
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.verify.model import Difference, Verification

__all__ = ["Row", "compare_folder", "table", "tagged"]

VERDICTS = (
    "equal",  # also where something differs from run to run by itself, which the last column says
    "told",  # refused before the run, with diagnostics
    "different",
    "fails in pipeline",
    "whole fails",
    "timeout",  # the notebook itself takes too long
    "refused",  # not a Python notebook of nbformat 4, too large a folder …
    "hang",  # ours: no answer within all the time that its runs may take
    "crash",  # ours
)
BAD = frozenset(["different", "fails in pipeline", "hang", "crash"])
_MOST_RUNS = 6
"""Runs of the whole notebook, at most, that one verification may take as long as; then it hangs."""
_SLACK = 60
_HEADING = re.compile(r" {0,3}#{1,6}\s|<h[1-6][ >]", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(```|~~~)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SHORT = 160


@dataclass(frozen=True)
class Row:
    """What came of one notebook.

    Args:
        whole: ``ok``, ``fails``, ``timeout``, or ``-`` where it was not run.
        details: What differs and why, which diagnostics, which error.
        cut: How many cells were cut off before the statement that fails here.
    """

    notebook: str
    cells: int = 0
    steps: int = 0
    whole: str = "-"
    verdict: str = "crash"
    details: str = ""
    seconds: float = 0.0
    cut: int = 0


def tagged(raw: dict[str, Any], by: str = "heading") -> dict[str, Any]:
    """Tag the cells below each heading as one step, or each cell as a step; cells above all headings stay untagged.

    A cell whose saved outputs end in an error raises on purpose: it is tagged so that the run goes on.
    """
    number = 0
    cells = []
    for cell in raw["cells"]:
        if cell["cell_type"] == "markdown" and _has_heading(_text(cell["source"])):
            number += by == "heading"
        if cell["cell_type"] == "code":
            number += by == "cell"
            tags = [f"step:s{number}"] * (number > 0)
            tags += ["raises-exception"] * any(item["output_type"] == "error" for item in cell.get("outputs", ()))
            cell = {**cell, "metadata": {**cell.get("metadata", {}), "tags": tags}}
        cells.append(cell)
    metadata = dict(raw.get("metadata", {}))
    if "python" in str(metadata.get("kernelspec")).lower():  # the author's environment is not here
        metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {**raw, "cells": cells, "metadata": metadata}


def _has_heading(markdown: str) -> bool:
    fenced = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _HEADING.match(line):
            return True
    return False


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


# one notebook, in a process of its own


class _Progress:
    """Leaves word of where a verification is, for the case that it never ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run = ""

    def handle(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._run = event.pipeline
        if isinstance(event, (RunStarted, StepStarted)):
            step = f", {event.name}" if isinstance(event, StepStarted) else ""
            self._path.write_text(f"{self._run}{step}", encoding="utf-8")


def examine(path: Path, timeout: float, progress: Path, *, rehearsal: Path | None = None) -> Row:
    """Verify one tagged notebook.

    Args:
        rehearsal: A copy of its folder to run it in beforehand, in order to cut the cells that fail.
    """
    from jupyter_mlops import api

    row = Row(path.name)
    try:
        if rehearsal is not None:
            progress.write_text("rehearsal", encoding="utf-8")
            row = replace(row, cut=_cut_failing(path, rehearsal, timeout))
            progress.unlink()
        notebook = api.read_notebook(path)
        pipeline = api.pipeline(notebook)
        row = replace(row, cells=len(notebook.cells), steps=len(pipeline.steps))
        if has_errors(pipeline.diagnostics):
            return replace(row, verdict="told", details=_diagnostics(pipeline))
        verification = api.verify(notebook, timeout=timeout, reporter=_Progress(progress))
    except MlopsError as error:
        return replace(row, verdict="refused", details=str(error))
    return _judged(row, notebook, pipeline, verification)


def _cut_failing(path: Path, rehearsal: Path, timeout: float) -> int:
    """Take out statements that fail for want of a network, a library or an older version of one, with what follows.

    Returns:
        How many cells were cut.

    Raises:
        MlopsError: The notebook takes too long.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    raw = json.loads(path.read_text(encoding="utf-8"))
    executed = nbformat.reads(json.dumps({**raw, "nbformat_minor": 4}), as_version=4)
    resources = {"metadata": {"path": str(rehearsal)}}
    try:
        NotebookClient(executed, timeout=int(timeout), allow_errors=True, resources=resources).execute()
    except (CellTimeoutError, DeadKernelError) as late:
        raise MlopsError(f"The rehearsal ends: {_short(late)}") from late
    count = 0
    for cell, seen in zip(raw["cells"], executed.cells, strict=True):
        error = next((item for item in seen.get("outputs", ()) if item["output_type"] == "error"), None)
        if error is not None and "raises-exception" not in cell["metadata"].get("tags", []):
            count += 1
            cell["source"] = _before_failure(_text(cell["source"]), seen.execution_count, error["traceback"])
    path.write_text(json.dumps(raw), encoding="utf-8")
    return count


def _before_failure(source: str, number: int, traceback: Sequence[str]) -> str:
    """The statements of a cell above the one that fails; none if it is not plain Python."""
    place = re.search(rf"Cell In\[{number}\], line (\d+)", _COLOUR.sub("", "\n".join(traceback)))
    try:
        body = ast.parse(re.sub(r"(?m)^[%!].*$", "pass", source)).body
    except SyntaxError:
        return ""
    kept = [item for item in body if place is not None and (item.end_lineno or 0) < int(place.group(1))]
    return "\n".join(source.splitlines()[: kept[-1].end_lineno]) if kept else ""


def _judged(row: Row, notebook: Notebook, pipeline: Pipeline, found: Verification) -> Row:
    if found.failure is not None:
        late = found.failure.ename == "StepTimeout"
        whole, verdict = ("timeout", "timeout") if late else ("fails", "whole fails")
        place = f"cell {found.failure.cell_index}: " if found.failure.cell_index is not None else ""
        return replace(row, whole=whole, verdict=verdict, details=place + found.failure.message)
    if not found.differences:
        unstable = sorted({f"{item.kind} {item.name}" for item in found.unstable})
        details = f"{len(unstable)} unstable: {', '.join(unstable)}" if unstable else ""
        return replace(row, whole="ok", verdict="equal", details=details)
    failures = [item for item in found.differences if item.kind == "failure"]
    warnings = [item for item in pipeline.diagnostics if item.severity == "warning"]
    told = not failures and {item.cell for item in found.differences} <= {item.cell for item in warnings}
    verdict = "fails in pipeline" if failures else "told" if told else "different"
    shown = [_difference(item, notebook) for item in (*failures[:1], *_first_of_cause(found.differences))]
    details = f"{len(found.differences)} differences: " + " · ".join(dict.fromkeys(shown))
    warned = f" (warned: {', '.join(sorted({item.code for item in warnings}))})" if warnings else ""
    return replace(row, whole="ok", verdict=verdict, details=details + warned)


def _first_of_cause(differences: Iterable[Difference]) -> list[Difference]:
    """The first of each cause; what follows from another difference tells nothing."""
    firsts = {item.cause.code: item for item in reversed(list(differences)) if item.cause.code != "upstream"}
    return list(reversed(firsts.values()))


def _difference(item: Difference, notebook: Notebook) -> str:
    index = next((cell.index for cell in notebook.cells if cell.id == item.cell), None)
    values = "" if item.kind == "failure" else f"{_short(item.whole)} ≠ "
    return f"cell {index} ({item.step}) {item.kind} {item.name}: {values}{_short(item.pipeline)} [{item.cause.code}]"


def _diagnostics(pipeline: Pipeline) -> str:
    errors = [item for item in pipeline.diagnostics if item.severity == "error"]
    return " · ".join(f"{item.code} {_short(item.message)}" for item in errors[:3])


def _short(text: object) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= _SHORT else flat[: _SHORT - 1] + "…"


# all notebooks


def compare_folder(
    folder: Path,
    *,
    timeout: float = 300,
    jobs: int = 1,
    only: Sequence[str] = ("*",),
    by: str = "heading",
    cut_failing: bool = False,
) -> Iterable[Row]:
    """Verify every notebook of a folder, at any depth; rows come in the order of the paths.

    Args:
        timeout: Seconds for each run of a whole notebook, and for each step.
        jobs: How many notebooks at once.
        only: Patterns for paths relative to the folder, with ``/``.
        by: What makes a step: ``heading`` or ``cell``.
        cut_failing: Whether to cut cells off before the statement that fails here, so that the rest can be compared.
    """
    paths = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    names = [path.relative_to(folder).as_posix() for path in paths]
    chosen = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in only)]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: _compare(folder, name, timeout, by, cut_failing=cut_failing), chosen)


def _compare(folder: Path, name: str, timeout: float, by: str, *, cut_failing: bool) -> Row:
    """Copy, tag and verify one notebook; end whatever it has left running."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlops-external-", ignore_cleanup_errors=True) as place:
        copy = Path(place) / "folder"
        try:
            raw = json.loads((folder / name).read_text(encoding="utf-8"))
            if raw.get("nbformat") != 4:
                return Row(name, verdict="refused", details=f"nbformat {raw.get('nbformat')}")
            _copy(folder, copy, tagged(raw, by), name)
            rehearsal = Path(place) / "rehearsal" if cut_failing else None
            if rehearsal is not None:
                shutil.copytree(copy, rehearsal, symlinks=True)
        except (OSError, ValueError) as error:
            return Row(name, verdict="refused", details=_short(error))
        row = replace(
            _in_process(copy / name, timeout, Path(place), rehearsal and (rehearsal / name).parent), notebook=name
        )
    return replace(row, seconds=time.monotonic() - began)


def _copy(folder: Path, copy: Path, raw: dict[str, Any], name: str) -> None:
    """Copy the folder without its other notebooks, as a project of its own."""
    shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns("*.ipynb", ".git", ".mlops"))
    (copy / "mlops.toml").touch()
    (copy / name).write_text(json.dumps(raw), encoding="utf-8")


def _in_process(path: Path, timeout: float, place: Path, rehearsal: Path | None) -> Row:
    answer, progress, errors = place / "row.json", place / "progress.txt", place / "errors.txt"
    command = [
        sys.executable,
        __file__,
        "--one",
        str(path),
        str(timeout),
        str(answer),
        str(progress),
        *map(str, filter(None, [rehearsal])),
    ]
    environment = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline", "TMPDIR": str(place)}
    with errors.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True
        )
        try:
            process.wait(timeout * _MOST_RUNS + _SLACK)
        except subprocess.TimeoutExpired:
            where = progress.read_text(encoding="utf-8") if progress.exists() else "reading and slicing"
            return Row(path.name, verdict="hang", details=f"last seen: {where}")
        finally:
            _end(process)
    if not answer.exists():
        lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return Row(path.name, details=f"exit code {process.returncode}: {_short(lines[-1] if lines else '')}")
    return Row(**json.loads(answer.read_text(encoding="utf-8")))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started and that still runs."""
    import psutil

    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in (*children, process):
        try:
            child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    process.wait()


# the table


def table(rows: Sequence[Row]) -> str:
    """Write rows as Markdown, with a summary."""
    counts = Counter(row.verdict for row in rows)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    lines = [
        f"{len(rows)} notebooks: {summary or 'nothing to do'}.\n",
        "| notebook | cells | cut | steps | whole | verdict | s | details |",
        "|---|--:|--:|--:|---|---|--:|---|",
        *map(_line, rows),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    verdict = f"**{row.verdict}**" if row.verdict in BAD else row.verdict
    details = " ".join(row.details.split()).replace("|", "\\|")
    numbers = f"{row.cells} | {row.cut} | {row.steps}"
    return f"| {row.notebook} | {numbers} | {row.whole} | {verdict} | {row.seconds:.0f} | {details} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare a folder; the exit code is 1 if a notebook came out badly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, help="where to write the table, after each notebook")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at once")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for each run of a notebook")
    parser.add_argument("--only", action="append", metavar="GLOB", help="paths to take; may be given several times")
    parser.add_argument("--by", choices=("heading", "cell"), default="heading", help="what makes a step")
    parser.add_argument("--cut-failing", action="store_true", help="cut cells off before the statement that fails here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    settings = {name: getattr(options, name) for name in ("timeout", "jobs", "by", "cut_failing")}
    for row in compare_folder(options.folder.resolve(), only=options.only or ("*",), **settings):
        rows.append(row)
        print(f"{row.notebook}: {row.verdict}, {row.seconds:.0f} s. {_short(row.details)}", file=sys.stderr, flush=True)
        if options.out is not None:
            options.out.write_text(table(rows), encoding="utf-8")
    if options.out is None:
        print(table(rows), end="")
    return int(any(row.verdict in BAD for row in rows))


def _one(path: str, timeout: str, answer: str, progress: str, rehearsal: str | None = None) -> None:
    place = Path(rehearsal) if rehearsal is not None else None
    row = examine(Path(path), float(timeout), Path(progress), rehearsal=place)
    Path(answer).write_text(json.dumps(asdict(row)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(*sys.argv[2:])
    else:
        sys.exit(main())
