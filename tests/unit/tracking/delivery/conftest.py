"""Runs in a store, as the engine would have recorded them."""

from __future__ import annotations

import importlib
import math
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.store.database import Database
from jupyter_mlops.store.home import Home, ensure_home
from jupyter_mlops.store.objects import ObjectStore, hash_bytes
from jupyter_mlops.store.records import (
    Addressee,
    ArtifactRecord,
    FailureRecord,
    MetricRecord,
    NewRun,
    StepOutcome,
)


@pytest.fixture(scope="session")
def stand_in() -> Any:
    """Return the module of the stand-in for MLflow's client."""
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        return importlib.import_module("mlflow_stand_in")
    finally:
        sys.path.pop(0)


_EMPTY = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'


class Books:
    """A store, and how runs get into it."""

    def __init__(self, folder: Path) -> None:
        self.home: Home = ensure_home(folder)
        self.database = Database(self.home.database)

    def keep(self, content: bytes, name: str, kind: str, type: str, **more: Any) -> ArtifactRecord:
        """Put an object into the store; return its record."""
        path = ObjectStore(self.home.objects).path(hash_bytes(content))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return ArtifactRecord(f"load.{name}", kind, (name,), hash_bytes(content), len(content), type, **more)

    def run(self, *to: Addressee, steps: bool = True, **more: Any) -> str:
        """Record a run of three steps; the last one fails."""
        names = (("load", "Load data"), ("train", "Train"), ("report", "Report"), ("never", "Never"))
        new = NewRun(
            "churn",
            names if steps else names[:1],
            parameters={"rate": 0.1, "model": "rf", "ümlaut (1)": [1, None]},
            notebook="churn.ipynb",
            user="ada",
            commit="abc123",
            tags={"team": "ü"},
            addressees=to,
            **more,
        )
        run_id = self.database.create_run(new).run_id
        source = ArtifactRecord("file:data.csv", "file", ("data.csv",), hash_bytes(b"csv"), 3)
        schema = {"columns": {"a": "int64"}, "rows": 3, "more_columns": 0}
        frame = self.keep(b"frame", "frame", "value", "pandas.DataFrame", serializer="pickle", schema=schema)
        figure = self.keep(b"\x89PNG", "curve", "figure", "image/png", serializer="file")
        self.finish(run_id, "load", inputs=(source,), outputs=(frame, figure), metrics=[MetricRecord("rows", 3)])
        if steps:
            losses = [MetricRecord("loss", 1 / (1 + number), "", number, 1000 + number) for number in range(5)]
            odd = [MetricRecord("odd (f1)", math.nan, "", 0, 5), MetricRecord("odd (f1)", math.inf, "", 1, 6)]
            self.finish(run_id, "train", inputs=(frame,), metrics=[*losses, losses[0], *odd])
            self.finish(run_id, "report", "failed", error=FailureRecord("ValueError", "no"))
            self.finish(run_id, "never", "skipped")
        (self.home.run(run_id) / "steps").mkdir(parents=True)
        (self.home.run(run_id) / "output.ipynb").write_text(_EMPTY, encoding="utf-8")
        self.database.finish_run(run_id, "failed" if steps else "succeeded")
        return run_id

    def register(
        self, name: str, run_id: str, step: str, artifact: str, *, versions: int, aliases: Mapping[str, int]
    ) -> None:
        """Register a model, as ``models register`` does."""
        name_of_value = artifact.partition(".")[2]
        for number in range(versions):
            member = name_of_value if number == 0 else f"{name_of_value} {number}"
            self.database.register_model(name, run_id=run_id, step=step, artifact=artifact, member=member)
        self.database.describe_model(name, None, "who leaves")
        for alias, version in dict(next(m for m in self.database.models() if m.name == name).aliases).items():
            if aliases.get(alias) != version:
                self.database.set_model_alias(name, alias, None)
        for alias, version in aliases.items():
            self.database.set_model_alias(name, alias, version)

    def finish(self, run_id: str, slug: str, status: Any = "succeeded", **more: Any) -> None:
        self.database.finish_step(run_id, slug, StepOutcome(status, seconds=1.0, **more))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Return an empty store."""
    made = Books(tmp_path / ".mlops")
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def _logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the code of a step has logged with MLflow's own functions: one run, with a model and a version of it."""
    import mlflow

    folder = tmp_path_factory.mktemp("logged") / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        patch.setenv("MLFLOW_TRACKING_URI", folder.as_uri())
        client = mlflow.MlflowClient(folder.as_uri(), folder.as_uri())
        run = client.create_run("0", tags={"colour": "red"}, run_name="fine-owl-1")
        name = run.info.run_id
        client.log_param(name, "depth", 3)
        for step in range(3):
            client.log_metric(name, "mine", 0.5 - step, timestamp=100 + step, step=step)
        notes = folder.parent / "hello.txt"
        notes.write_text("hello", encoding="utf-8")
        client.log_artifact(name, str(notes), "notes")
        model = client.create_logged_model("0", "net", name, params={"layers": "2"})
        made = folder.parent / "model"
        made.mkdir()
        (made / "MLmodel").write_text(f"model_id: {model.model_id}\nrun_id: {name}\n", encoding="utf-8")
        client.log_model_artifacts(model.model_id, str(made))
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(name, [mlflow.entities.LoggedModelOutput(model.model_id, 0)])
        client.create_registered_model("net")
        client.create_model_version("net", model.artifact_location, name, model_id=model.model_id)
        client.set_registered_model_alias("net", "first", "1")
        client.set_terminated(name)
    return folder


@pytest.fixture
def own(_logged: Path, books: Books, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, to be moved to where a step would have left it."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return Path(shutil.copytree(_logged, books.home.tmp / "own"))
