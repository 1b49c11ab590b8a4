"""What made this, what used this, and how runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.tracking.compare import Comparison
    from jupyter_mlops.tracking.lineage_model import Direction, Lineage

__all__ = ["comparison", "lineage"]

_DIRECTIONS: Mapping[str, Direction] = {"up": "up", "down": "down", "both": "both"}


def lineage(
    what: PathLike, direction: str = "both", *, depth: int | None = None, home: PathLike | None = None
) -> Lineage:
    """Find out what made a run, an artifact or a file, and what used it.

    Args:
        what: A run (its id, the beginning of it, its words, ``latest``); ``RUN:NAME``, ``RUN:STEP/NAME`` or
            ``RUN:STEP``; the beginning of an artifact's digest; or the path of a file of the project.
        direction: ``up`` for what made it, ``down`` for what used it, or ``both``.
        depth: How many links to follow; all by default. Answers are bounded in any case, and say what was left out.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Returns:
        Nodes and edges, the nearest first.

    Raises:
        UsageError: Nothing is meant by ``what``, or more than one thing; or there is no store.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.tracking.lineage import trace

    chosen = _DIRECTIONS.get(direction)
    if chosen is None:
        raise UsageError(f"The direction of a lineage is up, down or both, not {direction!r}.")
    if depth is not None and depth < 0:
        raise UsageError(f"A depth can't be {depth}.")
    with _store(home) as database:
        return trace(database, str(what), chosen, depth=depth)


def comparison(runs: Sequence[str], baseline: str | None = None, *, home: PathLike | None = None) -> Comparison:
    """Find out how runs differ: parameters, metrics, code, steps, data, environment, commit.

    Args:
        runs: At least two runs, or one besides the baseline: ids, beginnings of them, their words, or ``latest``.
        baseline: What the others are compared with; the first of ``runs`` by default.
        home: Folder of the store; ``.mlops`` at the project's root by default.

    Raises:
        UsageError: A run is not on record, is meant twice, or there is nothing to compare it with.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.tracking.compare import compare
    from jupyter_mlops.tracking.compare_read import read_runs

    with _store(home) as database:
        return compare(read_runs(database, runs, baseline))


@contextmanager
def _store(home: PathLike | None) -> Iterator[Database]:
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home, find_home

    folders = Home(Path(home).resolve() if home is not None else find_home(Path.cwd()))
    if not folders.database.is_file():
        raise UsageError(f"There is no store at {folders.root}.", hint="The first run makes one.")
    with Database(folders.database) as database:
        yield database
