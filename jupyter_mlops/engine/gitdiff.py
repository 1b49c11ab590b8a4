"""What of a project is not committed: its diff, asked of git beside the run, within bounds of time and size."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path

from jupyter_mlops.engine.capture import readable_size
from jupyter_mlops.engine.redaction import redact, secret_file, secret_values
from jupyter_mlops.runtime.secret_names import REDACTED

__all__ = ["GitDiff", "diff_document"]

SECONDS = 10.0
"""How long git may take in all."""

LARGEST = 1_000_000
"""Characters that are kept."""

LARGEST_FILE = 200_000
"""Characters that are kept of the changes to one file: a notebook with pictures must not push out everything else."""

_READ = 16_000_000
_NAMES = 200
_SETTINGS = ("core.fsmonitor", "core.quotePath", "diff.noprefix", "diff.mnemonicPrefix", "diff.relative")
_OPTIONS = tuple(word for name in _SETTINGS for word in ("-c", f"{name}=false"))
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short", "--ignore-submodules=dirty")
_UNTRACKED = (
    *("ls-files", "--others", "--exclude-standard", "--directory", "--no-empty-directory", "--full-name", "-z"),
    ":/",
)
_FILE = re.compile(r"^diff --git ", re.MULTILINE)


class GitDiff:
    """Asks git in a thread of its own, from its making on.

    Args:
        folder: A folder of the project.
        commit: Whether there is a commit to compare with.
    """

    def __init__(self, folder: Path, *, commit: bool) -> None:
        self._folder = folder
        self._commit = commit
        self._due = time.monotonic() + SECONDS
        self._given_up = False
        self._text: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if (git := _git(folder)) is None:
            self._ended.set()
            return
        # A daemon: a file system that does not answer must not keep the process alive.
        self._thread = threading.Thread(target=self._run, args=(git,), name="mlops-git", daemon=True)
        self._thread.start()

    def text(self, wait: float = 0.0) -> str | None:
        """Return the document; None if there is none, or it is not there yet.

        Args:
            wait: Seconds to wait; then git is given up if that is more than 0.
        """
        if not self._ended.wait(wait) and wait > 0:
            self._due = 0.0
            self._give_up()
            return "# not known: git did not answer in time\n"
        return self._text if self._ended.is_set() else None

    @property
    def done(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._ended.is_set()

    def _run(self, git: str) -> None:
        try:
            against = ["HEAD"] if self._commit else ["--cached"]
            changes, cut = self._ask([git, *_OPTIONS, *_DIFF, *against])
            names, _ = self._ask([git, *_OPTIONS, *_UNTRACKED])
            self._text = diff_document(changes, [name for name in names.split("\0") if name], cut=cut)
        except subprocess.TimeoutExpired:
            self._text = f"# not known: git took more than {SECONDS:g} seconds\n"
        except (OSError, subprocess.SubprocessError):
            self._text = "# not known: git failed\n"
        finally:
            self._ended.set()

    def _ask(self, command: list[str]) -> tuple[str, bool]:
        """Return what git prints, and whether there was more."""
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        with subprocess.Popen(
            command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        ) as process:
            self._process = process
            timer = threading.Timer(max(0.0, self._due - time.monotonic()), self._give_up)
            timer.daemon = True
            timer.start()
            try:
                assert process.stdout is not None
                content = process.stdout.read(_READ + 1)
                if len(content) > _READ:
                    process.kill()
                code = process.wait()
            finally:
                timer.cancel()
        if len(content) <= _READ and code:
            if self._given_up:
                raise subprocess.TimeoutExpired(command, SECONDS)
            raise subprocess.SubprocessError
        return content[:_READ].decode("utf-8", "replace"), len(content) > _READ

    def _give_up(self) -> None:
        self._given_up = True
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()


def diff_document(changes: str, untracked: list[str], *, cut: bool = False) -> str:
    """Make the document: names of untracked files as comments, which ``git apply`` passes over, then the diff.

    Args:
        changes: What ``git diff`` prints.
        untracked: Names of files and folders that git does not know.
        cut: Whether there were more changes.

    Returns:
        An empty text if all is committed.
    """
    values = secret_values()
    lines = []
    if untracked:
        lines.append(f"# {len(untracked)} untracked:")
        lines += [f"#   {_printable(name)}" for name in sorted(untracked)[:_NAMES]]
        lines += [f"#   and {len(untracked) - _NAMES} more"] if len(untracked) > _NAMES else []
    starts = [match.start() for match in _FILE.finditer(changes)]
    room, left_out = LARGEST, 0
    kept: list[str] = []
    for start, end in pairwise([*starts, len(changes)]):
        text = _one_file(changes[start:end], values)
        if len(text) > room:
            left_out += 1
            continue
        room -= len(text)
        kept.append(text)
    if left_out:
        lines.append(f"# changes to {left_out} more files left out: more than {readable_size(LARGEST)} in all")
    if cut:
        lines.append("# there are more changes, which were not read")
    return "".join(f"{line}\n" for line in lines) + "".join(kept)


def _one_file(text: str, values: tuple[str, ...]) -> str:
    heading = text.split("\n", 1)[0]
    name = heading.removeprefix("diff --git ").rpartition(" b/")[2].strip('"')
    if secret_file(name):
        return f"# {REDACTED}: {_printable(name)} was changed\n"
    if len(text) > LARGEST_FILE:
        return f"# changes to {_printable(name)} left out: {readable_size(len(text))}\n"
    return redact(text, values)


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)


def _git(folder: Path) -> str | None:
    """The program, if the folder is in a repository."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None
    return shutil.which("git")
