"""Hashes of distributions that the project's own lock files know; nothing is looked up on the network."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["known_hashes"]

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash[= ](sha256:[0-9a-f]{64})")
_SHA = re.compile(r"sha256:[0-9a-f]{64}")

Hashes = dict[tuple[str, str], tuple[str, ...]]


def known_hashes(folders: Iterable[Path]) -> Hashes:
    """Return what the lock files in some folders say, by name and version.

    Read are ``pylock.toml``, ``uv.lock``, ``poetry.lock``, ``Pipfile.lock`` and ``requirements*.txt``. One that
    can't be understood says nothing.
    """
    found: dict[tuple[str, str], dict[str, None]] = {}
    for folder in dict.fromkeys(folders):
        for name, version, sums in _in_folder(folder):
            key = (re.sub(r"[-_.]+", "-", name).lower(), version)
            found.setdefault(key, {}).update(dict.fromkeys(sums))
    return {key: tuple(sums) for key, sums in found.items() if sums}


def _in_folder(folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    for pattern in ("pylock*.toml", "uv.lock", "poetry.lock"):
        for path in sorted(folder.glob(pattern)):
            yield from _packages(_toml(path))
    yield from _pipfile(folder / "Pipfile.lock")
    for path in sorted(folder.glob("requirements*.txt")):
        yield from _requirements(_text(path))


def _packages(content: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Packages of ``uv.lock`` and ``poetry.lock`` (``package``) and of ``pylock.toml`` (``packages``)."""
    for item in (*_tables(content.get("package")), *_tables(content.get("packages"))):
        name, version = item.get("name"), item.get("version")
        if not isinstance(name, str) or not isinstance(version, str):
            continue
        files = [*_tables(item.get("files")), *_tables(item.get("wheels")), *_tables([item.get("sdist")])]
        texts = [file.get("hash") for file in files]
        texts += [f"sha256:{sums.get('sha256')}" for file in files for sums in _tables([file.get("hashes")])]
        yield name, version, [text for text in texts if isinstance(text, str) and _SHA.fullmatch(text)]


def _pipfile(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    try:
        content = json.loads(_text(path) or "{}")
        groups = [content.get("default"), content.get("develop")]
    except (ValueError, AttributeError):
        return
    for group in groups:
        for name, item in group.items() if isinstance(group, dict) else ():
            if isinstance(item, dict) and isinstance(item.get("hashes"), list):
                sums = [text for text in item["hashes"] if isinstance(text, str) and _SHA.fullmatch(text)]
                yield name, str(item.get("version", "")).removeprefix("=="), sums


def _requirements(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.replace("\\\n", " ").splitlines():
        pin = _PIN.match(line.strip())
        if pin:
            yield pin[1], pin[2], _HASH.findall(line)


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        content: dict[str, Any] = tomllib.loads(_text(path))
        return content
    except ValueError:
        return {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
