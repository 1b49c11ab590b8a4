"""What ``mlops.toml`` at the project's root and the environment say about the store."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "CACHE_VARIABLE",
    "FILE",
    "READ_ONLY_VARIABLE",
    "SecretSettings",
    "SharedCacheSettings",
    "secret_settings",
    "shared_cache_settings",
]

CACHE_VARIABLE = "JUPYTER_MLOPS_CACHE"
READ_ONLY_VARIABLE = "JUPYTER_MLOPS_CACHE_READ_ONLY"

FILE = "mlops.toml"
_OFF = ("", "off")
_NO = ("", "0", "false", "no")
_CACHE: Mapping[str, type] = {"url": str, "read_only": bool, "options": dict}
_SECRETS: Mapping[str, type] = {"redact": bool, "names": list, "ignore": list}


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


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """What is a secret, besides what names say.

    Args:
        redact: Whether secrets are taken out of what is recorded.
        names: Further parameters and variables that are secrets.
        ignore: Parameters and variables that are none, whatever their names say.
    """

    redact: bool = True
    names: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def secret_settings(root: Path) -> SecretSettings:
    """Return what is configured about secrets.

    Args:
        root: The project's root.

    Raises:
        UsageError: ``mlops.toml`` can't be read or says something that makes no sense.
    """
    path = root / FILE
    table = _table(path, "secrets", _SECRETS, '[secrets]\nnames = ["MY_VARIABLE"]')
    for key in ("names", "ignore"):
        for name in table.get(key, ()):
            if not isinstance(name, str) or not name:
                raise UsageError(f"{path}: [secrets] {key} is a list of names, not of {name!r}.")
    return SecretSettings(table.get("redact", True), tuple(table.get("names", ())), tuple(table.get("ignore", ())))


def shared_cache_settings(root: Path) -> SharedCacheSettings | None:
    """Return the shared cache that is configured; None if there is none, or it is switched off.

    Args:
        root: The project's root.

    Raises:
        UsageError: ``mlops.toml`` can't be read or says something that makes no sense.
    """
    table = _table(root / FILE, "cache", _CACHE, '[cache]\nurl = "s3://bucket/folder"')
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


def _table(path: Path, name: str, kinds: Mapping[str, type], example: str) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}.") from None
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: `{name}` is a table.", hint=f"Write: {example}")
    for key, value in table.items():
        if key not in kinds:
            from jupyter_mlops.notebook.names import nearest

            near = nearest(key, tuple(kinds))
            hint = f"Did you mean {near!r}?" if near else f"It has: {', '.join(kinds)}."
            raise UsageError(f"{path}: [{name}] has no {key!r}.", hint=hint)
        if not isinstance(value, kinds[key]):
            raise UsageError(f"{path}: [{name}] {key} can't be {value!r}.")
    return table
