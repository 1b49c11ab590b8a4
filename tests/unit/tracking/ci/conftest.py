"""A store with runs, and what there is to say of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.engine.result import RunResult, StepFailure, StepResult
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import MetricRecord, NewRun, RunRecord, StepOutcome
from jupyter_mlops.tracking.ci.account import Account, StepAccount

EVIL = "<script>alert(1)</script>]]>&\"'|`*_#1 @all\x00\x1b[31m\ud800 ```\n::error::x -->"


@pytest.fixture
def evil() -> str:
    """Return a text with all that means something to XML, HTML, Markdown, Mermaid or GitHub."""
    return EVIL


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "mlops.db") as opened:
        yield opened


MakeRun = Callable[..., RunRecord]


@pytest.fixture
def make_run(database: Database) -> MakeRun:
    """Record a run of one step named ``train it``."""

    def make(
        metrics: Mapping[str, float] | None = None,
        *,
        status: Any = "succeeded",
        pipeline: str = "churn",
        commit: str | None = None,
        tags: Mapping[str, str] | None = None,
        **outcome: Any,
    ) -> RunRecord:
        run = database.create_run(
            NewRun(pipeline, [("train-it", "train it")], {"n": 3}, commit=commit, tags=dict(tags or {}))
        )
        records = [MetricRecord(name, value) for name, value in (metrics or {}).items()]
        database.start_step(run.run_id, "train-it")
        database.finish_step(
            run.run_id,
            "train-it",
            StepOutcome(**{"status": status, "seconds": 50.0, "metrics": records, **outcome}),
        )
        database.finish_run(run.run_id, status, seconds=90.0)
        return database.run(run.run_id)

    return make


MakeAccount = Callable[..., Account]


@pytest.fixture
def account() -> MakeAccount:
    """Make what there is to say of a run of three steps; the second fails if a failure is given."""

    def make(name: str = "churn", failure: StepFailure | None = None, **fields: Any) -> Account:
        steps = tuple(Step(f"{name} {number}", f"s{number}", (f"c{number}",)) for number in range(3))
        edges = (Edge("s0", "s1", (name,)), Edge("s1", "s2"))
        results = [
            StepResult(steps[0].name, "s0", "reused", cached=True, reason="unchanged"),
            StepResult(steps[1].name, "s1", "succeeded", seconds=1.5, attempts=2, peak_memory=2_000_000),
            StepResult(steps[2].name, "s2", "succeeded", seconds=0.5, attempts=1),
        ]
        if failure is not None:
            results[1] = replace(results[1], status="failed", error=failure)
            results[2] = replace(results[2], status="skipped", reason=f"{name} 1 failed", attempts=0)
        places = ["", "cell 2 (one), line 3" if failure else "", ""]
        account = Account(
            name,
            f"{name}.ipynb",
            "failed" if failure else "succeeded",
            run_id="20260131-235959-brisk-otter-1f3c",
            started=1_769_903_999_000,
            seconds=2.25,
            host="machine",
            parameters={name: name, "n": 3},
            metrics={name: 0.5, "loss": float("nan"), "size": float("inf")},
            measures={"seconds": 2.25, f"{name} 1.peak_memory": 2_000_000, "s1.peak_memory": 2_000_000, "s2.x": None},
            steps=tuple(StepAccount(result, place, 7, "a log") for result, place in zip(results, places, strict=True)),
            pipeline=Pipeline(name, None, "python3", (), steps, edges, ()),
        )
        return replace(account, **fields)

    return make


@pytest.fixture
def result() -> RunResult:
    return RunResult("20260131-235959-brisk-otter-1f3c", "succeeded", 1.0, (), None, Path("run"))
