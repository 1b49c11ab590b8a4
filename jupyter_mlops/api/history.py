"""Runs on record: lists of them, all of one, tags, notes, archives."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    import pandas

    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.tracking.archive import Exported, Imported
    from jupyter_mlops.tracking.changing import Removed, Tagged
    from jupyter_mlops.tracking.listing import RunPage, RunQuery
    from jupyter_mlops.tracking.showing import RunDetail

__all__ = [
    "export_runs",
    "find_runs",
    "import_runs",
    "note_run",
    "open_store",
    "remove_runs",
    "resolve_runs",
    "run_document",
    "runs",
    "show_run",
    "tag_run",
    "untag_run",
]


def runs(
    filter: str | None = None,
    *,
    sort: str | Sequence[str] = (),
    limit: int | None = 1000,
    pipeline: str | None = None,
    notebook: str | None = None,
    home: PathLike | None = None,
) -> pandas.DataFrame:
    """List runs as a DataFrame.

    Args:
        filter: ``metrics.accuracy > 0.9 and params.model = "rf"``; all runs by default. The language is in
            docs/history.md.
        sort: ``metrics.accuracy desc``, or several; the newest first by default.
        limit: How many at most; None is all.
        pipeline: Only runs of this pipeline.
        notebook: Only runs of this notebook: its path, or the end of it.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        A row for each run: its attributes, times in UTC, then ``metrics.NAME``, ``params.NAME`` and ``tags.NAME``.

    Raises:
        UsageError: The filter or the order makes no sense; the message shows where.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.frames import runs_frame
    from jupyter_mlops.tracking.listing import RunQuery

    orders = (sort,) if isinstance(sort, str) else tuple(sort)
    page = find_runs(RunQuery(filter, orders, (), limit, 1, pipeline, notebook), home=home)
    for note in page.notes:
        warnings.warn(note, stacklevel=2)
    return runs_frame(page)


def find_runs(query: RunQuery, *, home: PathLike | None = None) -> RunPage:
    """Find a page of runs.

    Args:
        query: What is asked for.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: The filter, the order, the columns or a number makes no sense.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.listing import list_runs

    with open_store(home) as (database, _):
        return list_runs(database, query)


def show_run(run: str, *, home: PathLike | None = None) -> RunDetail:
    """Return all that is on record of a run.

    Args:
        run: Its id or the beginning of it, its words (``brisk-otter``), or ``latest``.
        home: As for ``find_runs``.

    Raises:
        UsageError: No run, or more than one, is meant.
    """
    from jupyter_mlops.tracking import showing

    with open_store(home) as (database, folders):
        return showing.show_run(database, folders, run)


def run_document(run: str, name: str, step: str = "", *, home: PathLike | None = None) -> str:
    """Return a text that was kept with a run or a step of it. Arguments and errors as for ``show_run``."""
    from jupyter_mlops.tracking.showing import document_of

    with open_store(home) as (database, _):
        return document_of(database, run, name, step)


def resolve_runs(runs: Sequence[str], *, home: PathLike | None = None) -> tuple[str, ...]:
    """Return the ids of the runs that are meant, each once. Arguments and errors as for ``show_run``."""
    from jupyter_mlops.tracking.changing import chosen_runs

    with open_store(home) as (database, _):
        return chosen_runs(database, runs)


def remove_runs(runs: Sequence[str], *, home: PathLike | None = None) -> Removed:
    """Forget runs, with their folders; what they made is freed by ``gc``.

    Raises:
        UsageError: There is no such run, it is in progress, or a model was registered from it; then all stay.
    """
    from jupyter_mlops.tracking import changing

    with open_store(home) as (database, folders):
        return changing.remove_runs(database, folders, changing.chosen_runs(database, runs))


def tag_run(run: str | Sequence[str], tags: Mapping[str, str], *, home: PathLike | None = None) -> Tagged:
    """Give a run, or each of several, tags; tags of the same name are replaced."""
    from jupyter_mlops.tracking import changing

    with open_store(home) as (database, _):
        return changing.tag_runs(database, changing.chosen_runs(database, _several(run)), tags)


def untag_run(run: str | Sequence[str], names: Sequence[str], *, home: PathLike | None = None) -> Tagged:
    """Take tags away from a run, or from each of several.

    Raises:
        UsageError: There is no such run or tag; then nothing changes.
    """
    from jupyter_mlops.tracking import changing

    with open_store(home) as (database, _):
        return changing.untag_runs(database, changing.chosen_runs(database, _several(run)), names)


def note_run(run: str | Sequence[str], note: str, *, home: PathLike | None = None) -> Tagged:
    """Replace the note of a run, or of each of several; an empty one takes it away."""
    from jupyter_mlops.tracking import changing

    with open_store(home) as (database, _):
        return changing.note_runs(database, changing.chosen_runs(database, _several(run)), note)


def export_runs(runs: Sequence[str], path: PathLike, *, home: PathLike | None = None) -> Exported:
    """Write runs into one archive: their record, their folders, and everything they took and made.

    Args:
        path: The file; it is replaced whole or not at all.

    Raises:
        UsageError: There is no such run, it is in progress, or the file can't be written.
        InfrastructureError: The disk is full or failed.
    """
    from jupyter_mlops.tracking import archive
    from jupyter_mlops.tracking.changing import chosen_runs

    with open_store(home) as (database, folders):
        return archive.export_runs(database, folders, chosen_runs(database, runs), Path(path))


def import_runs(path: PathLike, *, home: PathLike | None = None) -> Imported:
    """Put the runs of an archive on record here, all or none; those that are there already stay as they are.

    Raises:
        UsageError: The file is no archive of runs, is damaged or of a newer version, or a run is there with other
            content.
        InfrastructureError: The disk is full or failed.
    """
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import ensure_home, find_home
    from jupyter_mlops.tracking import archive

    folders = ensure_home(Path(home) if home is not None else find_home(Path.cwd()))
    with Database(folders.database) as database:
        return archive.import_runs(database, folders, Path(path))


@contextlib.contextmanager
def open_store(home: PathLike | None = None) -> Iterator[tuple[Database, Home]]:
    """Open the store that is meant.

    Raises:
        UsageError: There is none.
        InfrastructureError: It can't be used.
    """
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home, find_home

    folders = Home(Path(home).resolve() if home is not None else find_home(Path.cwd()))
    if not folders.database.is_file():
        raise UsageError(f"There is no store at {folders.root}.", hint="The first run makes one.")
    with Database(folders.database) as database:
        yield database, folders


def _several(run: str | Sequence[str]) -> Sequence[str]:
    return (run,) if isinstance(run, str) else run
