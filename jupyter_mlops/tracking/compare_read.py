"""What a comparison needs of the runs, read from the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import ArtifactRecord, RunRecord, StepRecord
from jupyter_mlops.store.tracing import FILE_PREFIX

__all__ = ["RunSnapshot", "read_runs"]

_MOST_RUNS = 50
_ABSENT = "absent"


@dataclass(frozen=True)
class RunSnapshot:
    """A run with all that is compared.

    Args:
        made: Artifacts of its steps.
        files: Files that it read and did not make.
        notebook: The notebook's JSON as it was when the run began; None if it was not kept.
        pipeline: The pipeline's JSON; None if it was not kept.
        environment: Python, platform and distributions; None if they were not recorded.
        changes: What the working copy had besides the commit, empty if nothing; None if it was not recorded.
    """

    run: RunRecord
    steps: tuple[StepRecord, ...] = ()
    made: tuple[ArtifactRecord, ...] = ()
    files: tuple[ArtifactRecord, ...] = ()
    notebook: Mapping[str, Any] | None = None
    pipeline: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    changes: str | None = None


def read_runs(database: Database, runs: Sequence[str], baseline: str | None = None) -> tuple[RunSnapshot, ...]:
    """Read runs, the baseline first.

    Args:
        runs: Ids, beginnings of them, their words, or ``latest``.
        baseline: The first of ``runs`` by default.

    Raises:
        UsageError: A run is not on record or meant twice, or there is only one.
    """
    ids = [database.run_id(text) for text in runs]
    first = ids[:1] if baseline is None else [database.run_id(baseline)]
    others = [run_id for run_id in ids if run_id not in first]
    if len(set(ids)) < len(ids):
        twice = next(run_id for run_id in ids if ids.count(run_id) > 1)
        raise UsageError(f"The run {twice} is named twice.", hint="`jupyter mlops runs` lists the runs.")
    if not others:
        raise UsageError(
            "A comparison needs two runs." if first else "No run is named.",
            hint="Name two or more: jupyter mlops compare BASELINE RUN.",
        )
    if len(others) >= _MOST_RUNS:
        raise UsageError(f"{len(others) + 1} runs are too many to compare; {_MOST_RUNS} are the most.")
    return tuple(_snapshot(database, run_id) for run_id in (*first, *others))


def _snapshot(database: Database, run_id: str) -> RunSnapshot:
    taken = database.artifacts_of(run_id, direction="in")
    files = {item.id: item for item in taken if item.id.startswith(FILE_PREFIX)}
    return RunSnapshot(
        run=database.run(run_id),
        steps=database.steps_of(run_id),
        made=tuple(item for item in database.artifacts_of(run_id) if item.serializer != _ABSENT),
        files=tuple(files.values()),
        notebook=_json(database.document(run_id, "notebook")),
        pipeline=_json(database.document(run_id, "pipeline")),
        environment=_json(database.document(run_id, "environment")),
        changes=database.document(run_id, "git-diff"),
    )


def _json(text: str | None) -> Mapping[str, Any] | None:
    try:
        data = json.loads(text) if text else None
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
