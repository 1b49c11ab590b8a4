"""A run as it goes on, below a cell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_mlops import templates
from jupyter_mlops.widgets.frontend import has_frontend

if TYPE_CHECKING:
    from jupyter_mlops.engine.events import Event, Reporter
    from jupyter_mlops.engine.result import RunResult, StepResult
    from jupyter_mlops.pipeline.model import Parameter, Pipeline

__all__ = ["RunView", "page"]

_LINES = 8
"""How many of the last lines that steps printed are shown."""
_ENDED = frozenset({"succeeded", "reused", "failed", "skipped", "cancelled"})


class RunView:
    """Draws a run's progress where a frontend shows it; prints lines where there is none.

    Args:
        then: Another reporter, told the same.
        draw: Given HTML and text, shows them; by default below the cell.
    """

    def __init__(
        self, pipeline: Pipeline, then: Reporter | None = None, draw: Callable[[str, str], None] | None = None
    ) -> None:
        self.pipeline = pipeline
        self._then = then
        self._status: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._lines: list[str] = []
        self._current = "Kernels are starting …"
        self._result: RunResult | None = None
        self._target = draw

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it, and what became of it, while the context is open."""
        if self._target is None and has_frontend():
            self._target = _target(self.html(), repr(self))
        try:
            yield
        except BaseException:
            self._current = "The run did not end."
            self._draw()
            raise

    def handle(self, event: Event) -> None:
        """Take notice of an event of the run."""
        if self._then is not None:
            self._then.handle(event)
        self._note(event)
        self._draw()

    def html(self) -> str:
        """Return what is shown as one piece of HTML without scripts."""
        return page(self.pipeline, self._status, current=self._current, lines=self._lines, result=self._result)

    def __repr__(self) -> str:
        done = sum(status.split(" ")[0] in _ENDED for status in self._status.values())
        return f"{self.pipeline.name}: {done} of {len(self.pipeline.steps)} steps. {self._current}"

    def _note(self, event: Event) -> None:
        from jupyter_mlops.engine import events

        if isinstance(event, events.RunStarted):
            self._names = dict(event.steps)
        elif isinstance(event, events.StepStarted):
            again = f" · attempt {event.attempt}" if event.attempt > 1 else ""
            self._status[event.slug] = f"running{again}"
            self._say(f"{event.name} …")
        elif isinstance(event, events.CellStarted):
            name = self._names.get(event.slug, event.slug)
            self._status[event.slug] = f"running · cell {event.index} of {event.count}"
            self._current = f"{name}: cell {event.index} of {event.count}"
        elif isinstance(event, events.StepOutput):
            name = self._names.get(event.slug, event.slug)
            self._lines += [f"{name} │ {line}" for line in event.text.splitlines() if line.strip()]
            del self._lines[:-_LINES]
        elif isinstance(event, events.StepFinished):
            self._status[event.result.slug] = _outcome(event.result)
            self._say(f"{event.result.name}: {_outcome(event.result)}")
        elif isinstance(event, events.RunFinished):
            self._result = event.result
            self._current = f"{event.result.run_id} {event.result.status} in {event.result.seconds:.1f} s"
            self._say(self._current)

    def _say(self, line: str) -> None:
        if self._target is None:
            print(line, file=sys.stderr, flush=True)

    def _draw(self) -> None:
        if self._target is not None:
            self._target(self.html(), repr(self))


def page(
    pipeline: Pipeline,
    status: Mapping[str, str],
    *,
    current: str = "",
    lines: Sequence[str] = (),
    result: RunResult | None = None,
    parameters: Sequence[Parameter] = (),
    problems: Sequence[str] = (),
) -> str:
    """Return a pipeline, and what became of its steps, as one piece of HTML.

    Args:
        status: For steps by slug, a line such as ``succeeded · 0.4 s``.
        current: What is going on.
        lines: What was printed last.
    """
    from markupsafe import Markup

    from jupyter_mlops.pipeline import drawing

    environment = templates.environment(templates.root() / "notebook", autoescape=True)
    return environment.get_template("pipeline.html.j2").render(
        pipeline=pipeline,
        picture=Markup(drawing.svg(pipeline, status=status)),
        current=current,
        lines=lines,
        result=result,
        parameters=parameters,
        problems=problems,
    )


def _outcome(result: StepResult) -> str:
    timed = f" · {result.seconds:.1f} s" if result.status in ("succeeded", "failed") else ""
    return f"{result.status}{timed}"


def _target(html: str, text: str) -> Callable[[str, str], None]:
    """Show something below the cell; returns a function that replaces it."""
    from IPython.display import display

    handle = display({"text/html": html, "text/plain": text}, raw=True, display_id=True)
    return lambda html, text: handle.update({"text/html": html, "text/plain": text}, raw=True)
