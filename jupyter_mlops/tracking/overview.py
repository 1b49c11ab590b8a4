"""What a table of runs shows besides the runs: how many there are, what they have, what was made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from jupyter_mlops.store.conditions import ATTRIBUTES
from jupyter_mlops.store.database import Database
from jupyter_mlops.tracking.lineage_ways import EMPTY
from jupyter_mlops.tracking.listing import RunPage, RunQuery, list_runs

__all__ = ["PRODUCTION", "overview"]

PRODUCTION = frozenset({"champion", "production", "prod"})
"""Aliases of models by which people mean what is in use."""

Version = tuple[str, int, tuple[str, ...]]


def overview(database: Database, query: RunQuery) -> dict[str, Any]:
    """Return a page of runs as a table shows it.

    Args:
        query: What is asked for; it has a limit.

    Raises:
        UsageError: As for ``list_runs``.
    """
    page = list_runs(database, query)
    versions: dict[str, list[Version]] = defaultdict(list)
    for model, version, run_id, aliases in database.aliased_versions():
        versions[run_id].append((model, version, aliases))
    pinned = _pinned(database, versions)
    plain, plain_pinned = page.to_json(), pinned.to_json()
    shown = [run.run_id for run in (*page.runs, *pinned.runs)]
    committed = database.holding(shown, "git-diff", EMPTY) if shown else {}
    return {
        "page": page.page,
        "limit": query.limit,
        "more": page.more,
        "total": page.total,
        "notes": plain["notes"],
        "runs": plain["runs"],
        "pinned": plain_pinned["runs"],
        "marks": {run_id: _marks(versions.get(run_id, ()), committed.get(run_id)) for run_id in shown},
        "columns": {
            "attributes": [name for name in ATTRIBUTES if name != "experiment"],
            **{kind: list(database.names(kind)) for kind in ("metrics", "params", "tags")},
        },
    }


def _pinned(database: Database, versions: dict[str, list[Version]]) -> RunPage:
    """The runs whose models are in use."""
    wanted = tuple(run_id for run_id, found in versions.items() if any(_in_use(aliases) for _, _, aliases in found))
    return list_runs(database, RunQuery(runs=wanted, limit=None)) if wanted else RunPage(())


def _marks(versions: Iterable[Version], committed: bool | None) -> dict[str, Any]:
    found = list(versions)
    return {
        "dirty": None if committed is None else not committed,
        "models": [{"name": name, "version": version, "aliases": list(aliases)} for name, version, aliases in found],
        "production": any(_in_use(aliases) for _, _, aliases in found),
    }


def _in_use(aliases: Iterable[str]) -> bool:
    return any(alias.lower() in PRODUCTION for alias in aliases)
