"""Writing a run of MLflow so that it may be interrupted anywhere and done again: only what is missing is written.

A run is found again by tags that it is created with. Metrics are the one thing that MLflow appends without asking, so
their history is read before more is written, if the run was there before.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlops.tracking.mlflow_errors import tolerated
from jupyter_mlops.tracking.mlflow_names import key, number, text

__all__ = ["Point", "RunWriter", "all_experiments", "experiment", "find_run", "pages"]

_METRICS = 1000
_PAIRS = 50


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; ``model`` is the id of one of MLflow's logged models, if it belongs to one."""

    name: str
    value: float
    time: int
    step: int
    model: str | None = None

    @property
    def identity(self) -> tuple[str, str, int, int]:
        """What two equal points have in common; NaN is equal to itself here."""
        return self.name, "nan" if math.isnan(self.value) else repr(number(float(self.value))), self.time, self.step


def experiment(client: Any, name: str) -> str:
    """Return the id of the experiment of this name; it is made where there is none."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException as error:
            # Somebody made it meanwhile, or it was made before the answer got lost.
            found = client.get_experiment_by_name(name) if error.error_code == "RESOURCE_ALREADY_EXISTS" else None
            if found is None:
                raise
    return str(found.experiment_id)


def all_experiments(client: Any) -> list[str]:
    """Return the ids of all experiments."""
    from mlflow.entities import ViewType

    return [str(item.experiment_id) for item in pages(client.search_experiments, view_type=ViewType.ALL)]


def find_run(client: Any, experiments: Sequence[str], tags: Mapping[str, str]) -> Any | None:
    """Return the run that was created with these tags, deleted ones among them; None if there is none."""
    from mlflow.entities import ViewType

    wanted = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    found = client.search_runs(list(experiments), wanted, run_view_type=ViewType.ALL, max_results=2)
    # A search leaves out what a run has made.
    return client.get_run(found[0].info.run_id) if found else None


class RunWriter:
    """Writes what a run of MLflow lacks.

    Args:
        client: MLflow's.
        run: The run as it is there.
        created: Whether it has just been created, so that nothing can be in it.

    ``problems`` says why artifacts could not be stored.
    """

    def __init__(self, client: Any, run: Any, *, created: bool) -> None:
        self._client = client
        self._run = run
        self._created = created
        self.problems: list[str] = []

    @property
    def id(self) -> str:
        """Its id in MLflow."""
        return str(self._run.info.run_id)

    @property
    def experiment(self) -> str:
        """Id of its experiment."""
        return str(self._run.info.experiment_id)

    @property
    def artifacts(self) -> str:
        """Where its artifacts are, as MLflow writes it."""
        return str(self._run.info.artifact_uri)

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that it had when it was found."""
        return dict(self._run.data.tags)

    def write_params(self, params: Mapping[str, str]) -> None:
        """Write parameters; one that is there stays as it is."""
        from mlflow.entities import Param

        there = self._run.data.params
        missing = [Param(key(name), value) for name, value in params.items() if key(name) not in there]
        for start in range(0, len(missing), _PAIRS):
            self._client.log_batch(self.id, params=missing[start : start + _PAIRS])

    def write_tags(self, tags: Mapping[str, str]) -> None:
        """Write tags."""
        from mlflow.entities import RunTag

        there = self._run.data.tags
        wanted = {key(name): text(value) for name, value in tags.items()}
        missing = [RunTag(name, value) for name, value in wanted.items() if there.get(name) != value]
        for start in range(0, len(missing), _PAIRS):
            self._client.log_batch(self.id, tags=missing[start : start + _PAIRS])

    def write_metrics(self, points: Iterable[Point]) -> None:
        """Write values of metrics, each exactly once however often this is called."""
        from mlflow.entities import Metric

        wanted = [Point(key(item.name), item.value, item.time, item.step, item.model) for item in points]
        there = self._history({item.name for item in wanted})
        missing = []
        for item in wanted:
            if there[item.identity] > 0:
                there[item.identity] -= 1
                continue
            extra = {} if item.model is None else {"model_id": item.model}
            missing.append(Metric(item.name, number(float(item.value)), item.time, item.step, **extra))
        for start in range(0, len(missing), _METRICS):
            self._client.log_batch(self.id, metrics=missing[start : start + _METRICS])

    def write_datasets(self, datasets: Sequence[tuple[Mapping[str, str], Mapping[str, str]]]) -> None:
        """Write inputs, each with tags."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        there = {(item.dataset.name, item.dataset.digest) for item in self._run.inputs.dataset_inputs}
        missing = {
            (data["name"], data["digest"]): DatasetInput(
                Dataset(**data), [InputTag(name, text(value, 255)) for name, value in tags.items()]
            )
            for data, tags in datasets
        }
        wanted = [item for identity, item in missing.items() if identity not in there]
        if wanted:
            self._client.log_inputs(self.id, datasets=wanted)

    def write_models(self, outputs: Mapping[str, int]) -> None:
        """Note logged models as what the run has made: from their ids to steps of training."""
        from mlflow.entities import LoggedModelOutput

        there = {item.model_id for item in getattr(getattr(self._run, "outputs", None), "model_outputs", None) or []}
        missing = [LoggedModelOutput(name, step) for name, step in outputs.items() if name not in there]
        if missing:
            self._client.log_outputs(self.id, missing)

    def write_folder(self, source: Path, target: str | None = None) -> None:
        """Write all artifacts in a folder; those that are there under the same names are replaced."""
        if any(source.iterdir()):
            with tolerated(self.problems):
                self._client.log_artifacts(self.id, str(source), target)

    def finish(self, status: str, end: int | None) -> None:
        """Note how the run ended, and when."""
        if self._run.info.status != status or self._run.info.end_time != end:
            self._client.set_terminated(self.id, status, end)

    def _history(self, names: set[str]) -> Counter[tuple[str, str, int, int]]:
        if self._created:
            return Counter()
        # The run knows the latest value of each of its metrics: for others there is no need to ask.
        known = sorted(names & set(self._run.data.metrics))
        points = (item for name in known for item in self._client.get_metric_history(self.id, name))
        return Counter(Point(item.key, item.value, item.timestamp, item.step).identity for item in points)


def pages(ask: Any, *arguments: Any, **named: Any) -> Iterable[Any]:
    """Go through all that a search finds, page by page."""
    token = None
    while True:
        page = ask(*arguments, page_token=token, **named)
        yield from page
        token = page.token
        if not token:
            return
