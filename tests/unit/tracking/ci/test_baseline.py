"""Which run is compared with: branches, ids, tags, the newest; and none at all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.store.database import Database
from jupyter_mlops.tracking.ci.baseline import GATES, check_baseline, find_baseline

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Return a function that runs git in a new repository."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    def run(*arguments: str) -> str:
        settings = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        done = subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch", "main")
    return run


def commit(git: Git) -> str:
    git("commit", "--quiet", "--allow-empty", "--message", "x")
    return git("rev-parse", "HEAD")


def test_a_branch_means_its_newest_succeeded_run(git: Git, tmp_path: Path, database: Database, make_run: Any) -> None:
    project = tmp_path / "project"
    first, second = commit(git), commit(git)
    git("switch", "--quiet", "--create", "topic")
    other = commit(git)
    make_run(commit=first)
    wanted = make_run(commit=second)
    make_run(commit=second, status="failed")
    make_run(commit=second, pipeline="other")
    make_run(commit=second, tags={GATES: "failed"})
    make_run(commit=None)
    make_run(commit="0" * 40)
    newest = make_run(commit=other)
    current = make_run(commit=other)
    found = find_baseline(database, project, current, "main")
    assert found.run is not None and found.run.run_id == wanted.run_id
    assert found.how == f"the newest succeeded run on main, at commit {second[:10]}"
    topic = find_baseline(database, project, current, "topic").run
    assert topic is not None and topic.run_id == newest.run_id


def test_a_clone_knows_the_branches_of_its_origin(git: Git, tmp_path: Path, database: Database, make_run: Any) -> None:
    run = make_run(commit=commit(git))
    subprocess.run(["git", "clone", "--quiet", tmp_path / "project", tmp_path / "clone"], check=True)
    here = tmp_path / "clone"
    subprocess.run(["git", "switch", "--quiet", "--detach"], cwd=here, check=True)
    subprocess.run(["git", "branch", "--quiet", "--delete", "--force", "main"], cwd=here, check=True)
    found = find_baseline(database, here, make_run(), "main").run
    assert found is not None and found.run_id == run.run_id


def test_there_may_be_none_yet(git: Git, tmp_path: Path, database: Database, make_run: Any) -> None:
    commit(git)
    current = make_run(commit=git("rev-parse", "HEAD"))
    for wanted, how in (
        ("main", "no run of churn has succeeded on main yet"),
        ("latest", "no earlier run of churn has succeeded"),
        ("mian", "no run, branch or tag is called mian"),
        (current.run_id, "no other run is called"),
        ("20200101-", "no run, branch or tag is called 20200101-"),
        ("--upload-pack=x", "no run, branch or tag is called"),
        ("a\nb", "no run, branch or tag is called a\\nb"),
    ):
        found = find_baseline(database, tmp_path / "project", current, wanted)
        assert found.run is None and found.how.startswith(how), wanted


def test_runs_are_found_by_id_words_and_tag(tmp_path: Path, database: Database, make_run: Any) -> None:
    one = make_run(tags={"release": "1"})
    make_run(status="failed", tags={"release": "2"})
    two = make_run(pipeline="another")
    current = make_run()
    words = two.run_id[16:]
    for wanted, run in ((one.run_id, one), (words, two), ("release", one), ("release=1", one), ("latest", one)):
        found = find_baseline(database, tmp_path, current, wanted).run
        assert found is not None and found.run_id == run.run_id, wanted
    assert find_baseline(database, tmp_path, current, "release=3").run is None
    with pytest.raises(UsageError, match="could be more than one run"):
        find_baseline(database, tmp_path, current, one.run_id[:9])


@pytest.mark.parametrize("text", ["", "  ", "--all"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no run"):
        check_baseline(text)
