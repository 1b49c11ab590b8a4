"""What one sees while a run is going on: a live table on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli.output import can_show_boxes, count, is_terminal, say

if TYPE_CHECKING:
    from jupyter_mlops.engine.events import Event, StepRetrying
    from jupyter_mlops.engine.result import StepResult
    from jupyter_mlops.engine.steplog import Lines

__all__ = ["Progress", "progress"]

_ENDED = {
    "succeeded": ("done", "green"),
    "reused": ("reused", None),
    "failed": ("failed", "red"),
    "skipped": ("skipped", "yellow"),
    "cancelled": ("cancelled", "yellow"),
}
_SYMBOLS = {"succeeded": "✓", "reused": "↻", "failed": "✗", "skipped": "-", "cancelled": "-"}
_SYMBOL_COLORS = {"succeeded": "green", "reused": "bright_black", "failed": "red"}


def outcome(result: StepResult) -> str:
    """``done in 0.4 s``, ``skipped: train forest failed``."""
    word = _ENDED.get(result.status, (result.status, None))[0]
    timed = f" in {result.seconds:.1f} s" if result.status in {"succeeded", "failed"} else ""
    return word + timed + (f": {result.reason}" if result.reason else "")


def retrying(event: StepRetrying) -> str:
    """``attempt 1 of 3 failed (ValueError: no); again in 2 s``."""
    first = (event.failure.message.strip().splitlines() or [event.failure.ename])[0]
    when = f"again in {event.delay:.3g} s" if event.delay else "again"
    return f"attempt {event.attempt} of {event.attempts} failed ({first}); {when}"


class Progress:
    """Prints a line when a step or a cell begins and when a step ends. The base of the live display.

    Args:
        labels: For each cell id its number on the page and what it is about.
        output: Whether to pass on what the steps print.
        before: Called when the run begins, before anything is shown.
    """

    def __init__(self, labels: Mapping[str, str], *, output: bool, before: Callable[[], None] | None = None) -> None:
        self.labels = labels
        self.output = output
        self.before = before
        self.names: dict[str, str] = {}
        self.began = time.monotonic()
        self.lines: dict[str, Lines] = {}
        self.more = "…" if can_show_boxes(sys.stderr) else "..."

    def showing(self) -> AbstractContextManager[Any]:
        """Show the progress while the context is open."""
        return nullcontext()

    def handle(self, event: Event) -> None:
        """Take notice of an event of the run."""
        from jupyter_mlops.engine import events

        if isinstance(event, events.RunStarted):
            if self.before is not None:
                self.before()
            self.began = time.monotonic()
            self.names = dict(event.steps)
            self.started(event)
        elif isinstance(event, events.StepStarted):
            self.step_started(event.slug, event.cells)
        elif isinstance(event, events.CellStarted):
            self.cell_started(event.slug, self.labels.get(event.cell))
        elif isinstance(event, events.StepOutput) and self.output:
            self._print(event.slug, self._lines_of(event.slug).add(event.stream, event.text))
        elif isinstance(event, events.StepRetrying):
            self._print(event.slug, self._lines_of(event.slug).rest())
            self.step_retrying(event)
        elif isinstance(event, events.StepFinished):
            self._print(event.result.slug, self._lines_of(event.result.slug).rest())
            self.step_finished(event.result)

    def _lines_of(self, slug: str) -> Lines:
        from jupyter_mlops.engine.steplog import Lines

        return self.lines.setdefault(slug, Lines())

    def _print(self, slug: str, lines: Sequence[str]) -> None:
        for line in lines:
            self.printed(slug, line)

    def started(self, event: Any) -> None:
        """The run has begun."""
        self._say(f"run {event.run_id} of {event.pipeline}: {count(len(event.steps), 'step')}")

    def step_started(self, slug: str, cells: int) -> None:
        """A step has begun."""
        self._say(f"{self.names.get(slug, slug)} {self.more} {count(cells, 'cell')}")

    def cell_started(self, slug: str, label: str | None) -> None:
        """A cell has begun."""
        if label is not None:
            self._say(f"{self.names.get(slug, slug)} {self.more} {label}")

    def step_retrying(self, event: StepRetrying) -> None:
        """An attempt has failed, and there will be another."""
        self._say(f"{event.name} {self.more} {retrying(event)}", "yellow")

    def printed(self, slug: str, line: str) -> None:
        """A step has printed a line."""
        bar = "│" if can_show_boxes(sys.stderr) else "|"
        say(f"{self.names.get(slug, slug)} {bar} {line}", err=True)

    def step_finished(self, result: StepResult) -> None:
        """A step has ended."""
        self._say(f"{result.name} {self.more} {outcome(result)}", _ENDED.get(result.status, ("", None))[1])

    def _say(self, text: str, color: str | None = None) -> None:
        say(f"[{time.monotonic() - self.began:6.1f}s] {text}", err=True, color=color)


@dataclass
class _Row:
    """A step in the live table."""

    name: str
    color: str
    status: str = "queued"
    text: str = "waiting"
    began: float = 0.0
    cell_began: float = 0.0
    spinner: Any = field(default=None, repr=False)


class _Live(Progress):
    """A table of the steps that is redrawn in place."""

    def __init__(self, labels: Mapping[str, str], *, output: bool, before: Callable[[], None] | None = None) -> None:
        super().__init__(labels, output=output, before=before)
        from rich.console import Console
        from rich.live import Live

        self.rows: dict[str, _Row] = {}
        self.console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=8)

    @contextmanager
    def showing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.live.stop()

    def started(self, event: Any) -> None:
        from jupyter_mlops.pipeline.drawing import step_color

        self.rows = {slug: _Row(name, step_color(index)) for index, (slug, name) in enumerate(event.steps)}
        self.live.start(refresh=True)  # not before: until now, others may have printed

    def step_started(self, slug: str, cells: int) -> None:
        from rich.spinner import Spinner

        row = self.rows[slug]
        row.status, row.text, row.began, row.spinner = "running", "starting", time.monotonic(), Spinner("dots")
        row.cell_began = row.began

    def cell_started(self, slug: str, label: str | None) -> None:
        row = self.rows[slug]
        row.text, row.cell_began = label or "running", time.monotonic()

    def step_retrying(self, event: StepRetrying) -> None:
        row = self.rows[event.slug]
        row.status, row.text = "waiting", retrying(event)

    def printed(self, slug: str, line: str) -> None:
        from rich.text import Text

        name = Text(f"{self.names.get(slug, slug)} │ ", style=self.rows[slug].color)
        self.console.print(name.append(line, style="default"), soft_wrap=True)

    def step_finished(self, result: StepResult) -> None:
        row = self.rows[result.slug]
        row.status, row.text = result.status, outcome(result)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        shown, left_out = self._visible()
        for row in shown:
            is_running = row.status == "running"
            symbol: Any = Text(_SYMBOLS.get(row.status, "·"), style=_SYMBOL_COLORS.get(row.status, "yellow"))
            if is_running:
                symbol = row.spinner
            elif row.status == "queued":
                symbol = Text("·", style="bright_black")
            style = "red" if row.status == "failed" else "" if is_running else "bright_black"
            # A line of code must not push the time out of sight.
            text = Text(row.text, style=style, no_wrap=is_running, overflow="ellipsis" if is_running else "fold")
            table.add_row(Text("▌", style=row.color), symbol, Text(row.name), text, Text(_elapsed(row), no_wrap=True))
        if left_out:
            table.add_row("", "", Text(f"{left_out} more", style="bright_black"), "", "")
        return table

    def _visible(self) -> tuple[list[_Row], int]:
        """All rows, or where the terminal is too low: the running ones first, then the latest, then the next."""
        rows = list(self.rows.values())
        room = max(self.console.size.height - 3, 4)
        if len(rows) <= room:
            return rows, 0
        rank = {"running": 0, "waiting": 0, "failed": 1, "queued": 2}
        chosen = sorted(range(len(rows)), key=lambda place: (rank.get(rows[place].status, 3), place))[:room]
        return [rows[place] for place in sorted(chosen)], len(rows) - room


def _elapsed(row: _Row) -> str:
    """How long a running step and its cell have been at it."""
    if row.status != "running":
        return ""
    now = time.monotonic()
    cell = f"{now - row.cell_began:.1f} of " if row.cell_began > row.began else ""
    return f"{cell}{now - row.began:.1f} s"


def progress(
    labels: Mapping[str, str], *, shown: bool, output: bool, before: Callable[[], None] | None = None
) -> Progress | None:
    """Return what fits where stderr goes, or None if nothing is to be shown.

    Args:
        labels: For each cell id its number on the page and what it is about.
        shown: Whether the user wants to see the progress.
        output: Whether the user wants to see what the steps print.
        before: Called when the run begins, before anything is shown.
    """
    if not shown:
        return _Quiet(labels, output=output, before=before) if output or before else None
    kind = _Live if is_terminal(sys.stderr) and can_show_boxes(sys.stderr) else Progress
    return kind(labels, output=output, before=before)


class _Quiet(Progress):
    """Passes on what the steps print, and nothing else."""

    def _say(self, text: str, color: str | None = None) -> None:
        """Say nothing."""
