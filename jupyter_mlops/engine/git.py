"""The commit a project stands at, read from git's own files: no process is started."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["current_commit"]

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def current_commit(start: Path) -> str | None:
    """Return the commit that is checked out at ``start`` or above it; None without one."""
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
