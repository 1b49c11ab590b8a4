"""What a run would do, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_mlops.engine.cachekey import Change
from jupyter_mlops.engine.request import RunRequest
from jupyter_mlops.engine.reuse import Reuse
from jupyter_mlops.engine.selection import Selection
from jupyter_mlops.errors import UsageError
from jupyter_mlops.pipeline.model import Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["PlannedStep", "RunPlan", "check_needed", "plan_run"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What becomes of a step.

    Args:
        action: ``reused``; ``run``; ``maybe``: it runs unless the steps before it give the same results as
            earlier; ``skipped``: it was not asked for.
        reason: Why, for people.
        changes: What is different from the last time.
        run_id: The run whose results are taken.
        source: Where they are.
    """

    name: str
    slug: str
    action: Literal["reused", "run", "maybe", "skipped"]
    reason: str
    changes: tuple[Change, ...] = ()
    run_id: str | None = None
    source: Literal["local", "shared"] | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do, in the order of the page."""

    pipeline: str
    steps: tuple[PlannedStep, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``run --dry-run --format json`` prints."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "steps": [
                {
                    "name": step.name,
                    "slug": step.slug,
                    "action": step.action,
                    "reason": step.reason,
                    "run_id": step.run_id,
                    "source": step.source,
                    "changes": [
                        {
                            "part": change.part,
                            "name": change.name,
                            "before": change.before,
                            "after": change.after,
                            "cell": change.cell,
                            "line": change.line,
                        }
                        for change in step.changes
                    ],
                }
                for step in self.steps
            ],
        }


def plan_run(request: RunRequest, home: Path, selection: Selection) -> RunPlan:
    """Find out what a run would do; nothing is run, recorded or written.

    Raises:
        InfrastructureError: The store can't be read.
    """
    folders = Home(home.resolve())
    if not folders.database.is_file():
        return _plan(request, folders, None, selection)
    with Database(folders.database) as database:
        return _plan(request, folders, database, selection)


def check_needed(plan: RunPlan, selection: Selection) -> None:
    """Make sure that the steps which may not run need not run.

    Raises:
        UsageError: One would have to.
    """
    missing = [step for step in plan.steps if step.slug in selection.needed and step.action != "reused"]
    if missing:
        listed = "; ".join(f"{step.name}: {step.reason}" for step in missing)
        raise UsageError(
            f"The step can't run alone: results of earlier steps are missing ({listed}).",
            hint="Run without --only once.",
        )


def _plan(request: RunRequest, home: Home, database: Database | None, selection: Selection) -> RunPlan:
    reuse = Reuse(request, home, database, selection, remember=False)
    known: dict[str, ArtifactRecord] = {}
    planned: dict[str, PlannedStep] = {}
    for step in request.pipeline.steps:
        planned[step.slug] = _planned(step, request, reuse, selection, known, planned)
    return RunPlan(request.pipeline.name, tuple(planned.values()))


def _planned(
    step: Step,
    request: RunRequest,
    reuse: Reuse,
    selection: Selection,
    known: dict[str, ArtifactRecord],
    planned: dict[str, PlannedStep],
) -> PlannedStep:
    if step.slug in selection.left_out:
        return PlannedStep(step.name, step.slug, "skipped", "it was not asked for")
    certain = reuse.refusal(step) or selection.reason(step.slug)
    if certain is not None:
        return PlannedStep(step.name, step.slug, "run", certain)
    unsure = [planned[slug].name for slug in request.pipeline.upstream(step.slug) if planned[slug].action != "reused"]
    if unsure:
        if not reuse.was_recorded(step):
            return PlannedStep(step.name, step.slug, "run", "it has not run yet")
        reason = f"unless {' and '.join(unsure)} gives the same results as before"
        return PlannedStep(step.name, step.slug, "maybe", reason)
    decision = reuse.decide(step, known)
    if decision.found is None:
        return PlannedStep(step.name, step.slug, "run", decision.reason, decision.changes)
    known.update({record.id: record for record in decision.found.outputs})
    source: Literal["local", "shared"] = "shared" if decision.found.shared else "local"
    return PlannedStep(step.name, step.slug, "reused", decision.reason, (), decision.found.run_id, source)
