"""Clusters: runtimes, submitting, following, schedules, and what runs there have made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.history import open_store
from jupyter_mlops.api.notebooks import PathLike, pipeline, source_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.checking import Checked
    from jupyter_mlops.kubeflow.client import Cluster
    from jupyter_mlops.kubeflow.following import Watcher
    from jupyter_mlops.kubeflow.pace import Pace
    from jupyter_mlops.kubeflow.runtimes import Runtime
    from jupyter_mlops.kubeflow.submitting import Order
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home

__all__ = [
    "Submitted",
    "add_runtime",
    "check_runtime",
    "cluster_of",
    "fetch_run",
    "follow_run",
    "list_runtimes",
    "open_cluster",
    "order_of",
    "place_of",
    "refresh_run",
    "refresh_runs",
    "remove_runtime",
    "root_at",
    "submit",
]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run that was started on a cluster.

    Args:
        page: Address of the page about it.
        notes: What else there is to say.
    """

    run_id: str
    cluster_run_id: str
    runtime: str
    pipeline: str
    version: str
    experiment: str
    page: str
    notes: tuple[str, ...] = ()


def list_runtimes(root: PathLike | None = None) -> dict[str, Runtime]:
    """Return the project's runtimes by name.

    Args:
        root: The project's root; that of the working directory by default.

    Raises:
        UsageError: ``mlops.toml`` makes no sense, or holds a secret.
    """
    from jupyter_mlops.kubeflow.runtimes import read_runtimes

    return read_runtimes(root_at(root))


def add_runtime(
    name: str, values: Mapping[str, Any], *, replace: bool = False, root: PathLike | None = None
) -> tuple[Runtime, Path]:
    """Write a runtime into the project's ``mlops.toml``; return it and the file.

    Args:
        values: Its keys, as the file has them.
        replace: Whether one of this name may be there.

    Raises:
        UsageError: It makes no sense, holds a secret, or is there already.
    """
    from jupyter_mlops.kubeflow import runtimefile
    from jupyter_mlops.store.projectfile import FILE

    folder = root_at(root)
    return runtimefile.add_runtime(folder, name, values, replace=replace), folder / FILE


def remove_runtime(name: str, *, root: PathLike | None = None) -> Runtime:
    """Remove a runtime from the project's ``mlops.toml``.

    Raises:
        UsageError: There is none of this name.
    """
    from jupyter_mlops.kubeflow import runtimefile

    return runtimefile.remove_runtime(root_at(root), name)


def check_runtime(name: str, *, root: PathLike | None = None) -> Checked:
    """Find out whether a runtime can be used; a failure is in the result, not raised.

    Raises:
        UsageError: There is none of this name.
    """
    from jupyter_mlops.kubeflow import checking
    from jupyter_mlops.kubeflow.storage import Storage

    with open_cluster(name, root_at(root)) as cluster:
        return checking.check_runtime(cluster, Storage(cluster.runtime))


def submit(
    notebook: PathLike | Notebook,
    runtime: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    experiment: str = "",
    image: str | None = None,
    no_cache: bool = False,
    home: PathLike | None = None,
    sliced: Pipeline | None = None,
    sources: Mapping[str, str] | None = None,
    command: str | None = None,
) -> Submitted:
    """Start a notebook as a run on a cluster, once, and record it beside the local runs.

    Args:
        notebook: A file, or a notebook that was read before.
        runtime: Name of the runtime in ``mlops.toml``.
        parameters: Values for declared parameters.
        experiment: The group it is in; the runtime's by default.
        image: Image of the steps that name none.
        no_cache: Run all steps, whatever the cluster could reuse.
        home: Folder of the store; ``.mlops`` at the project's root by default.
        sliced: What ``pipeline`` returned for this notebook, if it was called before.
        sources: Where each of ``parameters`` comes from, for the record.
        command: The command line that started it, for the record.

    Raises:
        PipelineError: The notebook has errors; nothing was started.
        UsageError: Something makes no sense, or the cluster refuses it; nothing was started.
        InfrastructureError: The cluster can't be reached; the message says if it can't be told whether it was started.
    """
    from jupyter_mlops.engine.origin import origin
    from jupyter_mlops.engine.preparation import run_of
    from jupyter_mlops.engine.request import redactor_of
    from jupyter_mlops.kubeflow.records import cluster_run
    from jupyter_mlops.kubeflow.submitting import submit as start
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import ensure_home, find_home
    from jupyter_mlops.tracking.trackers import addressees

    source = source_of(notebook)
    sliced, place, given = sliced or pipeline(source), place_of(source), parameters or {}
    root, folder = root_at(place), Path(home) if home is not None else find_home(place)
    with open_cluster(runtime, root) as cluster:
        cluster.health()  # whoever can't be reached is told before anything is written
        order, notes = order_of(
            cluster.runtime,
            source,
            sliced,
            given,
            experiment=experiment,
            image=image,
            no_cache=no_cache,
            home=folder,
        )
        folders = ensure_home(folder)
        new = run_of(
            sliced,
            source,
            given,
            begun=origin(),
            kernel=sliced.kernel,
            project=place,
            root=root,
            sources=sources or {},
            command=command,
            redactor=replace(redactor_of(sliced, source, given, {}, root), key=folders.fingerprint_key()),
            addressees=addressees(os.environ, place),
        )
        with Database(folders.database) as database:
            run_id = start(cluster, database, new, order)
            found = cluster_run(database, run_id)
    return Submitted(run_id, found.run_id, runtime, found.pipeline, found.version, found.experiment, found.page, notes)


