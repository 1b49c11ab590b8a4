"""Opens the store that is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home
    from jupyter_mlops.tracking.values import RunReader

__all__ = ["open_store", "run_reader"]


@contextmanager
def open_store(home: PathLike | None = None) -> Iterator[tuple[Database, Home]]:
    """Open a store that is there.

    Args:
        home: Its folder; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: There is no store.
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


def run_reader(database: Database, home: Home, run: str) -> RunReader:
    """Return what reads the values of a run.

    Raises:
        UsageError: No run, or more than one, is meant.
    """
    from jupyter_mlops.api.notebooks import pipeline
    from jupyter_mlops.tracking.values import RunReader

    return RunReader(database, home, database.run(run), pipeline)
