"""``mlops.toml`` at the project's root: the one way to read it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["FILE", "check_table", "parse_text", "project_table"]

FILE = "mlops.toml"
_CALLED = {str: "a text", bool: "true or false", dict: "a table", list: "a list"}


def project_table(root: Path, name: str, example: str) -> Mapping[str, Any]:
    """Return a table of the project's file; an empty one if there is no such file or table.

    Args:
        root: The project's root.
        name: Of the table.
        example: What it looks like, for the message.

    Raises:
        UsageError: The file can't be read, or what has the name is no table.
    """
    path = root / FILE
    try:
        content = parse_text(path, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}.") from None
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: `{name}` is a table.", hint=f"Write: {example}")
    return table


def parse_text(path: Path, text: str) -> dict[str, Any]:
    """Return what the text of the file says.

    Raises:
        UsageError: It is no TOML.
    """
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} can't be read: {error}.") from None
    return content


def check_table(path: Path, where: str, table: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Refuse keys that a table does not have, and values of another type.

    Args:
        where: The table, as the message names it: ``[cache]``.
        kinds: The type of each key.

    Raises:
        UsageError: There is such a key or value; the value itself is not repeated.
    """
    for key, value in table.items():
        if key not in kinds:
            from jupyter_mlops.notebook.names import nearest

            near = nearest(key, tuple(kinds))
            hint = f"Did you mean {near!r}?" if near else f"It has: {', '.join(kinds)}."
            raise UsageError(f"{path}: {where} has no {key!r}.", hint=hint)
        if not isinstance(value, kinds[key]):
            raise UsageError(f"{path}: {where} {key} is {_CALLED[kinds[key]]}, not a {type(value).__name__}.")
