"""The versions that a process serves: loaded, swapped and unloaded without failing a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.deploy.bundle import Bundle
from jupyter_mlops.deploy.checks import rows_from_columns, rows_from_matrix
from jupyter_mlops.deploy.predictor import Predictor
from jupyter_mlops.deploy.schema import Rows
from jupyter_mlops.deploy.serving.batching import Batcher
from jupyter_mlops.deploy.serving.problems import Problem
from jupyter_mlops.deploy.serving.settings import Settings
from jupyter_mlops.deploy.serving.sources import Source
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.names import printable

__all__ = ["Failure", "Host", "Hosted"]

_INLINE_SECONDS = 0.0005
_LEARNING = 0.05


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a version is not there."""

    version: int
    reason: str


class Hosted:
    """A version that answers.

    Args:
        bundle: What it was loaded from.
        noticed: Is told how many requests waited when a batch was taken.
    """

    def __init__(self, bundle: Bundle, settings: Settings, noticed: Callable[[int], None]) -> None:
        self.bundle = bundle
        self.model, self.version = bundle.model, bundle.version
        self.predictor = Predictor.of(bundle)
        self.schema = self.predictor.schema
        self.batcher = Batcher(self.predictor, settings, (self.model, self.version), noticed)
        self.active = 0
        self._pace = self._first_pace()

    async def infer(self, rows: Rows, wanted: tuple[str, ...]) -> dict[str, Any]:
        """Return the outputs of rows; quick ones at once, others in batches on a thread.

        Raises:
            Problem: Too busy, or too slow.
            ModelFailure: The model raised.
        """
        self.active += 1
        try:
            # Only ONNX Runtime is trusted to come back: no code of users is in it.
            if self._pace * len(rows) < _INLINE_SECONDS and not self.batcher.waiting:
                start = time.thread_time()
                found = self.predictor.run(rows, wanted)
                spent = (time.thread_time() - start) / max(len(rows), 1)
                self._pace += _LEARNING * (spent - self._pace)
                return found
            return await self.batcher.submit(rows, wanted)
        finally:
            self.active -= 1

    def fitting(self, rows: Rows) -> Rows:
        """Check rows that fitted another version against this one's schema.

        Raises:
            InputError: They don't fit.
        """
        if rows.schema == self.schema:
            return rows
        if rows.schema.columns:
            return rows_from_columns({name: rows.column(name) for name in rows.schema.names}, self.schema)
        return rows_from_matrix(rows.matrix, self.schema)

    async def close(self) -> None:
        """Wait until nobody is being answered, then let the thread go."""
        while self.active:
            await asyncio.sleep(0.01)
        self.batcher.close()

    def _first_pace(self) -> float:
        """Seconds of CPU that a row takes; measured on the example, which also warms the model up."""
        example = self.bundle.example()
        if self.predictor.engine.name != "onnx" or example is None:
            return float("inf")
        split = example.get("dataframe_split")
        data = (
            example["instances"]
            if split is None
            else dict(zip(split["columns"], map(list, zip(*split["data"], strict=True)), strict=True))
        )
        rows = self.predictor.rows(data)
        self.predictor.run(rows)
        return min(self._timed(rows) for _ in range(5)) / len(rows)

    def _timed(self, rows: Rows) -> float:
        start = time.thread_time()
        self.predictor.run(rows)
        return time.thread_time() - start


class Host:
    """All that a process serves.

    Args:
        source: Gives bundles.
        noticed: Is told, with the model's name, how many requests waited when a batch was taken.
    """

    def __init__(self, source: Source, settings: Settings, noticed: Callable[[str, int], None]) -> None:
        self.source = source
        self._settings = settings
        self._noticed = noticed
        self._models: dict[str, dict[int, Hosted]] = {}
        self._order: dict[str, tuple[int, ...]] = {}
        self._failures: dict[str, Failure] = {}
        self._loading = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self.ready = False

    @property
    def models(self) -> Mapping[str, Mapping[int, Hosted]]:
        """Versions by number, by the names of models."""
        return self._models

    def versions(self, model: str) -> tuple[int, ...]:
        """Return the versions of a model that are ready, the newest first; none if there is no such model."""
        return self._order.get(model, ())

    def get(self, model: str, version: int) -> Hosted:
        """Return a version that is ready.

        Raises:
            Problem: It is not there.
        """
        found = self._models.get(model, {}).get(version)
        if found is None:
            raise self.unknown(model, version)
        return found

    def unknown(self, model: str, version: int | None = None) -> Problem:
        """Return what to answer where a model or version is not there."""
        versions = self.versions(model)
        if version is not None and versions:
            some = ", ".join(map(str, versions))
            return Problem(
                404, f'The model "{printable(model)}" has no version {version} here; it has {some}.', field="version"
            )
        failure = self._failures.get(model)
        if failure is not None:
            return Problem(404, f'The model "{printable(model)}" could not be loaded: {failure.reason}', field="model")
        some = ", ".join(map(printable, list(self._order)[:10])) or "none"
        return Problem(404, f'There is no model "{printable(model)[:200]}" here; there are: {some}.', field="model")

    async def load(self, model: str, version: int) -> Hosted:
        """Load a version beside those that are there; one that is there stays as it is.

        Raises:
            MlopsError: It can't be loaded. What is served goes on.
        """
        async with self._loading:
            there = self._models.get(model, {}).get(version)
            if there is not None:
                return there
            try:
                hosted = await asyncio.to_thread(self._loaded, model, version)
            except MlopsError as error:
                self._failures[model] = Failure(version, error.message)
                raise
            self._failures.pop(model, None)
            self._put(model, {**self._models.get(model, {}), version: hosted})
            return hosted

    async def unload(self, model: str, version: int | None = None) -> bool:
        """Take a version, or all of a model, away; requests that are being answered end well. Tell if it was there."""
        async with self._loading:
            there = self._models.get(model, {})
            going = [item for number, item in there.items() if version is None or number == version]
            self._put(model, {number: item for number, item in there.items() if item not in going})
            for item in going:
                task = asyncio.create_task(item.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
            return bool(going)

    def state(self) -> list[dict[str, str]]:
        """Return what the repository's index says: what is loaded, what failed."""
        found = []
        for model, versions in self._models.items():
            for version in self.versions(model):
                ready = versions[version].batcher.usable
                state, reason = ("READY", "") if ready else ("UNAVAILABLE", "the model hangs")
                found.append({"name": model, "version": str(version), "state": state, "reason": reason})
        for model, failure in self._failures.items():
            found.append(
                {"name": model, "version": str(failure.version), "state": "UNAVAILABLE", "reason": failure.reason}
            )
        return found

    async def index(self) -> list[dict[str, str]]:
        """Return the repository's index: what is loaded or failed, then what could be loaded."""
        found = self.state()
        known = {(item["name"], item["version"]) for item in found}
        others: Sequence[tuple[str, int]] = await asyncio.to_thread(self.source.index)
        for model, version in others:
            if (model, str(version)) not in known:
                found.append({"name": model, "version": str(version), "state": "UNAVAILABLE", "reason": "not loaded"})
        return found

    def _loaded(self, model: str, version: int) -> Hosted:
        bundle = self.source.bundle(model, version)
        return Hosted(bundle, self._settings, lambda count: self._noticed(model, count))

    def _put(self, model: str, versions: dict[int, Hosted]) -> None:
        if versions:
            self._models = {**self._models, model: versions}
            self._order = {**self._order, model: tuple(sorted(versions, reverse=True))}
        else:
            self._models = {name: item for name, item in self._models.items() if name != model}
            self._order = {name: item for name, item in self._order.items() if name != model}