def follow_run(run: str, *, watch: Watcher | None = None, logs: bool = False, home: PathLike | None = None) -> str:
    """Follow a run on a cluster until it ends; return how it ended.

    Args:
        run: As for ``show_run``.
        watch: Told what changes.
        logs: Whether to ask for what steps print.

    Raises:
        UsageError: There is no such run, or it is not on a cluster.
        InfrastructureError: The cluster can't be reached for long, or the run was deleted there.
    """
    from jupyter_mlops.kubeflow.following import Follower

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        with cluster_of(database, folders, run_id) as cluster:
            return Follower(cluster, database, folders, run_id, watch=watch, logs=logs).follow()


def refresh_run(run: str, *, watch: Watcher | None = None, brief: bool = False, home: PathLike | None = None) -> str:
    """Ask a cluster once how a run stands, and record it.

    Args:
        brief: Whether to give up soon if the cluster does not answer.

    Other arguments and errors as for ``follow_run``.
    """
    from jupyter_mlops.kubeflow.following import Follower
    from jupyter_mlops.kubeflow.pace import BRIEF

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        with cluster_of(database, folders, run_id, BRIEF if brief else None) as cluster:
            return Follower(cluster, database, folders, run_id, watch=watch).refresh()


def refresh_runs(*, home: PathLike | None = None) -> dict[str, str]:
    """Ask about all runs that go on on clusters; return how each stands, or why that is not known."""
    from jupyter_mlops.errors import MlopsError
    from jupyter_mlops.kubeflow.records import BACKEND
    from jupyter_mlops.store.conditions import equals

    with open_store(home) as (database, _):
        going = [
            run.run_id for run in database.runs(None, condition=equals("status", "running")) if run.backend == BACKEND
        ]
    found = {}
    for run_id in going:
        try:
            found[run_id] = refresh_run(run_id, brief=True, home=home)
        except MlopsError as error:
            found[run_id] = error.message
    return found


def fetch_run(run: str, names: Sequence[str] = (), *, home: PathLike | None = None) -> tuple[int, int]:
    """Bring what a run on a cluster made into the store; return how many artifacts were fetched, and were there.

    Args:
        run: As for ``show_run``.
        names: Of variables or files; all by default.

    Raises:
        UsageError: There is no such run or name, or a library for the address is missing.
        InfrastructureError: Something can't be read, or is not what was recorded.
    """
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.kubeflow.fetching import fetch_artifacts

    with open_store(home) as (database, folders):
        run_id = database.run_id(run)
        made = database.artifacts_of(run_id)
        known = {name for item in made for name in (*item.names, item.id)}
        for name in names:
            if name not in known:
                raise UsageError(
                    f"The run {run_id} made nothing called {name!r}.", hint=f"There are: {', '.join(sorted(known))}."
                )
        wanted = [item for item in made if not names or {*item.names, item.id} & set(names)]
        return fetch_artifacts(database, folders, wanted)


def order_of(
    runtime: Runtime,
    source: Notebook,
    sliced: Pipeline,
    given: Mapping[str, Any],
    *,
    experiment: str,
    image: str | None,
    no_cache: bool,
    home: Path,
) -> tuple[Order, tuple[str, ...]]:
    """Return what is submitted of a notebook, and notes; with the images that were built last, unless one is given."""
    from jupyter_mlops.kubeflow.compiling import CompileOptions
    from jupyter_mlops.kubeflow.ordering import make_order
    from jupyter_mlops.pipeline.parameters import resolve

    images, unpushed = _built(home, source, image)
    return make_order(
        runtime,
        source,
        sliced,
        resolve(sliced, given),
        CompileOptions(image=image, images=images, tells=True),
        experiment=experiment,
        no_cache=no_cache,
        unpushed=unpushed,
    )


def _built(home: Path, source: Notebook, image: str | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The images that were built for a notebook as it is, by step slug; and those built here that were not pushed."""
    from jupyter_mlops.api.images import images_of
    from jupyter_mlops.images.record import last_build

    built = images_of(source, home=home) if image is None else last_build(home, source.name)
    if built is None:
        return {}, ()
    unpushed = tuple(item.reference for item in built.images if not item.pushed)
    return dict(built.by_step) if image is None else {}, unpushed


def place_of(source: Notebook) -> Path:
    """Return the folder of a notebook."""
    return source.path.parent if source.path is not None else Path.cwd()


@contextlib.contextmanager
def open_cluster(name: str, root: Path, pace: Pace | None = None) -> Iterator[Cluster]:
    """Open the runtime of this name. UsageError: there is none."""
    from jupyter_mlops.kubeflow.client import Cluster
    from jupyter_mlops.kubeflow.runtimes import find_runtime

    with Cluster(find_runtime(root, name), pace) as cluster:
        yield cluster


@contextlib.contextmanager
def cluster_of(database: Database, folders: Home, run_id: str, pace: Pace | None = None) -> Iterator[Cluster]:
    """Open the runtime that a run is at. UsageError: there is none, or it is another one by now."""
    from jupyter_mlops.kubeflow.records import check_same_host, cluster_run
    from jupyter_mlops.store.home import project_of

    found = cluster_run(database, run_id)
    with open_cluster(found.runtime, project_of(folders), pace) as cluster:
        check_same_host(cluster.runtime, found, run_id)
        yield cluster


def root_at(place: PathLike | None) -> Path:
    """The project's root at a place; that of the working directory by default."""
    from jupyter_mlops.store.home import project_root

    return project_root(Path(place) if place is not None else Path.cwd())
