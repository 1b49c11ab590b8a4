"""What git knows of a project: the commit it stands at, from git's own files; and the answers of the program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

__all__ = ["ask_git", "current_commit"]

_SECONDS = 20

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def ask_git(root: Path, *arguments: str) -> str | None:
    """Return what the program prints about a repository; None if it is not there, says no, or takes long."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()


def current_commit(start: Path) -> str | None:
    """Return the commit that is checked out at ``start`` or above it, without starting git; None without one."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            try:
                return _commit_of(folder / ".git")
            except (OSError, UnicodeDecodeError):
                return None
    return None


def _commit_of(git: Path) -> str | None:
    if git.is_file():  # a worktree or submodule: the file names the real folder
        git = (git.parent / _text(git).removeprefix("gitdir:").strip()).resolve()
    head = _text(git / "HEAD")
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else None
    reference = head.removeprefix("ref:").strip()
    common = git / "commondir"
    folders = [git, (git / _text(common)).resolve()] if common.is_file() else [git]
    for folder in folders:
        if (folder / reference).is_file():
            commit = _text(folder / reference)
            return commit if _COMMIT.fullmatch(commit) else None
    return _packed(folders[-1] / "packed-refs", reference)


def _packed(path: Path, reference: str) -> str | None:
    if not path.is_file():
        return None
    for line in _text(path).splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _COMMIT.fullmatch(commit):
            return commit
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
