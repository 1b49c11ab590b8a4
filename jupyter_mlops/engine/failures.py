"""From what a kernel reports to where in the user's notebook a step failed, and why."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.engine.result import StepFailure
from jupyter_mlops.engine.tracebacks import blank_lines_above, concise, locator, replayed_place
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step
from jupyter_mlops.steps.cells import has_tag, parameters_cells, role_of

__all__ = [
    "cell_failure",
    "cell_timeout_failure",
    "dead_kernel",
    "kernel_start_failure",
    "plain_text",
    "start_timeout",
    "timeout_failure",
]

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ARROW = re.compile(r"^-+>\s*(\d+)", re.MULTILINE)
_SYNTAX_PLACE = re.compile(r" \(\d+\.py, line \d+\)$")  # the file that IPython makes up for a cell
_LOG_TAIL = 2000
_LASTING = frozenset(["SyntaxError", "IndentationError", "TabError", "ModuleNotFoundError"])
"""Errors of the user's code that come again whenever it runs."""
_OWN_ERRORS = frozenset(["ContextError", "LoadError", "SaveError"])
"""Errors of load and save cells that do, too: what can't be handed over can't be handed over."""


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Where an error is in the user's notebook.

    Args:
        cell: Id of the cell, where known.
        line: 1-based line in it, where known.
    """

    cell: str | None = None
    line: int | None = None


def plain_text(traceback: Sequence[str]) -> str:
    """Join the lines of a kernel's traceback without colour codes."""
    return _ANSI.sub("", "\n".join(traceback))


def cell_failure(
    pipeline: Pipeline,
    step: Step,
    notebook: Notebook,
    cell: Mapping[str, Any],
    error: tuple[str, str, Sequence[str]],
    cells: Iterable[Mapping[str, Any]] = (),
) -> StepFailure:
    """Describe an error that a cell of a step notebook raised.

    Args:
        cell: The executed cell.
        error: Name, message and traceback of the error, as the kernel reported them.
        cells: All cells of the step notebook, in which the traceback's lines are looked up.
    """
    ename, evalue, traceback = error
    text = plain_text(traceback)
    place = _place(pipeline, step, notebook, cell, evalue, _line(text, cell.get("execution_count")))
    hint = _hint(pipeline, ename, evalue, role_of(cell))
    # Of our own cells the message says all there is to say; their code is not the user's.
    is_own = role_of(cell) in ("load", "save")
    return StepFailure(
        "user",
        ename,
        _SYNTAX_PLACE.sub("", _ANSI.sub("", evalue)),
        place.cell,
        _index(notebook, place.cell),
        place.line,
        "" if is_own else concise(text, locator(pipeline, step, notebook, cells or [cell])),
        hint,
        lasting=ename in (_OWN_ERRORS if is_own else _LASTING),
    )


def dead_kernel(notebook: Notebook, cell: Mapping[str, Any] | None, returncode: int | None, log: Path) -> StepFailure:
    """Describe the sudden end of a kernel while a cell ran."""
    cell_id = cell.get("id") if cell is not None and role_of(cell) is None else None
    hint = "Look at what the cell calls: the process ended without a Python error."
    how = "" if returncode is None else f" with exit code {returncode}"
    if returncode is not None and returncode < 0:
        name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else str(-returncode)
        how = f" by signal {name}"
        if name == "SIGKILL":
            hint = "The operating system does this when memory runs out: give the step less data or more memory."
        elif name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"):
            hint = "Compiled code crashed: look for mixed versions of binary packages in the kernel's environment."
    return StepFailure(
        "infrastructure",
        "DeadKernel",
        f"the kernel died{how}",
        cell_id,
        _index(notebook, cell_id),
        traceback=_tail(log),
        hint=hint,
    )


def kernel_start_failure(kernel: str, error: Exception, log: Path) -> StepFailure:
    """Describe a kernel that did not start."""
    printed = _tail(log)
    if isinstance(error, FileNotFoundError) and error.filename:
        reason = f"there is no program {error.filename!r}"
        hint = "Its environment was moved or removed: install the kernel again, or run with another one."
    elif "No module named ipykernel" in printed:
        reason = "its environment has no ipykernel"
        hint = "Install it there: python -m pip install ipykernel"
    else:
        reason = str(error)
        hint = f"Try it by hand: jupyter console --kernel {kernel}"
    message = f"the kernel {kernel!r} did not start: {reason}"
    return StepFailure("infrastructure", "KernelStart", message, traceback=printed, hint=hint)


