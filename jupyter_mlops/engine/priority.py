"""Which of the steps that are ready goes first: the one that begins the longest way to the end."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["remaining_paths"]


def remaining_paths(pipeline: Pipeline, durations: Mapping[str, float]) -> dict[str, float]:
    """Return for each step the time from its beginning to the end of the longest way that begins with it.

    Args:
        durations: Seconds that steps took in earlier runs, by slug; steps that are not there count as the median
            of those that are, or as 1 where none are.
    """
    known = [durations[step.slug] for step in pipeline.steps if step.slug in durations]
    usual = median(known) if known else 1.0
    below: dict[str, list[str]] = {step.slug: [] for step in pipeline.steps}
    for edge in pipeline.edges:
        below[edge.source].append(edge.target)
    paths: dict[str, float] = {}
    for step in reversed(pipeline.steps):  # the page is a valid order
        rest = max((paths[slug] for slug in below[step.slug]), default=0.0)
        paths[step.slug] = durations.get(step.slug, usual) + rest
    return paths
