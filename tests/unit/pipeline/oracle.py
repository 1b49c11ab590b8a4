"""Runs a notebook whole and as the pipeline it is sliced into, and compares what comes of it.

Each step runs in a process of its own that knows nothing but its step notebook and its context file, as under
the engine: the cells come from ``step_notebook``, values cross through the runtime's ``load`` and ``save``. The
processes are forked, so that importing pandas is paid once. Steps run in an order that the edges allow and that
is as far from the page's as can be: an edge that is missing shows.

After each cell of the user every variable of the step is compared with the variable of that name in the whole
run; so are what the cell printed and the value it ends with.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import functools
import inspect
import io
import json
import os
import pickle
import re
import select
import shutil
import signal
import sys
import tempfile
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from building import Cells, raw_notebook
from content import describe

from jupyter_mlops.analysis.interpreter import parse_cell
from jupyter_mlops.diagnostics import Diagnostic
from jupyter_mlops.engine.context import step_context
from jupyter_mlops.environment import environment_of
from jupyter_mlops.notebook.magics import python_source
from jupyter_mlops.notebook.reading import parse_notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.pipeline.slicer import slice_notebook
from jupyter_mlops.runtime.context import ENVIRONMENT_VARIABLE
from jupyter_mlops.steps.cells import role_of
from jupyter_mlops.steps.notebook import step_notebook
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["Outcome", "compare"]

TIMEOUT = 60.0
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True)
class Ran:
    """What running one cell left.

    Args:
        error: Type and message of the exception that ended it.
        variables: A description of the namespace's variables, by name.
    """

    printed: str = ""
    shown: str | None = None
    error: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of the comparison.

    Args:
        verdict: ``equal``; ``told``: an error said beforehand that there is no such pipeline; ``refused``: a value
            could not be saved, and the step said so; ``raises``: the notebook itself fails; ``different``.
        differences: One sentence each.
    """

    verdict: str
    differences: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    pipeline: Pipeline | None = None

    def __str__(self) -> str:
        told = [f"{item.code} {item.message} ({item.cell}:{item.line})" for item in self.diagnostics]
        return "\n".join([self.verdict, *self.differences, *told])


def compare(cells: Cells, files: Mapping[str, str] | None = None, *, identity: bool = False) -> Outcome:
    """Run a notebook both ways.

    Args:
        cells: Tags and source of each cell.
        files: Files that lie beside the notebook.
        identity: Whether variables that share an object must share it in their step too, even if it never changes.
    """
    raw = raw_notebook(cells)
    with _folder(files or {}) as folder:
        notebook = parse_notebook(raw, path=folder / "project" / "notebook.ipynb")
        pipeline = slice_notebook(notebook, environment_of(notebook))
        errors = tuple(item for item in pipeline.diagnostics if item.severity == "error")
        if errors:
            whole = _in_child(lambda: _run_whole(notebook.raw, folder / "whole", {}, identity))
            failed = [ran for ran in whole.values() if ran.error]
            return Outcome("raises" if failed else "told", tuple(item.error or "" for item in failed), errors, pipeline)
        ran, problem = _run_pipeline(pipeline, notebook.raw, folder, identity)
        names = {cell: tuple(item.variables) for cell, item in ran.items()}
        whole = _in_child(lambda: _run_whole(notebook.raw, folder / "whole", names, identity))
    failed = [item for item in whole.values() if item.error]
    if failed:
        return Outcome("raises", tuple(item.error or "" for item in failed), pipeline.diagnostics, pipeline)
    if problem is not None:
        verdict = "refused" if "SaveError" in problem else "different"
        return Outcome(verdict, (problem,), pipeline.diagnostics, pipeline)
    found = tuple(text for cell in whole for text in _differences(cell, whole[cell], ran.get(cell)))
    return Outcome("different" if found else "equal", found, pipeline.diagnostics, pipeline)


@contextlib.contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        for place in ("whole", "sliced", "project"):
            (Path(name) / place).mkdir()
        for path, text in files.items():
            for place in ("whole", "sliced", "project"):
                target = Path(name) / place / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        yield Path(name)


def _differences(cell: str, whole: Ran, sliced: Ran | None) -> list[str]:
    if sliced is None:
        return [] if not whole.printed and whole.shown is None else [f"cell {cell} does not run in any step"]
    found = []
    if sliced.error:
        found.append(f"cell {cell} fails in its step: {sliced.error}")
    if whole.printed != sliced.printed:
        found.append(f"cell {cell} prints {sliced.printed!r}, whole {whole.printed!r}")
    if whole.shown != sliced.shown:
        found.append(f"cell {cell} shows {sliced.shown}, whole {whole.shown}")
    for name, value in sliced.variables.items():
        # what the whole notebook has deleted or not reached is nobody's input any more
        if name in whole.variables and whole.variables[name] != value:
            found.append(f"after cell {cell}, {name} is {_parting(value, whole.variables[name])}")
    return found


def _parting(one: str, other: str) -> str:
    """Two long texts from a little before the place where they begin to differ."""
    place = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))
    start = max(place - 60, 0)
    return f"…{one[start : place + 80]}…, whole …{other[start : place + 80]}…" if start else f"{one}, whole {other}"


# the notebook whole


def _run_whole(
    raw: Mapping[str, Any], folder: Path, names: Mapping[str, Sequence[str]], identity: bool
) -> dict[str, Ran]:
    _enter(folder)
    space = _namespace()
    ran: dict[str, Ran] = {}
    for cell in raw["cells"]:
        if cell["cell_type"] != "code" or "skip" in cell["metadata"].get("tags", ()):
            continue
        ran[cell["id"]] = _run_cell(cell["source"], space, names.get(cell["id"], ()), identity)
        if ran[cell["id"]].error:
            break
    return ran


