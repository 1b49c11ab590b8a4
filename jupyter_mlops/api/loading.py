"""Values of runs, back in the process of whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_mlops.pipeline.model import Pipeline
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.tracking.charts import History
    from jupyter_mlops.tracking.livestep import Restored
    from jupyter_mlops.tracking.values import RunReader

__all__ = [
    "load",
    "load_inputs",
    "metric_histories",
    "restore_step",
    "run_pipeline",
    "run_reader",
    "step_names",
]


def load(name: str, run: str = "latest", step: str | None = None, *, home: PathLike | None = None) -> Any:
    """Return a value that a run made, by its name.

    Arrays come from the store as they are touched; changing them changes a copy.

    Args:
        name: Of the variable. Where several steps made one of this name, the last on the page counts, as at the end of
            the notebook.
        run: Its id, the beginning of it, its words, or ``latest``.
        step: Name of the step that made it.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such run, step or value, or it can't be read here, such as for lack of a library.
        InfrastructureError: The store can't be used, or the value's content is missing or damaged.
    """
    from jupyter_mlops.tracking.values import load_value

    with open_store(home) as (database, folders):
        return load_value(run_reader(database, folders, run), name, step)


def load_inputs(step: str, run: str = "latest", *, home: PathLike | None = None) -> dict[str, Any]:
    """Return what a step of a run took from earlier steps: values by name. Code that it replayed is not among them.

    Args:
        step: Its name.
        run: Its id, the beginning of it, its words, or ``latest``.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such run or step, or an input was never made, or can't be read here.
        InfrastructureError: The store can't be used, or a content is missing or damaged.
    """
    from jupyter_mlops.tracking.values import load_inputs as inputs

    with open_store(home) as (database, folders):
        return inputs(run_reader(database, folders, run), step)


def restore_step(
    step: str,
    namespace: dict[str, Any],
    execute: Callable[[str], None],
    *,
    run: str | None = None,
    notebook: PathLike | None = None,
    files: bool = False,
    force: bool = False,
    known: dict[str, Any] | None = None,
    home: PathLike | None = None,
) -> Restored:
    """Put a process where a step of a run began: its code, parameters, inputs and hidden state.

    Args:
        step: Its name.
        namespace: The globals that the step's cells are to find.
        execute: Runs code of the notebook in ``namespace``.
        run: Which run; the last of ``notebook`` by default, and without one the last in the store.
        notebook: The notebook's file.
        files: Whether files that earlier steps made are put into place, too.
        force: Whether names that hold something else are overwritten.
        known: Values that may be overwritten: what was restored before. What is restored now is added.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no such run or step, an input was never made, or a name holds something else.
        InfrastructureError: The store can't be used, or a content is missing or damaged.
    """
    from jupyter_mlops.tracking.livestep import LiveStep, run_of

    with open_store(home) as (database, folders):
        reader = run_reader(database, folders, run or run_of(database, notebook))
        live = LiveStep(reader, step)
        return live.restore(namespace, execute, files=files, force=force, known={} if known is None else known)


def step_names(run: str | None = None, notebook: PathLike | None = None, *, home: PathLike | None = None) -> list[str]:
    """Return the names of a run's steps, and nothing where there is no such run.

    Args:
        run: Which run; the last of ``notebook`` by default, and without one the last in the store.
    """
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.tracking.livestep import run_of

    try:
        with open_store(home) as (database, _):
            run_id = database.run_id(run) if run else run_of(database, notebook)
            return [step.name for step in database.steps_of(run_id)]
    except MlopsError:
        return []


def run_reader(database: Database, home: Home, run: str) -> RunReader:
    """Return what reads the values of a run.

    Raises:
        UsageError: No run, or more than one, is meant.
    """
    from jupyter_mlops.tracking.values import RunReader

    return RunReader(database, home, database.run(run), pipeline)


def run_pipeline(run: str, *, home: PathLike | None = None) -> Pipeline | None:
    """Return the pipeline of a run, sliced again from the notebook that it kept; None if it kept none.

    Raises:
        UsageError: No run, or more than one, is meant.
        InfrastructureError: The store can't be used.
    """
    with open_store(home) as (database, folders):
        return run_reader(database, folders, run).pipeline


def metric_histories(runs: Sequence[str], *, home: PathLike | None = None) -> tuple[History, ...]:
    """Return how metrics went that were reported more than once, for charts.

    Args:
        runs: Their ids.

    Raises:
        UsageError: There is no store.
        InfrastructureError: It can't be used.
    """
    from jupyter_mlops.tracking.charts import histories

    with open_store(home) as (database, _):
        return histories({run_id: database.metrics_of(run_id) for run_id in runs})
