"""Runs that clusters start by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.api.clusters import open_cluster, order_of, place_of, root_at
from jupyter_mlops.api.notebooks import PathLike, pipeline, source_of
from jupyter_mlops.notebook.model import Notebook
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from jupyter_mlops.kubeflow.schedules import Schedule

__all__ = ["create_schedule", "list_schedules", "set_schedule"]


def create_schedule(
    notebook: PathLike | Notebook,
    runtime: str,
    cron: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    experiment: str = "",
    image: str | None = None,
    no_cache: bool = False,
    catch_up: bool = False,
    home: PathLike | None = None,
    sliced: Pipeline | None = None,
) -> Schedule:
    """Let a cluster start a notebook by the clock.

    Args:
        cron: Five fields: minute, hour, day, month, weekday.
        catch_up: Whether times that passed while it was paused are made up for.

    Other arguments and errors as for ``submit``.
    """
    from jupyter_mlops.kubeflow import schedules
    from jupyter_mlops.kubeflow.cron import parse_cron
    from jupyter_mlops.store.home import find_home

    times = parse_cron(cron)
    source = source_of(notebook)
    sliced, place = sliced or pipeline(source), place_of(source)
    folder = Path(home) if home is not None else find_home(place)
    with open_cluster(runtime, root_at(place)) as cluster:
        cluster.health()
        order, _ = order_of(
            cluster.runtime,
            source,
            sliced,
            parameters or {},
            experiment=experiment,
            image=image,
            no_cache=no_cache,
            home=folder,
        )
        return schedules.create_schedule(cluster, order, times, catch_up=catch_up)


def list_schedules(runtime: str, *, root: PathLike | None = None) -> tuple[Schedule, ...]:
    """Return the schedules of a runtime.

    Raises:
        UsageError: There is no such runtime, or it refuses.
        InfrastructureError: It can't be reached.
    """
    from jupyter_mlops.kubeflow import schedules

    with open_cluster(runtime, root_at(root)) as cluster:
        return schedules.list_schedules(cluster)


def set_schedule(name: str, runtime: str, action: str, *, root: PathLike | None = None) -> Schedule:
    """Pause, resume or delete a schedule; return it as it was found.

    Args:
        name: Its name, its id, or the beginning of one.
        action: ``pause``, ``resume`` or ``delete``.

    Raises:
        UsageError: There is no such schedule or runtime.
        InfrastructureError: The cluster can't be reached.
    """
    from jupyter_mlops.kubeflow import schedules

    with open_cluster(runtime, root_at(root)) as cluster:
        found = schedules.find_schedule(cluster, name)
        actions = {
            "pause": cluster.disable_schedule,
            "resume": cluster.enable_schedule,
            "delete": cluster.delete_schedule,
        }
        actions[action](found.schedule_id)
        return found
