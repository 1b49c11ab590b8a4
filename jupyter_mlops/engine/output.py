"""The file that a run writes into the user's folder: checked first, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["check_output", "write_whole"]


def check_output(output: Path, source: Path | None) -> Path:
    """Make sure that a notebook can be written there.

    Args:
        output: Where the user wants the executed notebook.
        source: The notebook that is run, which must stay as it is.

    Returns:
        The absolute path.

    Raises:
        UsageError: It is the source, a folder, or in a folder that is not there or can't be written.
    """
    path = Path.cwd() / output
    if source is not None and _is_same(path, source):
        raise UsageError(f"{output} is the notebook itself, which is never changed.", hint="Give another file name.")
    if path.is_dir():
        raise UsageError(f"{output} is a folder.", hint="Give the name of a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} for the executed notebook does not exist.", hint="Make it first.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"The folder {path.parent} for the executed notebook can't be written.")
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half written.

    Raises:
        InfrastructureError: The disk is full or failed.
    """
    target = path.resolve()  # a link stays a link
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except OSError as error:
        raise InfrastructureError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _is_same(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:
        return path.resolve() == source.resolve()
