"""Locks on files of the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.store.filelocks import FileLocks, Wanted, unused
from jupyter_mlops.store.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def writes(*paths: str) -> Wanted:
    return Wanted(frozenset(map(Path, paths)))


def reads(*paths: str) -> Wanted:
    return Wanted(reads=frozenset(map(Path, paths)))


@pytest.mark.parametrize(
    ("one", "other", "busy"),
    [
        (writes("/p/a"), writes("/p/a"), "/p/a"),
        (writes("/p/a"), reads("/p/a"), "/p/a"),
        (reads("/p/a"), writes("/p/a"), "/p/a"),
        (writes("/p/folder"), reads("/p/folder/a"), "/p/folder"),
        (reads("/p/folder/a"), writes("/p/folder"), "/p/folder"),
        (reads("/p/a"), reads("/p/a"), None),
        (writes("/p/a"), writes("/p/b"), None),
        (writes("/p/folder/a"), writes("/p/folder/b"), None),
    ],
)
def test_what_two_runs_may_do_at_once(home: Home, one: Wanted, other: Wanted, busy: str | None) -> None:
    first, second = FileLocks(home), FileLocks(home)
    assert first.claim(one) is None
    found = second.claim(other)
    assert found == (None if busy is None else Path(busy))
    first.release(one)
    assert busy is None or second.claim(other) is None


def test_all_or_none(home: Home) -> None:
    first, second, third = (FileLocks(home) for _ in range(3))
    first.claim(writes("/p/b"))
    assert second.claim(writes("/p/a", "/p/b", "/p/c")) == Path("/p/b")
    assert third.claim(writes("/p/a", "/p/c")) is None


def test_steps_of_one_run_share_what_it_holds(home: Home) -> None:
    run, other = FileLocks(home), FileLocks(home)
    assert run.claim(writes("/p/a")) is None and run.claim(writes("/p/a")) is None
    run.release(writes("/p/a"))
    assert other.claim(reads("/p/a")) == Path("/p/a"), "one of them goes on"
    run.release(writes("/p/a"))
    assert other.claim(reads("/p/a")) is None


def test_a_lock_file_that_was_removed_is_no_lock(home: Home) -> None:
    run, other = FileLocks(home), FileLocks(home)
    run.claim(writes("/p/a"))
    assert list(unused(home)) == []
    run.release(writes("/p/a"))
    for path in unused(home):
        path.unlink()
    assert list(home.locks.iterdir()) == []
    assert run.claim(writes("/p/a")) is None
    assert other.claim(writes("/p/a")) == Path("/p/a")
