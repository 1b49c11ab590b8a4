"""Readers of single values of ``metadata.mlops``.

A reader takes the JSON value, its path and a collector of problems. It returns what it
understood, or None if the value is null or not valid; then the collector knows why.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from jupyter_mlops.diagnostics import Diagnostic, make
from jupyter_mlops.notebook.names import nearest, printable

__all__ = [
    "Problems",
    "boolean_or_word",
    "choice",
    "count",
    "cpu",
    "device",
    "duration",
    "env_name",
    "factor",
    "kubernetes_key",
    "kubernetes_name",
    "label_key",
    "label_value",
    "listed",
    "mapping",
    "memory",
    "mount_path",
    "pause",
    "record",
    "string",
    "word",
]

Value = TypeVar("Value")
_MAX_LABEL = 63
_LONGEST_SHOWN = 60
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_CPU = re.compile(rf"{_NUMBER}m?")
_MEMORY = re.compile(rf"{_NUMBER}(?:[kMGTPE]|[KMGTPE]i)?|[0-9]+[eE][0-9]+")
_LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_LABEL_NAME}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_KEY = re.compile(r"[A-Za-z0-9._-]+")
_MAX_NAME = 253
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEVICES = {"amd": "amd.com/gpu", "intel": "gpu.intel.com/i915", "tpu": "google.com/tpu", "gpu": "nvidia.com/gpu"}
_DEVICES |= {"nvidia": "nvidia.com/gpu", "cuda": "nvidia.com/gpu"}
_DURATION = re.compile(r"(?:([0-9.]+)d)?(?:([0-9.]+)h)?(?:([0-9.]+)m)?(?:([0-9.]+)s?)?")
_SECONDS = (86400, 3600, 60, 1)


class Problems:
    """Collects what is wrong with settings.

    Args:
        cell: Id of the cell whose settings are read, or None for the notebook's.
    """

    def __init__(self, cell: str | None) -> None:
        self.cell = cell
        self.found: list[Diagnostic] = []

    def add(self, path: str, problem: str, hint: str | None = None) -> None:
        """Report that the field at ``path`` has a problem, such as ``must be …``."""
        self.found.append(make("MLO009", f"`{printable(path)}` {problem}.", cell=self.cell, hint=hint))

    def wrong_type(self, path: str, expected: str, value: object) -> None:
        """Report a value of another JSON type than expected."""
        self.add(path, f"must be {expected}, not {_json_type(value)}")

    def unknown_key(self, path: str, key: str, known: Iterable[str]) -> None:
        """Report a key that is not in the format."""
        near = nearest(key, known)
        hint = f"Did you mean `{near}`?" if near else f"Known are {', '.join(f'`{name}`' for name in sorted(known))}."
        self.add(path, "is not a known setting", hint)


def string(value: object, path: str, problems: Problems) -> str | None:
    """Read text that is not blank."""
    if value is None:
        return None
    if not isinstance(value, str):
        problems.wrong_type(path, "a string", value)
        return None
    if not value.strip() or "\0" in value:
        problems.add(path, "must not be empty" if not value.strip() else "must not contain a NUL character")
        return None
    return value.strip()


def word(value: object, path: str, problems: Problems) -> str | None:
    """Read text without white space, such as the name of an image."""
    text = string(value, path, problems)
    if text is not None and len(text.split()) > 1:
        problems.add(path, f"must not contain white space: {_shown(text)}")
        return None
    return text


def count(value: object, path: str, problems: Problems) -> int | None:
    """Read a whole number that is not negative."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        problems.wrong_type(path, "a whole number", value)
        return None
    if value < 0:
        problems.add(path, f"must not be negative: {value}")
        return None
    return value


def cpu(value: object, path: str, problems: Problems) -> str | None:
    """Read a number of cores as Kubernetes writes it."""
    return _quantity(value, path, problems, _CPU, "`2`, `0.5` or `500m`")


