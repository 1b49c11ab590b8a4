"""What ``run --dry-run`` says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jupyter_mlops.cli.output import count, say, table

if TYPE_CHECKING:
    from jupyter_mlops.engine.planning import RunPlan

__all__ = ["say_dry_run"]

_WORDS = {"reused": "reused", "run": "run", "maybe": "run?", "skipped": "skipped"}


def say_dry_run(plan: RunPlan) -> None:
    """Print what would become of each step, and why."""
    for line in table([(step.name, _WORDS[step.action], step.reason) for step in plan.steps], indent=""):
        say(line)
    numbers = Counter(step.action for step in plan.steps)
    parts = [f"{number} {_WORDS[action]}" for action, number in numbers.items()]
    say()
    say(f"{count(len(plan.steps), 'step')}: {', '.join(parts) or 'nothing to do'}. Nothing was run.", bold=True)