def start_timeout(kernel: str, seconds: float, log: Path) -> StepFailure:
    """Describe a kernel that had not started when the step's time was over."""
    message = f"the kernel {kernel!r} did not start within the step's timeout of {seconds:g} s"
    hint = f"Give it more time, or try it by hand: jupyter console --kernel {kernel}"
    return StepFailure("infrastructure", "KernelStart", message, traceback=_tail(log), hint=hint)


def cell_timeout_failure(notebook: Notebook, cell: Mapping[str, Any] | None, seconds: float) -> StepFailure:
    """Describe a cell that took longer than it may."""
    cell_id = None if cell is None else str(cell.get("id"))
    return StepFailure(
        "user",
        "CellTimeout",
        f"the cell took longer than its timeout of {seconds:g} s",
        cell_id,
        _index(notebook, cell_id),
        hint="Give it more time (--execution-timeout), or make it faster.",
    )


def timeout_failure(notebook: Notebook, step: Step, seconds: float, interrupted: StepFailure | None) -> StepFailure:
    """Describe a step that took longer than it may.

    Args:
        interrupted: Where its code was interrupted, where known.
    """
    cell = interrupted.cell if interrupted else None
    return StepFailure(
        "user",
        "StepTimeout",
        f"the step took longer than its timeout of {seconds:g} s",
        cell,
        _index(notebook, cell),
        interrupted.line if interrupted else None,
        interrupted.traceback if interrupted else "",
        f"Give it more time (--timeout, or `timeout` in the settings of step {step.name!r}), or make it faster.",
    )


def _index(notebook: Notebook, cell_id: str | None) -> int | None:
    return next((cell.index for cell in notebook.cells if cell.id == cell_id), None)


def _line(traceback: str, count: int | None) -> int | None:
    """Find the line of the failing cell in a traceback of IPython."""
    match = re.search(rf"Cell In\s?\[{count}\], line (\d+)", traceback) or _ARROW.search(traceback)
    return int(match.group(1)) if match else None


def _place(
    pipeline: Pipeline, step: Step, notebook: Notebook, cell: Mapping[str, Any], evalue: str, line: int | None
) -> CellPlace:
    role = role_of(cell)
    if role is None:
        return (
            CellPlace(None) if has_tag(cell, "injected-parameters") else _own_place(notebook, str(cell.get("id")), line)
        )
    if role == "parameters":
        own = parameters_cells(notebook.raw, (parameter.cell for parameter in pipeline.parameters))
        first = str(own[0].get("id")) if own else None
        return CellPlace(first, line if len(pipeline.steps) == 1 and len(own) == 1 else None)
    if role == "replay":
        snippets = step.replay_loaded if str(cell.get("id")).endswith("-loaded") else step.replay
        return CellPlace() if line is None else CellPlace(*replayed_place(snippets, notebook, line))
    if role == "save":
        return _definition(
            step,
            notebook,
            [
                name
                for item in pipeline.artifacts_of(step.slug)
                for name in item.names
                if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", evalue.split("\n")[0])
            ],
        )
    return CellPlace()


def _own_place(notebook: Notebook, cell: str, line: int | None) -> CellPlace:
    return CellPlace(cell, None if line is None else line + blank_lines_above(notebook, cell))


def _definition(step: Step, notebook: Notebook, names: Sequence[str]) -> CellPlace:
    """Find the last line of the step that seems to bind one of these names."""
    if not names:
        return CellPlace()
    name = re.escape(max(names, key=len))
    binds = re.compile(rf"(?<![\w.]){name}(?!\w)[^=!<>]*=(?!=)|\b(?:def|class|as|for|import)\s+{name}\b")
    own = set(step.cells)
    for cell in reversed(notebook.cells):
        if cell.id not in own:
            continue
        lines = cell.source.split("\n")
        for number in range(len(lines), 0, -1):
            if binds.search(lines[number - 1]):
                return CellPlace(cell.id, number)
    return CellPlace()


def _hint(pipeline: Pipeline, ename: str, evalue: str, role: str | None) -> str | None:
    if ename == "ModuleNotFoundError":
        return f"Install it into the environment of the kernel {pipeline.kernel!r}, which runs the steps."
    if ename == "NameError" and role is None and len(pipeline.steps) > 1:
        match = re.search(r"'(\w+)'", evalue)
        name = match.group(1) if match else "NAME"
        return (
            f"If the whole notebook runs, another step makes {name!r} in a way that can't be seen: "
            f"tag this cell `in:{name}` and the cell that makes it `out:{name}`."
        )
    return None


def _tail(log: Path) -> str:
    try:
        content = log.read_bytes()[-_LOG_TAIL:]
    except OSError:
        return ""
    return _ANSI.sub("", content.decode("utf-8", "replace")).strip()
