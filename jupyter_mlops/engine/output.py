"""The file that a run writes into the user's folder: checked first, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from jupyter_mlops.errors import InfrastructureError, UsageError
from jupyter_mlops.notebook.names import printable
from jupyter_mlops.runtime.failpoints import reach

__all__ = ["check_output", "write_whole"]

_SEPARATORS = (os.sep, os.altsep or os.sep)
_NAMELESS = "The name of the output is empty."


def check_output(output: str | Path, source: Path | None) -> Path:
    """Make sure that a file can be written there.

    Args:
        output: Where the user wants the file.
        source: The notebook, which must stay as it is.

    Returns:
        The absolute path.

    Raises:
        UsageError: It is the source, a folder, or in a folder that is not there or can't be written.
    """
    shown = printable(str(output))
    try:
        path = Path.cwd() / output
        target = path.resolve()  # a link stays a link
        if source is not None and _is_same(path, source):
            message = f"The output {shown} is the notebook itself."
            raise UsageError(message, hint="Name another file; the notebook is never written.")
        if not str(output) or str(output).endswith(_SEPARATORS) or target.is_dir():
            raise UsageError(f"The output {shown} is a folder." if str(output) else _NAMELESS, hint="Name a file.")
        if not target.parent.is_dir():
            is_file = target.parent.exists()
            message = f"The folder of the output {shown} {'is a file' if is_file else 'does not exist'}."
            raise UsageError(message, hint="Name another folder." if is_file else f"Make it: {target.parent}")
        target.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long; links in a circle; a NUL
        raise UsageError(f"The output {shown} can't be written: {_reason(error)}.") from None
    if not os.access(target if target.exists() and not target.is_file() else target.parent, os.W_OK):
        raise UsageError(f"The output {shown} can't be written: no permission.", hint="Name another file.")
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half written; what is not a file (``/dev/null``) is written to.

    Raises:
        InfrastructureError: The disk is full or failed.
    """
    target = path.resolve()  # a link stays a link
    if target.exists() and not target.is_file():
        _write_into(target, path, text)
        return
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            reach("file.written")
            os.fsync(file.fileno())
        reach("file.synced")
        with contextlib.suppress(OSError):
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
        reach("file.renamed")
    except OSError as error:
        raise InfrastructureError(f"{path} can't be written: {_reason(error)}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_into(target: Path, path: Path, text: str) -> None:
    try:
        with target.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise InfrastructureError(f"{path} can't be written: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _is_same(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:
        return path.resolve() == source.resolve()
