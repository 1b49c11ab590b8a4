"""How the pipeline's image is built: ``metadata.mlops.image`` of a notebook, or ``[image]`` of ``mlops.toml``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from jupyter_mlops.notebook.model import BuildSettings
from jupyter_mlops.notebook.values import Problems, listed, string, word

__all__ = ["NOT_IN_NOTEBOOKS", "merge_build", "read_build_settings"]

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_PLATFORM = re.compile(r"linux/[a-z0-9]+(/v[0-9]+)?")
_DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+(?:=\S+)?")
_PASSWORD = re.compile(r"://[^/@:]*:(?!\$\{)[^/@]+@")


NOT_IN_NOTEBOOKS = frozenset({"build_options"})
"""A notebook may come from anyone; what it says must not reach beyond the build."""


def read_build_settings(
    value: Mapping[str, Any], path: str, problems: Problems, without: frozenset[str] = frozenset()
) -> BuildSettings:
    """Read the settings; what is wrong goes to ``problems``, the rest counts.

    Args:
        value: The object or table.
        path: Where it was found.
        without: Keys that may not be set there.
    """
    read: dict[str, Any] = {}
    for key, item in value.items():
        if key not in _READERS or key in without:
            known = [name for name in _READERS if name not in without]
            problems.unknown_key(f"{path}.{key}", key, known)
            continue
        setting = _READERS[key](item, f"{path}.{key}", problems) if item is not None else None
        if setting is not None:
            read[key] = setting
    return replace(BuildSettings(), **read)


def merge_build(*settings: BuildSettings) -> BuildSettings:
    """Combine settings: the first that says something counts; lists are joined."""
    merged: dict[str, Any] = {}
    for field in fields(BuildSettings):
        values = [getattr(item, field.name) for item in settings]
        if isinstance(field.default, tuple):
            merged[field.name] = tuple(dict.fromkeys(entry for value in reversed(values) for entry in value))
        else:
            merged[field.name] = next((value for value in values if value is not None), None)
    return BuildSettings(**merged)


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[object, str, Problems], str | None]:
    def read(value: object, path: str, problems: Problems) -> str | None:
        text = word(value, path, problems)
        if text is not None and not pattern.fullmatch(text):
            problems.add(path, f"must be {expected}, not `{text}`")
            return None
        return text

    return read


def _url(value: object, path: str, problems: Problems) -> str | None:
    text = word(value, path, problems)
    if text is not None and _PASSWORD.search(text):
        hint = "Write `https://user:${VARIABLE}@host/simple`: the environment variable is read when the image is built."
        problems.add(path, "must not hold a password", hint)
        return None
    return text


def _several(read: Callable[[object, str, Problems], str | None]) -> Callable[[object, str, Problems], Any]:
    return lambda value, path, problems: listed(value, path, problems, read)


_debian = _matching(_DEBIAN, "the name of a Debian package")
_READERS: Mapping[str, Callable[[object, str, Problems], Any]] = {
    "base": word,
    "name": _matching(_NAME, "lower-case letters, digits and `-`, `_`, `.` between them"),
    "registry": word,
    "dockerfile": string,
    "environment": string,
    "builder": word,
    "index_url": _url,
    "extra_index_urls": _several(_url),
    "platform": _matching(_PLATFORM, "such as `linux/amd64`"),
    "system_packages": _several(_debian),
    "build_packages": _several(_debian),
    "include": _several(string),
    "build_options": _several(string),
}