def memory(value: object, path: str, problems: Problems) -> str | None:
    """Read an amount of memory as Kubernetes writes it."""
    return _quantity(value, path, problems, _MEMORY, "`4Gi` or `512Mi`")


def duration(value: object, path: str, problems: Problems) -> float | None:
    """Read a time span in seconds: a number, or text such as ``90s``, ``10m``, ``1h30m``."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        problems.wrong_type(path, "a number of seconds or text such as `10m`", value)
        return None
    seconds = _seconds(value) if isinstance(value, str) else _finite(value)
    if seconds is None or seconds <= 0:
        hint = "Write seconds, or for example `90s`, `10m`, `1h30m`."
        problems.add(path, f"is not a time span: {_shown(value)}", hint)
        return None
    return seconds


def pause(value: object, path: str, problems: Problems) -> float | None:
    """Read a time span that may be 0."""
    if not isinstance(value, bool) and value in (0, "0", "0s"):
        return 0.0
    return duration(value, path, problems)


def factor(value: object, path: str, problems: Problems) -> float | None:
    """Read a number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.wrong_type(path, "a number", value)
        return None
    number = _finite(value)
    if number is None or number < 1:
        problems.add(path, f"must be a number of at least 1: {_shown(value)}")
        return None
    return number


def env_name(value: object, path: str, problems: Problems) -> str | None:
    """Read the name of an environment variable."""
    return _matching(value, path, problems, _ENV_NAME, "the name of an environment variable")


def kubernetes_name(value: object, path: str, problems: Problems) -> str | None:
    """Read the name of an object in a cluster, such as a secret."""
    return _short(_matching(value, path, problems, _NAME, "a name that Kubernetes allows"), path, problems)


def kubernetes_key(value: object, path: str, problems: Problems) -> str | None:
    """Read a key of a secret or config map."""
    return _short(_matching(value, path, problems, _KEY, "a key that Kubernetes allows"), path, problems)


def _short(text: str | None, path: str, problems: Problems) -> str | None:
    if text is not None and len(text) > _MAX_NAME:
        problems.add(path, f"is longer than the {_MAX_NAME} characters that Kubernetes allows: {_shown(text)}")
        return None
    return text


def device(value: object, path: str, problems: Problems) -> str | None:
    """Read the resource name of a device, such as ``nvidia.com/gpu``."""
    text = word(value, path, problems)
    if text is None or ("/" in text and _LABEL_KEY.fullmatch(text)):
        return text
    near = next((name for short, name in _DEVICES.items() if short in text.casefold()), None)
    hint = f"Did you mean `{near}`?" if near else "Write the resource name that the cluster's nodes offer."
    problems.add(path, f"is not the name of a device such as `nvidia.com/gpu`: {_shown(text)}", hint)
    return None


def choice(value: object, path: str, problems: Problems, words: tuple[str, ...]) -> str | None:
    """Read one of ``words``; capitals don't matter."""
    if value is None:
        return None
    if not isinstance(value, str):
        problems.wrong_type(path, "a string", value)
        return None
    found = next((name for name in words if name.casefold() == value.strip().casefold()), None)
    if found is None:
        near = nearest(value, words)
        hint = f"Did you mean `{near}`?" if near else None
        problems.add(path, f"must be {' or '.join(f'`{name}`' for name in words)}, not {_shown(value)}", hint)
    return found


def label_key(value: object, path: str, problems: Problems) -> str | None:
    """Read the key of a Kubernetes label, annotation or node selector."""
    return _matching(value, path, problems, _LABEL_KEY, "a key that Kubernetes allows")


def label_value(value: object, path: str, problems: Problems) -> str | None:
    """Read the value of a Kubernetes label; it may be empty."""
    if value == "":
        return ""
    return _matching(value, path, problems, re.compile(_LABEL_NAME), "a label value that Kubernetes allows")


def mount_path(value: object, path: str, problems: Problems) -> str | None:
    """Read an absolute path in a container."""
    text = string(value, path, problems)
    if text is not None and not text.startswith("/"):
        problems.add(path, f"must be an absolute path in the container: {_shown(text)}")
        return None
    return text


