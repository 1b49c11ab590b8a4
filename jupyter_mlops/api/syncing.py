"""Delivering to other trackers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.api.notebooks import PathLike

if TYPE_CHECKING:
    from jupyter_mlops.store.records import Delivery
    from jupyter_mlops.tracking.delivery import Synced

__all__ = ["sync"]

_WAIT = 30.0


def sync(
    *,
    home: PathLike | None = None,
    dry_run: bool = False,
    forget: bool = False,
    told: Callable[[Delivery, str | None], None] | None = None,
) -> Synced:
    """Deliver to other trackers what they have not got yet.

    Args:
        home: Folder of the store; ``.mlops`` at the project's root by default.
        dry_run: Only say what waits; with ``forget``, what would be forgotten.
        forget: Take all that waits out of the outbox and deliver nothing: a tracker is gone for good.
        told: Called after each delivery, with the reason if it did not arrive.

    Returns:
        What has arrived, and what still waits, why.

    Raises:
        UsageError: There is no store, or it may only be read.
        InfrastructureError: The store can't be used.
    """
    from jupyter_mlops.engine.abandoned import settle_abandoned
    from jupyter_mlops.errors import UsageError
    from jupyter_mlops.store.database import Database
    from jupyter_mlops.store.home import Home, find_home
    from jupyter_mlops.tracking.delivery import Synced, deliver

    folders = Home(Path(home).resolve() if home is not None else find_home(Path.cwd()))
    if not folders.database.is_file():
        raise UsageError(f"There is no store at {folders.root}.", hint="The first run makes one.")
    with Database(folders.database) as database:
        if dry_run:
            found = database.deliveries()
            return Synced(forgotten=found, dry_run=True) if forget else Synced(waiting=found, dry_run=True)
        if database.read_only:
            raise UsageError(f"The store {folders.root} may only be read.", hint="Use --dry-run to look at it.")
        if forget:
            return Synced(forgotten=database.forget_deliveries())
        settle_abandoned(database, folders)
        return deliver(database, folders, os.environ, wait=_WAIT, told=told or (lambda delivery, error: None))
