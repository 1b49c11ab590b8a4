"""What the database finds is what the condition means, in the order asked for."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from evaluation import NAMES, NUMBERS, TEXTS, conditions, holds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.store import listing
from jupyter_mlops.store.conditions import Condition, Field, SortKey
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import MetricRecord, NewRun, RunRecord

PARAMETERS = (*NUMBERS, *TEXTS, True, False, None, [1, "a"], {"a": 1}, math.nan, 1, 10**400)


class Store:
    """A database, and the experiments of its runs."""

    def __init__(self, database: Database, groups: dict[str, tuple[str, ...]]) -> None:
        self.database, self.groups = database, groups


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    chance = random.Random(3)
    groups: dict[str, tuple[str, ...]] = {}
    with Database(tmp_path_factory.mktemp("store") / "mlops.db") as database:
        for _ in range(60):
            experiments = tuple(chance.sample(TEXTS[:4], chance.choice((0, 0, 1, 2))))
            new = NewRun(
                "p",
                parameters={name: chance.choice(PARAMETERS) for name in NAMES if chance.random() < 0.7},
                tags={name: chance.choice(TEXTS) for name in NAMES if chance.random() < 0.5},
                experiments=experiments,
                user=chance.choice((None, *TEXTS)),
            )
            run_id = database.create_run(new).run_id
            groups[run_id] = experiments
            values = (*NUMBERS, math.nan)
            metrics = [MetricRecord(name, chance.choice(values)) for name in NAMES if chance.random() < 0.7]
            database.record_metrics(run_id, metrics)
            if chance.random() < 0.8:
                seconds = chance.choice((0.0, 1.0, 2.0))
                database.finish_run(run_id, chance.choice(("succeeded", "failed")), seconds=seconds)
            with database.transaction():
                database._connection.execute(
                    "UPDATE runs SET started = ? WHERE run_id = ?", (chance.choice((1000, 2000, 3000)), run_id)
                )
        yield Store(database, groups)


SORTS = st.lists(
    st.builds(
        SortKey,
        st.builds(Field, st.sampled_from(("metrics", "params", "tags")), st.sampled_from(NAMES))
        | st.builds(Field, st.just("attributes"), st.sampled_from(("started", "seconds", "status", "user"))),
        st.booleans(),
    ),
    max_size=3,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    condition=st.none() | conditions(),
    sort=SORTS,
    few=st.sampled_from((0, 5, 1000)),
    very_few=st.sampled_from((0, 1000)),
    soon=st.sampled_from((3, 1000)),
)
def test_sql_finds_what_python_finds(
    store: Store,
    condition: Condition | None,
    sort: list[SortKey],
    few: int,
    very_few: int,
    soon: int,
) -> None:
    database, groups = store.database, store.groups
    everything = database.runs(None)
    expected = [run for run in everything if condition is None or holds(condition, run, groups[run.run_id])]
    with pytest.MonkeyPatch.context() as patch:
        # Each of the ways to the list must lead to the same one.
        patch.setattr(listing, "_FEW", few)
        patch.setattr(listing, "_VERY_FEW", very_few)
        patch.setattr(listing, "_SOON", soon)
        found = database.runs(None, condition=condition, sort=sort)
        pages = [
            run.run_id
            for start in range(0, len(found) + 4, 4)
            for run in database.runs(4, start, condition=condition, sort=sort)
        ]
        count = database.count_runs(condition)
    assert {run.run_id for run in found} == {run.run_id for run in expected}
    assert [run.run_id for run in found] == [run.run_id for run in ordered(expected, sort)]
    assert pages == [run.run_id for run in found] and count == len(found)


def ordered(runs: list[RunRecord], sort: list[SortKey]) -> list[RunRecord]:
    """Sort as the language says: numbers, texts, NaN, nothing; the newest first where that leaves it open."""
    keys = sort or [SortKey(Field("attributes", "started"), descending=True)]
    runs = sorted(runs, key=lambda run: run.run_id, reverse=True)
    for key in reversed(keys):
        with_value = [run for run in runs if rank(key.field, run) < 2]
        runs = [
            *(run for wanted in (0, 1) for run in in_direction(with_value, key, wanted)),
            *(run for wanted in (2, 3) for run in runs if rank(key.field, run) == wanted),
        ]
    return runs


def in_direction(runs: list[RunRecord], key: SortKey, wanted: int) -> list[RunRecord]:
    chosen = [run for run in runs if rank(key.field, run) == wanted]
    if not key.descending:
        return sorted(chosen, key=lambda run: content(key.field, run))
    return sorted(chosen, key=lambda run: content(key.field, run), reverse=True)  # what is equal keeps its order


def value(found: Field, run: RunRecord) -> Any:
    if found.kind == "attributes":
        return getattr(run, found.name)
    table = {"metrics": run.metrics, "params": run.parameters, "tags": run.tags}[found.kind]
    return table.get(found.name, ...)  # type: ignore[attr-defined]


def rank(found: Field, run: RunRecord) -> int:
    """0 for numbers (or texts where there is nothing else), 1 for texts among numbers, 2 for NaN, 3 for nothing."""
    it = value(found, run)
    if it is ... or (found.kind == "attributes" and it is None):
        return 3
    if (isinstance(it, float) and math.isnan(it)) or it == 10**400:
        return 2
    return 1 if found.kind == "params" and not isinstance(it, (bool, int, float)) else 0


def content(found: Field, run: RunRecord) -> Any:
    it = value(found, run)
    if found.kind != "params" or isinstance(it, (bool, int, float)):
        return it
    return (it if isinstance(it, str) else json.dumps(it))[:200]