def boolean_or_word(value: object, path: str, problems: Problems, words: tuple[str, ...]) -> str | None:
    """Read one of ``words``; true and false stand for the first and the second."""
    if value is None:
        return None
    if isinstance(value, bool):
        return words[0] if value else words[1]
    if not isinstance(value, str):
        problems.wrong_type(path, " or ".join(f"`{name}`" for name in words), value)
        return None
    if value.strip().lower() in words:
        return value.strip().lower()
    near = nearest(value, words)
    hint = f"Did you mean `{near}`?" if near else None
    problems.add(path, f"must be {' or '.join(f'`{name}`' for name in words)}, not {_shown(value)}", hint)
    return None


def listed(
    value: object, path: str, problems: Problems, item: Callable[[object, str, Problems], Value | None]
) -> tuple[Value, ...] | None:
    """Read a list whose items are read by ``item``; bad items are left out."""
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        problems.wrong_type(path, "a list", value)
        return None
    read = [item(element, f"{path}[{index}]", problems) for index, element in enumerate(value)]
    for index, element in enumerate(value):
        if element is None:
            problems.wrong_type(f"{path}[{index}]", "a value", element)
    return tuple(element for element in read if element is not None)


def mapping(
    value: object,
    path: str,
    problems: Problems,
    key: Callable[[object, str, Problems], str | None],
    item: Callable[[object, str, Problems], str | None],
) -> dict[str, str] | None:
    """Read an object from names to strings; bad entries are left out."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        problems.wrong_type(path, "an object", value)
        return None
    read: dict[str, str] = {}
    for name, element in value.items():
        field = f"{path}.{name}"
        valid_name, valid_item = key(name, field, problems), item(element, field, problems)
        if valid_name is not None and valid_item is not None:
            read[valid_name] = valid_item
    return read


def record(
    value: object,
    path: str,
    problems: Problems,
    readers: Mapping[str, Callable[[object, str, Problems], object]],
    required: tuple[str, ...],
) -> dict[str, Any] | None:
    """Read an object with known keys.

    Returns:
        The fields that are set, or None if a required one is missing or any is wrong.
    """
    if not isinstance(value, Mapping):
        problems.wrong_type(path, "an object", value)
        return None
    before = len(problems.found)
    read: dict[str, Any] = {}
    for key, element in value.items():
        if key not in readers:
            problems.unknown_key(f"{path}.{key}", key, readers)
            continue
        if element is not None:
            read[key] = readers[key](element, f"{path}.{key}", problems)
    for key in required:
        if value.get(key) is None:
            problems.add(f"{path}.{key}", "is required")
    return read if len(problems.found) == before else None


def _quantity(value: object, path: str, problems: Problems, pattern: re.Pattern[str], examples: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        problems.wrong_type(path, f"a quantity such as {examples}", value)
        return None
    text = value.strip() if isinstance(value, str) else str(value)
    if not pattern.fullmatch(text) or not re.search("[1-9]", text):
        near = re.sub(r"(?<=[0-9])\s*([kKmMgGtT])i?[bB]$", lambda unit: unit[1].upper() + "i", text)
        is_better = near != text and pattern.fullmatch(near)
        hint = f"Did you mean `{near}`?" if is_better else f"Write it as Kubernetes does, for example {examples}."
        problems.add(path, f"is not a valid quantity: {_shown(value)}", hint)
        return None
    return text


def _matching(value: object, path: str, problems: Problems, pattern: re.Pattern[str], what: str) -> str | None:
    if not isinstance(value, str):
        problems.wrong_type(path, "a string", value)
        return None
    if not pattern.fullmatch(value):
        problems.add(path, f"is not {what}: {_shown(value)}")
        return None
    return value


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(re.sub(r"\s+", "", text).lower())
    if not match or not any(match.groups()):
        return None
    try:
        return _finite(sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part))
    except ValueError:
        return None


def _finite(value: float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list | tuple) else "an object"
