"""The rows of the last full window of a version, kept to be looked at beside the training data."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

__all__ = ["read_window", "window_path", "write_window"]


def window_path(folder: Path, version: int) -> Path:
    """Return where the rows of a version's last window are."""
    return folder / f"window-{version}.csv"


def write_window(folder: Path, version: int, columns: Mapping[str, Any]) -> None:
    """Keep the rows of a window in place of those of the one before; only their owner may read them.

    Raises:
        OSError: The disk is full, or the like.
    """
    import pandas as pd

    path = window_path(folder, version)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            pd.DataFrame(dict(columns)).to_csv(file, index=False)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_window(folder: Path, version: int) -> pandas.DataFrame | None:
    """Return the rows of a version's last window; None before there is one."""
    import pandas as pd

    path = window_path(folder, version)
    return pd.read_csv(path) if path.is_file() else None
