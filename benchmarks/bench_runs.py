"""Lists of runs, and all of one, from short and long histories; and the same search by MLflow's own SQLite store."""

from __future__ import annotations

import importlib.util
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from budget import Row
from measuring import Effort, in_turn
from runs_store import fill, run_id

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home
from jupyter_mlops.store.records import MetricRecord, NewRun, StepOutcome
from jupyter_mlops.tracking.listing import RunPage, RunQuery, list_runs
from jupyter_mlops.tracking.showing import show_run

_LIMIT = 50

Took = tuple[float, float]
"""Milliseconds, and milliseconds of processor time."""
_PEER_RUNS = 10_000
_QUESTIONS: Mapping[str, RunQuery] = {
    "newest first": RunQuery(limit=_LIMIT),
    "filter on a metric and a parameter, sorted by the metric": RunQuery(
        'metrics.accuracy > 0.9 and params.model = "rf"', ["metrics.accuracy desc"], limit=_LIMIT
    ),
    "the same filter, sorted by time": RunQuery('metrics.accuracy > 0.9 and params.model = "rf"', limit=_LIMIT),
    "few that match, three conditions, two orders": RunQuery(
        'metrics.accuracy > 0.97 and params.model = "rf" and params.rate < 0.001',
        ["params.trees", "metrics.loss desc"],
        limit=_LIMIT,
    ),
    "half of all match, sorted by parameter and metric": RunQuery(
        'status = "succeeded" and metrics.accuracy > 0.8', ["params.model", "metrics.loss"], limit=_LIMIT
    ),
    "none that match, though each condition does for many": RunQuery(
        "metrics.accuracy > 0.8 and metrics.auc < 0.8", ["metrics.loss"], limit=_LIMIT
    ),
}
_PEER_FILTER = ("metrics.accuracy > 0.9 and params.model = 'rf'", ["metrics.accuracy DESC"])


def measure(effort: Effort) -> list[Row]:
    """Ask stores of several sizes the same."""
    sizes = (effort.runs,) if effort.runs < 1000 else (1000, effort.runs, 10 * effort.runs)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as name:
        for size in sizes:
            path = Path(name) / f"{size}" / "mlops.db"
            path.parent.mkdir()
            fill(path, size)
            rows += _questions(path, size, effort.tries)
            if size == max(size for size in sizes if size <= _PEER_RUNS):
                rows.append(_against_mlflow(path, size, effort.tries))
        rows.append(_together(Path(name) / "together.db", seconds=1 if effort.tries == 1 else 5))
    return rows


def _questions(path: Path, size: int, tries: int) -> list[Row]:
    bar = 200 if size > 10_000 else 50

    def ask(query: RunQuery) -> Callable[[], Took]:
        def once() -> Took:
            # A fresh connection has nothing in memory, as that of a command.
            with Database(path) as database:
                return _took(lambda: list_runs(database, query))

        return once

    def show() -> Took:
        with Database(path) as database:
            return _took(lambda: show_run(database, Home(path.parent), run_id(size // 2)))

    tasks = {f"a page of {_LIMIT}: {name}": ask(query) for name, query in _QUESTIONS.items()}
    found = in_turn(max(3, tries), {**tasks, "all of one": show})
    return [_row(f"{size:,} runs, {name}", costs, bar) for name, costs in found.items()]


def _took(work: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _row(what: str, costs: list[Took], bar: float) -> Row:
    walls = [wall for wall, _ in costs]
    cpu = min(cpu for _, cpu in costs)
    note = f"the shortest of {len(walls)}; the longest took {max(walls):.1f} ms; processor time {cpu:.1f} ms"
    return Row(what, min(walls), bar, "ms", note=note)


def _against_mlflow(path: Path, size: int, tries: int) -> Row:
    what = f"{size:,} runs, filter on a metric and a parameter, sorted by the metric, to MLflow's own SQLite store"
    if importlib.util.find_spec("mlflow") is None or importlib.util.find_spec("sqlalchemy") is None:
        return Row(what, None, 0.1, note="mlflow with its SQLite store is not installed")
    from mlflow_store import MlflowRuns

    peer = MlflowRuns(path.with_name("mlflow.db"), size)
    query = RunQuery(_PEER_FILTER[0], _PEER_FILTER[1], limit=_LIMIT)
    with Database(path) as database:
        ours = [run.parameters["trees"] for run in _page(database, query).runs]
        theirs = [int(trees) for trees in peer.search(*_PEER_FILTER, _LIMIT)]
        if ours != theirs:
            return Row(what, None, 0.1, note="the two stores did not find the same runs")
        tasks: dict[str, Callable[[], Took]] = {
            "ours": lambda: _took(lambda: _page(database, query)),
            "theirs": lambda: _took(lambda: peer.search(*_PEER_FILTER, _LIMIT)),
        }
        found = in_turn(max(3, tries), tasks)
    one, other = (statistics.median(wall for wall, _ in found[name]) for name in ("ours", "theirs"))
    return Row(what, one / other, 0.1, note=f"{one:.1f} ms against {other:.1f} ms (mlflow {peer.version})")


def _page(database: Database, query: RunQuery) -> RunPage:
    return list_runs(database, query)


def _together(path: Path, seconds: float, readers: int = 4, writers: int = 4) -> Row:
    """Readers and writers at once, each a process; whatever goes wrong ends one with an error."""
    Database(path).close()
    context = multiprocessing.get_context("spawn")
    with context.Pool(readers + writers) as pool:
        written = [pool.apply_async(_write, (path, seconds, number)) for number in range(writers)]
        read = [pool.apply_async(_read, (path, seconds)) for _ in range(readers)]
        slowest = [result.get(timeout=300) for result in (*written, *read)]
    runs, pages = (sum(count for count, _ in slowest[part]) for part in (slice(writers), slice(writers, None)))
    longest = max(wait for _, wait in slowest)
    note = f"the longest wait; {runs:,} runs written, {pages:,} pages read in {seconds:g} s, without an error"
    return Row(
        f"{writers} processes that record runs and {readers} that list them, at once", longest, 2, "s", note=note
    )


def _write(path: Path, seconds: float, number: int) -> tuple[int, float]:
    def once(database: Database, turn: int) -> None:
        run = database.create_run(NewRun(f"p{number}", (("a", "A"),), {"turn": turn}))
        database.finish_step(run.run_id, "a", StepOutcome("succeeded", metrics=[MetricRecord("turn", turn)]))
        database.finish_run(run.run_id, "succeeded")

    return _repeat(path, seconds, once)


def _read(path: Path, seconds: float) -> tuple[int, float]:
    query = RunQuery("metrics.turn > 3 and params.turn < 1000000", ["metrics.turn desc"])
    return _repeat(path, seconds, lambda database, _: list_runs(database, query))


def _repeat(path: Path, seconds: float, work: Callable[[Database, int], object]) -> tuple[int, float]:
    turn, longest = 0, 0.0
    with Database(path) as database:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            work(database, turn)
            longest = max(longest, time.monotonic() - begin)
            turn += 1
    return turn, longest
