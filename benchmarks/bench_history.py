"""A cached run in a store with a long history, against the same in an empty one."""

from __future__ import annotations

from pathlib import Path

from budget import Row, ratio
from measuring import Cost, Effort, in_turn, median, mlops, run, workplace
from notebooks.make_chain import chain
from notebooks.make_diamond import write

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, NewRun, StepOutcome

STEPS = 10
_BATCH = 250
_NAME = "chain"


def measure(effort: Effort) -> list[Row]:
    """Fill one store, then run in both."""
    with workplace() as (folder, env):
        write(chain(STEPS, 0), folder / f"{_NAME}.ipynb")
        homes = {name: {**env, "JUPYTER_MLOPS_HOME": str(folder / name)} for name in ("empty", "full")}

        def cached(name: str) -> Cost:
            return run(mlops("run", f"{_NAME}.ipynb"), cwd=folder, env=homes[name])

        for name in homes:
            cached(name)
        fill(folder / "full" / "mlops.db", effort.runs)
        tasks = {name: lambda name=name: cached(name) for name in homes}
        found = in_turn(2 * effort.tries - 1, tasks)
    walls = {name: median(costs).wall for name, costs in found.items()}
    what = f"a cached run after {effort.runs:,} runs of {STEPS} steps, to one in an empty store"
    return [ratio(what, walls["full"], walls["empty"], 1.5)]


def fill(path: Path, runs: int) -> None:
    """Record so many runs of the chain, each with artifacts and metrics of its own."""
    steps = [(str(number), str(number)) for number in range(STEPS)]
    with Database(path) as database:
        for start in range(0, runs, _BATCH):
            with database.transaction():
                for number in range(start, min(start + _BATCH, runs)):
                    _record(database, steps, number)


def _record(database: Database, steps: list[tuple[str, str]], number: int) -> None:
    parameters = {"seed": number, "rate": number / 1000}
    run_id = database.create_run(NewRun(_NAME, steps, parameters, documents={"notebook": "{}"})).run_id
    before: tuple[ArtifactRecord, ...] = ()
    for slug, _ in steps:
        digest = hash_bytes(f"{number} {slug}".encode())
        made = (ArtifactRecord(f"{slug}.value", "value", ("value",), digest, 100, "int", "pickle", "1"),)
        metrics = (MetricRecord("score", number / 7),)
        documents = {"key": f'{{"code": [], "run": {number}}}'}
        outcome = StepOutcome(
            "succeeded",
            seconds=0.1,
            cache_key=digest,
            inputs=before,
            outputs=made,
            metrics=metrics,
            documents=documents,
            notebook=f"steps/{slug}.ipynb",
        )
        database.finish_step(run_id, slug, outcome)
        before = made
    database.finish_run(run_id, "succeeded", seconds=1.0)
