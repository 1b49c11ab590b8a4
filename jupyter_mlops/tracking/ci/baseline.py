"""Which run another one is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.engine.git import ask_git
from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.store.conditions import Field, both, equals
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import RunRecord

__all__ = ["GATES", "Baseline", "check_baseline", "find_baseline"]

GATES = "ci.gates"
"""Tag that says what became of a run's gates: ``passed`` or ``failed``; the document ``gates`` has them one by one."""

_PAGE = 100
_MOST = 1000
"""Succeeded runs that are looked at, newest first."""

_RUN_ID = re.compile(r"\d{8}-")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What came of looking for a baseline.

    Args:
        run: The run, if there is one.
        wanted: What was asked for.
        how: How it was found, or why there is none, for people.
    """

    run: RunRecord | None
    wanted: str
    how: str


def check_baseline(text: str) -> None:
    """Refuse what can't name a run.

    Raises:
        UsageError: The text is empty or looks like an option.
    """
    if not text.strip() or text.startswith("-"):
        raise UsageError(
            f"The baseline {printable(text)!r} names no run.", hint="Give a branch, a run's id, a tag, or latest."
        )


def find_baseline(database: Database, root: Path, current: RunRecord, wanted: str) -> Baseline:
    """Find the run that somebody wants to compare with; there may be none yet, which is no error.

    Args:
        root: The project's root, to ask git about branches.
        current: The run that is compared; it is never its own baseline.
        wanted: ``latest``; a run's id or the beginning of one, or its words; a branch; a tag as ``NAME`` or
            ``NAME=VALUE``. What fits first in this order counts, but a branch goes before words. Except for ids, the
            newest succeeded run of the same pipeline is taken that did not fail its gates.

    Raises:
        UsageError: More than one run is meant.
    """
    if wanted == "latest":
        run = next(_earlier(database, current), None)
        if run is None:
            return Baseline(None, wanted, f"no earlier run of {current.pipeline} has succeeded")
        return Baseline(database.run(run.run_id), wanted, "the newest succeeded run")
    if _RUN_ID.match(wanted):
        return _by_id(database, current, wanted)
    tip = _tip(root, wanted)
    if tip is not None:
        return _on_branch(database, root, current, wanted, tip)
    name = wanted.partition("=")[0]
    tagged = next((run for run in _earlier(database, current, name) if _has_tag(run, wanted)), None)
    if tagged is not None:
        return Baseline(database.run(tagged.run_id), wanted, f"the newest succeeded run with the tag {wanted}")
    return _by_id(database, current, wanted)


def _by_id(database: Database, current: RunRecord, wanted: str) -> Baseline:
    found = database.runs_called(wanted)
    others = [run_id for run_id in found if run_id != current.run_id]
    if wanted in others or len(others) == 1:
        return Baseline(database.run(wanted if wanted in others else others[0]), wanted, "the run of this id")
    if others:
        raise UsageError(f"The baseline {wanted!r} could be more than one run: {', '.join(others)}.")
    what = "no other run" if found else "no run, branch or tag"
    return Baseline(None, wanted, f"{what} is called {printable(wanted)}")


def _on_branch(database: Database, root: Path, current: RunRecord, wanted: str, tip: str) -> Baseline:
    known: dict[str, bool] = {}
    for run in _earlier(database, current):
        if run.commit is None:
            continue
        if run.commit not in known:
            known[run.commit] = ask_git(root, "merge-base", "--is-ancestor", run.commit, tip) is not None
        if known[run.commit]:
            how = f"the newest succeeded run on {wanted}, at commit {run.commit[:10]}"
            return Baseline(database.run(run.run_id), wanted, how)
    return Baseline(None, wanted, f"no run of {current.pipeline} has succeeded on {printable(wanted)} yet")


def _earlier(database: Database, current: RunRecord, *tags: str) -> Iterator[RunRecord]:
    """Succeeded runs of the same pipeline, newest first, without the current one and those that failed their gates.

    Otherwise a gate such as ``accuracy >= baseline - 0.01`` would let a metric sink step by step. Of metrics,
    parameters and tags, the runs have but these tags.
    """
    fields = [Field("tags", name) for name in (GATES, *tags)]
    condition = both(equals("pipeline", current.pipeline), equals("status", "succeeded"))
    for offset in range(0, _MOST, _PAGE):
        page = database.runs(_PAGE, offset, condition=condition, fields=fields)
        yield from (run for run in page if run.run_id != current.run_id and run.tags.get(GATES) != "failed")
        if len(page) < _PAGE:
            return


def _has_tag(run: RunRecord, wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in run.tags and (not equals or run.tags[name] == value)


def _tip(root: Path, branch: str) -> str | None:
    """The commit at the end of a branch, of this clone or of where it was cloned from."""
    for name in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}", f"refs/remotes/{branch}"):
        tip = ask_git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if tip:
            return tip
    return None
