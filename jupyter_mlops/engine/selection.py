"""Which steps somebody wants to run, whatever can be reused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["Selection", "select"]


@dataclass(frozen=True)
class Selection:
    """What was asked for.

    Args:
        forced: Why a step runs in any case, by slug.
        left_out: Slugs of steps that neither run nor are reused.
        needed: Slugs of steps that must be reused, since they may not run.
    """

    forced: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()

    def reason(self, slug: str) -> str | None:
        """Return why a step runs in any case, or None."""
        return self.forced.get(slug)


def select(
    pipeline: Pipeline,
    *,
    no_cache: bool = False,
    force: Sequence[str] = (),
    start: str | None = None,
    only: str | None = None,
) -> Selection:
    """Find out what was asked for.

    Args:
        no_cache: All steps run.
        force: Names or slugs of steps that run.
        start: The step that runs, with all that come after it.
        only: The one step that runs.

    Raises:
        UsageError: There is no such step, or the wishes contradict each other.
    """
    if only is not None and (no_cache or start is not None or force):
        raise UsageError("One step alone can't be combined with other wishes about reuse.", hint="Use --only alone.")
    forced = {step.slug: "nothing is to be reused" for step in pipeline.steps} if no_cache else {}
    forced |= {_slug(pipeline, name): "it was asked for" for name in force}
    if start is not None:
        first = _slug(pipeline, start)
        reason = f"everything from {pipeline.step(first).name} on was asked for"
        forced |= dict.fromkeys(_closure({first}, [(edge.source, edge.target) for edge in pipeline.edges]), reason)
    if only is None:
        return Selection(forced)
    wanted = _slug(pipeline, only)
    needed = _closure({wanted}, [(edge.target, edge.source) for edge in pipeline.edges])
    every = {step.slug for step in pipeline.steps}
    return Selection({wanted: "it was asked for"}, frozenset(every - needed), frozenset(needed - {wanted}))


def _slug(pipeline: Pipeline, text: str) -> str:
    for step in pipeline.steps:
        if text in (step.name, step.slug):
            return step.slug
    names = [step.name for step in pipeline.steps]
    close = nearest(text, names)
    raise UsageError(
        f"{pipeline.name} has no step {text!r}; it has: {', '.join(names) or 'none'}.",
        hint=f"Did you mean {close!r}?" if close else "`jupyter mlops show` lists the steps.",
    )


def _closure(slugs: set[str], arrows: Iterable[tuple[str, str]]) -> set[str]:
    arrows = list(arrows)
    found = set(slugs)
    while more := {target for source, target in arrows if source in found} - found:
        found |= more
    return found
