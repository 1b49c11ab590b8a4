"""Stores made by hand: runs of small pipelines, through the database's own methods."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

from jupyter_mlops.store import database as database_module
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.objects import hash_bytes
from jupyter_mlops.store.records import ArtifactRecord, MetricRecord, NewRun, StepOutcome

STEPS = (("load", "Load data"), ("train", "Train"))
CODE = {"load": "import csv\nframe = read('patients.csv')", "train": "model = fit(frame)\nwrite('model.pkl')"}


def value(step: str, name: str, content: object, **more: Any) -> ArtifactRecord:
    """An artifact that a step makes of a variable."""
    settings = {"type": "dict", "serializer": "pickle", "bytes": 10} | more
    return ArtifactRecord(f"{step}.{name}", "value", (name,), hash_bytes(repr(content).encode()), **settings)


def written(step: str, path: str, content: bytes) -> ArtifactRecord:
    """A file that a step makes."""
    return ArtifactRecord(
        f"{step}.file:{path}", "file", (path,), hash_bytes(content), len(content), "file", serializer="file"
    )


def read(path: str, content: bytes) -> ArtifactRecord:
    """A file of the project that a step reads."""
    return ArtifactRecord(f"file:{path}", "file", (path,), hash_bytes(content), len(content), "file")


def notebook(code: Mapping[str, str] = CODE) -> dict[str, Any]:
    cells = [
        {"cell_type": "code", "id": f"c-{slug}", "source": source, "metadata": {"tags": [f"step:{slug}"]}}
        for slug, source in code.items()
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def pipeline(steps: Sequence[tuple[str, str]] = STEPS) -> dict[str, Any]:
    return {"schema": 1, "steps": [{"name": name, "slug": slug, "cells": [f"c-{slug}"]} for slug, name in steps]}


class History:
    """Records runs, one a minute."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._clock = itertools.count(1_700_000_000_000, 60_000)
        self._words = itertools.count()

    def start(self, name: str = "churn", *, steps: Sequence[tuple[str, str]] = STEPS, **more: Any) -> str:
        """A run that has begun."""
        now, number = next(self._clock), next(self._words)
        run_id = f"20260101-{number:06d}-calm-otter-{number:04x}"
        documents = {"notebook": json.dumps(notebook()), "pipeline": json.dumps(pipeline(steps))}
        settings = {"documents": documents} | more
        with (
            mock.patch.object(database_module, "new_run_id", lambda: run_id),
            mock.patch.object(database_module, "_now", lambda: now),
        ):
            return self.database.create_run(NewRun(name, steps, **settings)).run_id

    def step(
        self,
        run_id: str,
        slug: str,
        status: str = "succeeded",
        *,
        takes: Sequence[ArtifactRecord] = (),
        makes: Sequence[ArtifactRecord] = (),
        key: str | None = None,
        reused: str | None = None,
        metrics: Mapping[str, float] | None = None,
        seconds: float = 1.0,
    ) -> None:
        """A step that has ended."""
        outcome = StepOutcome(
            "reused" if reused else status,  # type: ignore[arg-type]
            seconds=seconds,
            cached=reused is not None,
            cache_key=key,
            reused_from=reused,
            inputs=takes,
            outputs=makes,
            metrics=[MetricRecord(name, number) for name, number in (metrics or {}).items()],
        )
        with mock.patch.object(database_module, "_now", lambda: next(self._clock)):
            self.database.finish_step(run_id, slug, outcome)

    def churn(
        self, *, data: bytes = b"1,2", rate: float = 0.1, reuse: Mapping[str, str] | None = None, **more: Any
    ) -> str:
        """A whole run: loads a file, trains, writes the model to a file.

        Args:
            reuse: For steps, the runs whose results they take.
        """
        reuse = reuse or {}
        run_id = self.start(parameters={"rate": rate}, **more)
        frame = value("load", "frame", data)
        model = value("train", "model", (data, rate))
        file = written("train", "model.pkl", repr((data, rate)).encode())
        self.step(
            run_id,
            "load",
            takes=[read("patients.csv", data)],
            makes=[frame],
            key=f"load {data!r}",
            reused=reuse.get("load"),
        )
        self.step(
            run_id,
            "train",
            takes=[frame],
            makes=[model, file],
            key=f"train {data!r} {rate}",
            reused=reuse.get("train"),
            metrics={"accuracy": rate * 2},
        )
        self.database.finish_run(run_id, "succeeded", seconds=2.0)
        return run_id
