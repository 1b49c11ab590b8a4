"""What a step costs besides its own work, and a graph of many small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from budget import Row
from measuring import Cost, Effort, in_turn, median, mlops, run, workplace
from notebooks.make_chain import chain
from notebooks.make_diamond import diamond, write

SHORT, LONG = 2, 12
STEPS = 40
PAUSE = 500
"""Milliseconds of sleep in each step of the chain, so that the next kernel has been forked when it is needed."""


def measure(effort: Effort) -> list[Row]:
    """Compare a long chain of steps with a short one; run a diamond."""
    with workplace() as (folder, env):
        write(chain(SHORT, PAUSE), folder / "short.ipynb")
        write(chain(LONG, PAUSE), folder / "long.ipynb")
        write(diamond(STEPS), folder / "diamond.ipynb")

        def timed(name: str) -> Cost:
            return run(mlops("run", "--no-cache", f"{name}.ipynb"), cwd=folder, env=env)

        tasks = {name: lambda name=name: timed(name) for name in ("short", "long", "diamond")}
        found = in_turn(effort.tries, tasks)
    costs = {name: undisturbed(of_one) for name, of_one in found.items()}
    wall, cpu = per_step(costs["short"], costs["long"])
    whole = costs["diamond"]
    note = f"{LONG} steps against {SHORT}, in a row; best of {effort.tries}"
    return [
        Row("each further step, wall time with a spare kernel ready", wall, 0.15, "s", note=note),
        Row("each further step, processor time all in", cpu, 0.3, "s", note=note),
        Row(f"{STEPS}-step diamond, processor time per step", whole.cpu / STEPS, 0.3, "s", note=f"{whole.cpu:.1f} s"),
        Row(f"{STEPS}-step diamond, wall time", whole.wall, STEPS * 0.3 / 2 + 2, "s", note=f"best of {effort.tries}"),
    ]


def undisturbed(costs: Sequence[Cost]) -> Cost:
    """Return the shortest time, since other work on the machine only ever adds some, and the median of the rest."""
    return replace(median(costs), wall=min(cost.wall for cost in costs))


def per_step(short: Cost, long: Cost) -> tuple[float, float]:
    """Return the wall time beyond the pause, and the processor time, of one more step."""
    steps = LONG - SHORT
    return (long.wall - short.wall) / steps - PAUSE / 1000, (long.cpu - short.cpu) / steps
