"""How soon ``jupyter mlops --help`` answers."""

from __future__ import annotations

import sys

from budget import Row
from measuring import Effort, in_turn, run, workplace


def measure(effort: Effort) -> list[Row]:
    """Take the best of a few tries, since other work on the machine only ever adds time."""
    command = [sys.executable, "-m", "jupyter", "mlops", "--help"]
    with workplace() as (folder, env):
        costs = in_turn(max(7, effort.tries), {"help": lambda: run(command, cwd=folder, env=env)})["help"]
    return [Row("`jupyter mlops --help`", min(cost.wall for cost in costs), 0.35, "s", note="best of 7")]
