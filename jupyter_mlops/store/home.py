"""Where everything that is generated and recorded lives: ``.mlops`` at the project's root."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["FOLDER", "VARIABLE", "Home", "ensure_home", "find_home", "project_of", "project_root"]

FOLDER = ".mlops"
VARIABLE = "JUPYTER_MLOPS_HOME"
_KEY_BYTES = 32
_MARKERS = ("mlops.toml", "pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of a store.

    Args:
        root: The folder itself, absolute.
    """

    root: Path

    @property
    def objects(self) -> Path:
        """Root of the object store."""
        return self.root / "objects"

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.root / "mlops.db"

    @property
    def runs(self) -> Path:
        """Parent of the runs' folders."""
        return self.root / "runs"

    @property
    def tmp(self) -> Path:
        """For unfinished work, on the same file system as the objects; private to the user."""
        return self.root / "tmp"

    @property
    def runtime(self) -> Path:
        """For code that kernels import; private to the user."""
        return self.root / "runtime"

    @property
    def exports(self) -> Path:
        """What is remembered of the names that installed modules export."""
        return self.root / "exports.json"

    @property
    def jobs(self) -> Path:
        """For what the JupyterLab panel has started; private to the user."""
        return self.root / "jobs"

    @property
    def bundles(self) -> Path:
        """Parent of the bundles that were made for serving."""
        return self.root / "bundles"

    @property
    def deployments(self) -> Path:
        """Parent of the deployments' folders: logs, what was measured, the rows of windows; private to the user."""
        return self.root / "deployments"

    @property
    def locks(self) -> Path:
        """For files that processes lock."""
        return self.root / "locks"

    @property
    def cache(self) -> Path:
        """For what can be found out again, such as digests of untouched files."""
        return self.root / "cache"

    def fingerprint_key(self, *, make: bool = True) -> bytes:
        """Return what fingerprints of secrets are made with in this store; it never leaves it.

        Args:
            make: Whether it is made where it is missing.
        """
        path = self.root / "fingerprints.key"
        with contextlib.suppress(OSError):
            if len(key := path.read_bytes()) >= _KEY_BYTES:
                return key[:_KEY_BYTES]
        if not make:
            return secrets.token_bytes(_KEY_BYTES)
        temporary = self.root / f".fingerprints.{secrets.token_hex(4)}.tmp"
        try:
            temporary.touch(0o600, exist_ok=False)
            temporary.write_bytes(secrets.token_bytes(_KEY_BYTES))
            try:
                os.link(temporary, path)  # of several at once, the first counts
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                temporary.replace(path)
            return path.read_bytes()[:_KEY_BYTES]
        except OSError:
            return secrets.token_bytes(_KEY_BYTES)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def run(self, run_id: str) -> Path:
        """Return the folder of a run: executed notebooks, logs, report."""
        return self.runs / run_id


def project_root(start: Path) -> Path:
    """Return the nearest folder upwards that has a ``mlops.toml``, ``pyproject.toml`` or ``.git``, else ``start``.

    Args:
        start: A folder, or a file in it; need not exist.
    """
    folder = (start.parent if start.is_file() else start).resolve()
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in _MARKERS):
            return candidate
    return folder


def find_home(start: Path) -> Path:
    """Return the store's folder for work that begins at ``start``; nothing is created.

    The environment variable ``JUPYTER_MLOPS_HOME`` names the folder itself; without it, it is ``.mlops`` at the
    project's root.
    """
    override = os.environ.get(VARIABLE)
    if override:
        return Path(override).expanduser().resolve()
    return project_root(start) / FOLDER


def project_of(home: Home) -> Path:
    """Return the root of the project that a store belongs to; a store elsewhere belongs to the working directory's."""
    return home.root.parent if home.root.name == FOLDER else project_root(Path.cwd())


def ensure_home(root: Path) -> Home:
    """Create the store's folders where they are missing, hidden from git.

    Raises:
        UsageError: ``root`` is not a folder, or may not be written.
        InfrastructureError: The disk is full or failed.
    """
    home = Home(root.resolve())
    try:
        # A folder that was there before may be the user's own, where "ignore everything" would hide her work.
        ours = home.root.name == FOLDER or not home.root.exists() or not any(home.root.iterdir())
        home.root.mkdir(parents=True, exist_ok=True)
        ignore = home.root / ".gitignore"
        if ours and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        for folder in (home.objects, home.runs):
            folder.mkdir(exist_ok=True)
        for folder in (home.tmp, home.runtime):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _folder_error(home.root, error) from error
    if not os.access(home.root, os.W_OK):
        raise _folder_error(home.root, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return home


def _folder_error(root: Path, error: OSError) -> UsageError | InfrastructureError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(
            f"The folder {root} can't be written: {error.strerror}.",
            hint=f"Set {VARIABLE} to a folder you may write.",
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        in_the_way = error.filename if error.filename and Path(error.filename).is_file() else root
        return UsageError(
            f"{root} can't be the store's folder: a file is in the way.",
            hint=f"Move {in_the_way}, or set {VARIABLE} to another folder.",
        )
    return InfrastructureError(
        f"The folder {root} can't be prepared: {error.strerror or error}.",
        hint=f"Set {VARIABLE} to a folder you may write.",
    )
