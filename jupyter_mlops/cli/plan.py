"""A pipeline in words: parameters, drawing, steps with what they take and give."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlops.cli.output import count, display_path, say, table
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline, Step

__all__ = ["plan", "say_plan"]

_MOST_VALUE = 48


def plan(
    pipeline: Pipeline, notebook: Notebook, *, width: int, boxes: bool, given: Mapping[str, Any] | None = None
) -> list[str]:
    """Describe a pipeline in lines; headings begin at the left edge, all else is indented.

    Args:
        width: Columns at hand.
        boxes: Whether box characters can be shown.
        given: Parameters that differ from the notebook's.
    """
    from jupyter_mlops.pipeline.drawing import text_graph

    graph = text_graph(pipeline, width=width - 2, unicode=boxes).splitlines()
    return [
        *textwrap.wrap(
            _heading(pipeline, " · " if boxes else " - "), width, break_long_words=False, break_on_hyphens=False
        ),
        *_parameters(pipeline, given or {}),
        "",
        *(f"  {line}".rstrip() for line in graph),
        *_steps(pipeline, notebook, width),
    ]


def say_plan(lines: Iterable[str]) -> None:
    """Print these lines, headings in bold."""
    for line in lines:
        say(line, bold=bool(line) and not line.startswith(" "))


def _heading(pipeline: Pipeline, separator: str) -> str:
    parts = [display_path(pipeline.notebook), count(len(pipeline.steps), "step"), f"kernel {pipeline.kernel}"]
    return separator.join([pipeline.name, *parts])


def _parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> list[str]:
    if not pipeline.parameters:
        return []
    from jupyter_mlops.engine.shown import shown_parameters
    from jupyter_mlops.pipeline.parameters import type_name

    defaults, values = shown_parameters(pipeline, given)
    rows = []
    for parameter in pipeline.parameters:
        name, own = parameter.name, defaults[parameter.name]
        note = f"(notebook: {_value(own)})" if name in values else ""
        rows.append((name, type_name(parameter), _value(values.get(name, own)), note))
    return ["", "Parameters", *table(rows)]


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_VALUE else text[:_MOST_VALUE] + "..."


def _steps(pipeline: Pipeline, notebook: Notebook, width: int) -> list[str]:
    """Each step with its cells, inputs and outputs."""
    numbers = {cell.id: cell.index + 1 for cell in notebook.cells}
    lines = ["", "Steps"] if pipeline.steps else []
    for step in pipeline.steps:
        lines.append(f"  {step.name}  ({_cells([numbers[cell] for cell in step.cells if cell in numbers])})")
        for label, text in _facts(pipeline, step):
            start = f"    {label:<8} "
            wrapped = textwrap.wrap(text, max(width - len(start), 30), break_on_hyphens=False, break_long_words=False)
            lines += [(start if row == 0 else " " * len(start)) + line for row, line in enumerate(wrapped)]
    return lines


def _cells(numbers: Sequence[int]) -> str:
    """``cell 3``, ``cells 3 to 5``, ``cells 3, 7``."""
    if len(numbers) <= 1:
        return f"cell {numbers[0]}" if numbers else "no cells"
    if list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"cells {numbers[0]} to {numbers[-1]}"
    return "cells " + ", ".join(map(str, numbers))


def _facts(pipeline: Pipeline, step: Step) -> list[tuple[str, str]]:
    names = {item.slug: item.name for item in pipeline.steps}
    facts = [
        ("takes", step.inputs),
        ("reads", (*step.parameters, *step.files_read)),
        ("gives", step.outputs),
        ("changes", step.mutates),
        ("shares", step.hidden),
        ("writes", step.files_written),
        ("metrics", step.metric_names),
        ("after", tuple(names.get(slug, slug) for slug in step.after)),
    ]
    found = [(label, ", ".join(values)) for label, values in facts if values]
    return [*found, ("volatile", step.volatile)] if step.volatile else found
