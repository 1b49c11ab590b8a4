"""The key under which a step's results are found again, and what is different between two keys. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from jupyter_mlops.engine.codeform import CodeCell

__all__ = ["PARTS", "Change", "Parts", "cache_key", "changes", "text_of_parts"]

SCHEMA = 2

Parts = Mapping[str, Any]
"""By name: ``code`` is a list of cells, each other part an object."""

PARTS: Mapping[str, str] = {
    "parameters": "parameter",
    "code": "code",
    "files": "file",
    "modules": "module",
    "environment": "environment variable",
    "inputs": "input",
    "saves": "output",
    "distributions": "package",
    "python": "Python",
    "kernel": "kernel",
    "folder": "working directory",
    "place": "place",
    "step": "name",
    "runtime": "jupyter-mlops",
}
"""The parts of a key in the order in which changes are told, and what one entry of it is called."""

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two keys.

    Args:
        part: One of ``PARTS``.
        name: Parameter, file, module, variable, input, distribution; empty for code.
        before: What it was, where that can be shown.
        after: What it is.
        cell: Id of the cell, for code.
        line: 1-based line in it.
    """

    part: str
    name: str
    before: str | None = None
    after: str | None = None
    cell: str | None = None
    line: int | None = None


def cache_key(parts: Parts) -> str:
    """Return the key: equal parts give equal keys, different parts different ones."""
    return blake3(text_of_parts(parts).encode("ascii")).hexdigest()


def text_of_parts(parts: Parts) -> str:
    """Return the canonical JSON of a key's parts."""
    return json.dumps({"schema": SCHEMA, **parts}, sort_keys=True, separators=(",", ":"))


def changes(before: Parts, after: Parts, cells: Sequence[CodeCell]) -> tuple[Change, ...]:
    """List what is different.

    Args:
        before: Parts of an earlier key.
        after: Parts of the key now, and ``cells`` the code that it was made of.
    """
    found: list[Change] = []
    for part in PARTS:
        old, new = before.get(part), after.get(part)
        if old == new:
            continue
        if part == "code":
            found.append(_code_change(old or [], cells))
        else:
            found += _entries(part, old or {}, new or {})
    return tuple(found)


def _entries(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    names = [
        name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]
    return [Change(part, name, _shown(part, old, name), _shown(part, new, name)) for name in names]


def _shown(part: str, entries: Mapping[str, Any], name: str) -> str | None:
    """Contents are digests and values of variables may be secrets: what is told of those is that they changed."""
    if part in ("inputs", "files", "modules", "environment", "runtime", "saves") or name not in entries:
        return None
    value = entries[name]
    if value is None and part == "distributions":
        return "not installed"
    if isinstance(value, str) and value.startswith("[redacted "):
        return None
    text = value if isinstance(value, str) and part != "parameters" else json.dumps(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _code_change(old: Sequence[Mapping[str, Any]], cells: Sequence[CodeCell]) -> Change:
    """Find the first statement that is new or different, else the place where one is gone."""
    earlier = [statement for form in old for statement in form.get("statements", ())]
    now = [
        (statement, cell, line) for cell in cells for statement, line in zip(cell.statements, cell.lines, strict=True)
    ]
    matcher = difflib.SequenceMatcher(None, earlier, [item[0] for item in now], autojunk=False)
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        _, cell, line = now[min(start, len(now) - 1)] if now else ("", None, None)
        before = _line(earlier[first]) if last > first else None
        after = _line(now[start][0]) if end > start else None
        return Change("code", "", before, after, None if cell is None else cell.id, line if cell and cell.id else None)
    changed = next((cell for cell, form in zip(cells, old, strict=False) if cell.form != form), None)
    return Change("code", "", cell=changed.id if changed else None)


def _line(statement: str) -> str:
    first = statement.split("\n", 1)[0]
    return first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…"
