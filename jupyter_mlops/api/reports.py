"""Pages about runs that are on record."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.api.notebooks import PathLike

__all__ = ["report"]


def report(run: str = "latest", *, output: PathLike | None = None, home: PathLike | None = None) -> Path:
    """Write the HTML report of a run.

    Args:
        run: Its id, the beginning of one, its words, or ``latest``.
        output: The file; by default ``report.html`` in the run's folder.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        The file.

    Raises:
        UsageError: There is no such run, more than one, or no store.
        InfrastructureError: The file can't be written.
    """
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home, find_home
    from jupyter_mlops.tracking.report import write_report

    folders = Home(Path(home).resolve() if home is not None else find_home(Path.cwd()))
    if not folders.database.is_file():
        raise UsageError(f"There is no store at {folders.root}.", hint="The first run makes one.")
    with Database(folders.database) as database:
        return write_report(database, folders, run, None if output is None else Path(output))
