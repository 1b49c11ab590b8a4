"""The steps of a run on a time line, as a report shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.store.records import RunRecord, StepRecord
from jupyter_mlops.tracking import formats

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["StepView", "graph", "step_views", "ticks"]


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as the page shows it; ``left`` and ``width`` place its bar, in percent."""

    record: StepRecord
    color: str
    left: float
    width: float


def step_views(run: RunRecord, records: Sequence[StepRecord]) -> tuple[dict[str, StepView], float]:
    """Return the steps by slug, and the seconds that the time line covers."""
    from jupyter_mlops.pipeline.drawing import step_color

    begins = [0.0 if item.started is None else max(0.0, (item.started - run.started) / 1000) for item in records]
    ends = [begin + (item.seconds or 0) for begin, item in zip(begins, records, strict=True)]
    total = max([run.seconds or 0.0, *ends, 0.001])
    views = {
        item.slug: StepView(item, step_color(item.position), 100 * begin / total, 100 * (item.seconds or 0) / total)
        for begin, item in zip(begins, records, strict=True)
    }
    return views, total


def ticks(total: float) -> list[tuple[float, str]]:
    """Return round moments on the time line: their places in percent, and texts."""
    step = 10.0**-3
    factors = (2.0, 2.5, 2.0)
    turn = 0
    while total / step > 5:
        step *= factors[turn % 3]
        turn += 1
    count = int(total / step)
    return [(0.0, "0"), *((100 * n * step / total, formats.duration(n * step)) for n in range(1, count + 1))]


def graph(pipeline: Pipeline | None, steps: Mapping[str, StepView]) -> Markup | None:
    """Draw the pipeline with the states of its steps; None where there is nothing to draw."""
    if pipeline is None or len(pipeline.steps) < 2:
        return None
    from markupsafe import Markup

    from jupyter_mlops.pipeline.drawing import svg

    return Markup(svg(pipeline, status={slug: _status(view.record) for slug, view in steps.items()}))


def _status(step: StepRecord) -> str:
    if step.status in ("succeeded", "failed") and step.seconds is not None:
        return f"{step.status} · {formats.duration(step.seconds)}"
    return step.status