# the pipeline


def _run_pipeline(
    pipeline: Pipeline, raw: Mapping[str, Any], folder: Path, identity: bool
) -> tuple[dict[str, Ran], str | None]:
    """Run all steps; what a failing one says is the second item."""
    records: dict[str, ArtifactRecord] = {}
    paths: dict[str, Path] = {}
    ran: dict[str, Ran] = {}
    shares_files = any("files" in step.hidden for step in pipeline.steps)
    for step in _contrary_order(pipeline):
        here = folder / ("sliced" if shares_files else f"step-{step.slug}")
        if not here.exists():
            shutil.copytree(folder / "project", here)
        output = folder / f"out-{step.slug}"
        output.mkdir()
        missing = [item for item in step.loads if item not in records]
        if missing:
            return ran, f"step {step.name} loads {missing}, which no step before it makes"
        context = step_context(
            pipeline, step, run_id="r", inputs=records, object_path=paths.__getitem__, output_dir=output
        )
        context["fsync"] = False
        place = folder / f"{step.slug}.json"
        place.write_text(json.dumps(context))
        cells = step_notebook(pipeline, step, raw)["cells"]
        found, problem = _in_child(_step_runner(cells, here, place, identity))
        ran.update(found)
        if problem is not None:
            return ran, f"step {step.name}: {problem}"
        for record, path in _made(output):
            records[record.id], paths[record.digest] = record, path
    return ran, None


def _contrary_order(pipeline: Pipeline) -> list[Step]:
    """An order of execution that takes the last step of the page whenever it may."""
    waiting = list(pipeline.steps)
    done: set[str] = set()
    order = []
    while waiting:
        ready = [step for step in waiting if done.issuperset(pipeline.upstream(step.slug))]
        order.append(ready[-1])
        done.add(ready[-1].slug)
        waiting.remove(ready[-1])
    return order


def _step_runner(
    cells: Sequence[Mapping[str, Any]], folder: Path, context: Path, identity: bool
) -> Callable[[], tuple[dict[str, Ran], str | None]]:
    def run() -> tuple[dict[str, Ran], str | None]:
        _enter(folder)
        os.environ[ENVIRONMENT_VARIABLE] = str(context)
        space = _namespace()
        ran: dict[str, Ran] = {}
        for cell in cells:
            role = role_of(cell)
            found = _run_cell(cell["source"], space, None if role is None else (), identity)
            if found.error:
                return ran, f"its {role or cell['id']} cell fails: {found.error}"
            if role is None:
                ran[cell["id"]] = found
        return ran, None

    return run


def _made(output: Path) -> list[tuple[ArtifactRecord, Path]]:
    result = output / "result.json"
    if not result.exists():
        return []
    found = []
    for item in json.loads(result.read_text())["artifacts"]:
        path = output / item["path"]
        record = ArtifactRecord(
            item["id"], item["kind"], tuple(item["names"]), str(path), 0, serializer=item.get("serializer")
        )
        found.append((record, path))
    return found


# one cell


def _enter(folder: Path) -> None:
    """Work in a folder, as a kernel does: modules that lie there can be imported."""
    os.chdir(folder)
    sys.path.insert(0, "")


def _namespace() -> dict[str, Any]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    return module.__dict__


def _run_cell(source: str, space: dict[str, Any], names: Sequence[str] | None, identity: bool) -> Ran:
    """Run a cell as IPython would.

    Args:
        names: Variables to describe; None for all.
    """
    out = io.StringIO()
    shown: str | None = None
    error: str | None = None
    try:
        with contextlib.redirect_stdout(out):
            tree = parse_cell(python_source(source).text)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            _evaluate(tree, "exec", space)
            if isinstance(last, ast.Expr):
                value = _evaluate(ast.Expression(last.value), "eval", space)
                shown = None if value is None else _ADDRESS.sub("0x…", repr(value))
    except BaseException as problem:
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        error = f"{type(problem).__name__}: {problem} ({Path(frame.filename).name}:{frame.lineno})"
    every = {name: value for name, value in space.items() if not name.startswith("_")}
    wanted = every if names is None else {name: every[name] for name in names if name in every}
    return Ran(
        _ADDRESS.sub("0x…", out.getvalue()), shown, error, {} if names == () else describe(wanted, identity=identity)
    )


def _evaluate(tree: ast.Module | ast.Expression, mode: str, space: dict[str, Any]) -> Any:
    """Run code that may await, as IPython lets it: all cells of a process share one event loop."""
    code = compile(tree, "<cell>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    asyncio.set_event_loop(_event_loop())
    if not code.co_flags & inspect.CO_COROUTINE:
        return eval(code, space)
    return _event_loop().run_until_complete(eval(code, space))


@functools.cache
def _event_loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


# processes


def _in_child(work: Callable[[], Any]) -> Any:
    """Run in a forked process and return what it returns."""
    import pandas  # noqa: F401 (so that no child has to)

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    chunks = []
    with os.fdopen(reading, "rb") as pipe:
        while True:
            if not select.select([pipe], [], [], TIMEOUT)[0]:
                os.kill(child, signal.SIGKILL)
                break
            chunk = os.read(pipe.fileno(), 1 << 20)
            if not chunk:
                break
            chunks.append(chunk)
    os.waitpid(child, 0)
    if not chunks:
        raise RuntimeError("The process died or took too long.")
    return pickle.loads(b"".join(chunks))
