"""The commit is read without starting git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from jupyter_mlops.engine.git import current_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def repository(root: Path, head: str) -> Path:
    git = root / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text(head)
    return git


def test_branch_detached_packed_and_worktree(tmp_path: Path) -> None:
    git = repository(tmp_path / "a", "ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text(COMMIT + "\n")
    inner = tmp_path / "a" / "notebooks"
    inner.mkdir()
    assert current_commit(inner) == COMMIT
    repository(tmp_path / "b", COMMIT + "\n")
    assert current_commit(tmp_path / "b") == COMMIT
    git = repository(tmp_path / "c", "ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert current_commit(tmp_path / "c") == COMMIT
    worktree = git / "worktrees" / "w"
    worktree.mkdir(parents=True)
    (worktree / "HEAD").write_text("ref: refs/heads/main\n")
    (worktree / "commondir").write_text("../..\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(f"gitdir: {worktree}\n")
    assert current_commit(tmp_path / "w") == COMMIT


def test_no_repository_no_commit_and_damage_are_none(tmp_path: Path) -> None:
    assert current_commit(repository(tmp_path / "new", "ref: refs/heads/main\n").parent) is None
    assert current_commit(repository(tmp_path / "bad", "nonsense").parent) is None
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / ".git").write_text("gitdir: nowhere")
    assert current_commit(tmp_path / "gone") is None


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_same_as_git(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init")
    git("commit", "--allow-empty", "-m", "first")
    assert current_commit(tmp_path) == git("rev-parse", "HEAD")
    git("pack-refs", "--all")
    assert current_commit(tmp_path) == git("rev-parse", "HEAD")
