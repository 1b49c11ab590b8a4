"""A step notebook run in this process, cell by cell, until one fails."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .injection import parameters_source
from .outputs import Outputs, Redactor
from .shell import Executed, Shell
from .streams import Capture

__all__ = ["NotebookRun"]

_LONGEST = 20
"""Frames of the user's own code that a failure shows."""


class NotebookRun:
    """The execution of a step notebook.

    Args:
        payload: What the component carries.
        parameters: Values to inject.
        redactor: Takes secrets out of what is kept.
        context_path: The context file of the step.

    Attributes:
        failure: Why it failed, in a few lines; None if it did not.
        exited: Whether a cell ended it with ``sys.exit()``.
    """

    def __init__(
        self, payload: Mapping[str, Any], parameters: Mapping[str, Any], redactor: Redactor, context_path: Path
    ) -> None:
        self._payload = payload
        self._redactor = redactor
        self._cells = [dict(cell) for cell in payload["notebook"]["cells"]]
        self._parameters = dict(parameters)
        self._started: str | None = None
        self._ended: str | None = None
        self.context_path = context_path
        self.folder = Path.cwd()
        self.failure: str | None = None
        self.exited = False
        if parameters:
            self._inject()

    @property
    def status(self) -> str:
        """``succeeded`` or ``failed``."""
        return "succeeded" if self.failure is None else "failed"

    def note(self, failure: str) -> None:
        """Count the run as failed for a reason from outside."""
        self.failure = failure

    def execute(self) -> None:
        """Run the cells."""
        outputs = Outputs()
        self._started = _now()
        with Capture(outputs, self._redactor) as capture:
            shell = Shell(outputs)
            sys.path.insert(0, "")  # as in a kernel: modules beside the notebook
            for cell in self._cells:
                if cell["cell_type"] != "code":
                    continue
                if not self._run(cell, shell, outputs, capture):
                    break
            if self.exited:
                self._save_metrics(shell, outputs)
            shell.close()
        self._ended = _now()

    def notebook(self) -> dict[str, Any]:
        """Return the executed notebook, without secrets."""
        notebook = {**self._payload["notebook"], "cells": self._cells}
        start, end = self._started, self._ended or _now()
        notebook["metadata"] = {
            **notebook.get("metadata", {}),
            "papermill": {
                "default_parameters": {},
                "parameters": self._parameters,
                "environment_variables": {},
                "version": None,
                "exception": True if self.failure is not None else None,
                **_times(start, end),
            },
        }
        redacted: dict[str, Any] = self._redactor.anything(notebook)
        return redacted

    def _inject(self) -> None:
        source = parameters_source(self._parameters)
        injected: dict[str, Any] = {
            "cell_type": "code",
            "execution_count": None,
            "id": "injected-parameters",
            "metadata": {"tags": ["injected-parameters"]},
            "outputs": [],
            "source": source,
        }
        places = [place for place, cell in enumerate(self._cells) if "parameters" in _tags(cell)]
        self._cells.insert(places[0] + 1 if places else 0, injected)

    def _run(self, cell: dict[str, Any], shell: Shell, outputs: Outputs, capture: Capture) -> bool:
        """Run a cell; tell whether the next may follow."""
        outputs.begin()
        start = _now()
        executed = Executed(None)
        status, error = "failed", None
        try:
            executed = shell.run(_source(cell), cell=cell, history=_role(cell) not in ("replay", "load", "save"))
            error = executed.error
            status = "completed" if error is None or "raises-exception" in _tags(cell) else "failed"
        finally:
            capture.drain()
            cell["outputs"] = outputs.take()
            cell["execution_count"] = executed.count
            cell["metadata"] = {**cell.get("metadata", {}), "papermill": _papermill(status, start)}
        if status == "completed":
            return True
        assert error is not None
        if isinstance(error, SystemExit) and error.code in (None, 0):
            self.exited = True
            if self._payload["saves"]:
                names = ", ".join(name for item in self._payload["saves"] for name in item["names"])
                self.failure = f"{self._place(cell)} ended the step with sys.exit(), before it could hand over {names}."
            return False
        self.failure = self._explained(cell, executed, shell)
        return False

    def _save_metrics(self, shell: Shell, outputs: Outputs) -> None:
        """Keep the metrics of a step that ended itself; nothing else of it is wanted."""
        save = next((cell for cell in self._cells if _role(cell) == "save"), None)
        if save is None:
            return
        context = json.loads(self.context_path.read_text(encoding="utf-8"))
        self.context_path.write_text(json.dumps({**context, "saves": []}), encoding="utf-8")
        outputs.begin()
        shell.run(_source(save), history=False)  # a metric may never have been reached

    def _explained(self, cell: Mapping[str, Any], executed: Executed, shell: Shell) -> str:
        error = executed.error
        assert error is not None
        name = type(error).__name__
        text = str(error).strip()
        role = _role(cell)
        lines = [f"Step {self._payload['name']!r} failed in {self._place(cell)}: {name}{f': {text}' if text else ''}"]
        if role in ("load", "save") and type(error).__module__.startswith(("mlops_runtime", "jupyter_mlops")):
            return "\n".join(lines)
        if executed.shown:
            lines.append("  while the cell's last value was shown")
        if isinstance(error, SyntaxError) and error.lineno is not None:
            lines += [f"  {self._place(cell)}, line {error.lineno}", f"    {(error.text or '').strip()}"]
        else:
            lines += self._frames(error, shell)
        if isinstance(error, ModuleNotFoundError) and error.name:
            lines.append(
                f"The image lacks the module {error.name}: build it with `jupyter mlops build`, or add it to yours."
            )
        return "\n".join(lines)

    def _frames(self, error: BaseException, shell: Shell) -> list[str]:
        """The calls in the user's cells and modules, and how many there were of libraries."""
        lines: list[str] = []
        hidden = 0
        for frame in traceback.extract_tb(error.__traceback__):
            cell = shell.code_names.get(frame.filename)
            own = cell is not None or Path(frame.filename).parent == self.folder
            if not own:
                hidden += bool(lines)
                continue
            if hidden:
                lines.append(f"  [{hidden} frames of libraries]")
                hidden = 0
            place = self._place(cell) if cell is not None else Path(frame.filename).name
            lines.append(f"  {place}, line {frame.lineno}")
            source = _line(cell, frame.lineno) if cell is not None else frame.line
            if source:
                lines.append(f"    {source.strip()}")
        if hidden:
            lines.append(f"  [{hidden} frames of libraries]")
        if len(lines) > 2 * _LONGEST:
            lines = [*lines[:_LONGEST], f"  [{len(lines) - 2 * _LONGEST} lines left out]", *lines[-_LONGEST:]]
        return lines

    def _place(self, cell: Mapping[str, Any] | None) -> str:
        if cell is None:
            return "a cell"
        role = _role(cell)
        if role is None:
            return str(self._payload["places"].get(cell.get("id"), "a cell"))
        names = {"load": "loading its inputs", "save": "saving its outputs", "parameters": "the parameters cell"}
        return names.get(role, "the code of earlier cells that it needs")


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _line(cell: Mapping[str, Any], number: int | None) -> str:
    lines = _source(cell).split("\n")
    return lines[number - 1] if number is not None and 0 < number <= len(lines) else ""


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags") or ())


def _role(cell: Mapping[str, Any]) -> str | None:
    ours = cell.get("metadata", {}).get("mlops")
    role = ours.get("role") if isinstance(ours, Mapping) else None
    return role if isinstance(role, str) else None


def _papermill(status: str, start: str) -> dict[str, Any]:
    return {"status": status, "exception": status == "failed", **_times(start, _now())}


def _times(start: str | None, end: str) -> dict[str, Any]:
    if start is None:
        return {"start_time": None, "end_time": None, "duration": None}
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return {"start_time": start, "end_time": end, "duration": seconds}


def _now() -> str:
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat()
