"""What ``mlops.toml`` at the project's root and the environment say about the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.store.projectfile import FILE, check_table, project_table

__all__ = ["CACHE_VARIABLE", "FILE", "READ_ONLY_VARIABLE", "SharedCacheSettings", "shared_cache_settings"]

CACHE_VARIABLE = "JUPYTER_MLOPS_CACHE"
READ_ONLY_VARIABLE = "JUPYTER_MLOPS_CACHE_READ_ONLY"

_OFF = ("", "off")
_NO = ("", "0", "false", "no")
_KINDS: Mapping[str, type] = {"url": str, "read_only": bool, "options": dict}


@dataclass(frozen=True, slots=True)
class SharedCacheSettings:
    """Where results are shared.

    Args:
        url: Any that fsspec knows, or an absolute path.
        read_only: Whether results are only taken from there.
        options: What fsspec's file system is made with.
    """

    url: str
    read_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


def shared_cache_settings(root: Path) -> SharedCacheSettings | None:
    """Return the shared cache that is configured; None if there is none, or it is switched off.

    Args:
        root: The project's root.

    Raises:
        UsageError: ``mlops.toml`` can't be read or says something that makes no sense.
    """
    table = project_table(root, "cache", '[cache]\nurl = "s3://bucket/folder"')
    check_table(root / FILE, "[cache]", table, _KINDS)
    url, place = str(table.get("url", "")), root
    given = os.environ.get(CACHE_VARIABLE)
    if given is not None:
        url, place = given.strip(), Path.cwd()
    if url.lower() in _OFF:
        return None
    read_only = bool(table.get("read_only", False))
    if (wish := os.environ.get(READ_ONLY_VARIABLE)) is not None:
        read_only = wish.strip().lower() not in _NO
    if "://" not in url and "::" not in url:
        url = str(place / Path(url).expanduser())
    # Options belong to the file's own URL: they may name a server.
    options = table.get("options", {}) if given is None else {}
    return SharedCacheSettings(url, read_only or url.startswith(("http://", "https://")), dict(options))
