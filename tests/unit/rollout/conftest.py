"""A store with versions of a model, without notebooks or kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlops.engine.surroundings import GIT_DIFF
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.records import ArtifactRecord, NewRun, StepOutcome

Register = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return ensure_home(tmp_path / ".mlops")


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    with Database(home.database) as opened:
        yield opened


@pytest.fixture
def register(database: Database) -> Register:
    """Register the next version of a model; ``diff`` is what was not committed."""
    count = iter(range(1000))

    def registered(name: str = "churn", *, diff: str | None = "", commit: str | None = "c0ffee") -> int:
        number = next(count)
        run = database.create_run(NewRun("churn", [("train", "train")], commit=commit))
        forest = ArtifactRecord("train.forest", "value", ("forest",), f"{number:064x}", 10, type="lib.Forest")
        database.finish_step(run.run_id, "train", StepOutcome("succeeded", outputs=[forest]))
        database.finish_run(run.run_id, "succeeded")
        if diff is not None:
            database.record_document(run.run_id, GIT_DIFF, diff)
        version, _ = database.register_model(
            name, run_id=run.run_id, step="train", artifact="train.forest", member="forest"
        )
        return version.version

    return registered
