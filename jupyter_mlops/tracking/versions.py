"""Which distributions have another version here than when a run was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

__all__ = ["Difference", "changed_versions", "recorded_version"]

_KNOWN = {"sklearn": ("scikit-learn",), "PIL": ("pillow",), "cv2": ("opencv-python",), "yaml": ("pyyaml",)}


@dataclass(frozen=True, slots=True)
class Difference:
    """A distribution that is not what it was.

    Args:
        then: Version that the run had.
        now: Version here; None if it is not installed.
    """

    name: str
    then: str
    now: str | None

    @property
    def text(self) -> str:
        """``scikit-learn 1.5.2 then, 1.6.0 here``."""
        return f"{self.name} {self.then} then, {self.now or 'not installed'} here"


def recorded_version(environment: Mapping[str, Any], module: str) -> tuple[str, str] | None:
    """Return the distribution that a module came from in a run, and its version, if that was recorded."""
    versions = _versions(environment)
    for name in _distributions(module.partition(".")[0]):
        if _normal(name) in versions:
            return versions[_normal(name)]
    return None


def changed_versions(environment: Mapping[str, Any], modules: Iterable[str]) -> tuple[Difference, ...]:
    """Return which distributions of some modules have other versions here; of those that were recorded."""
    found = []
    for module in sorted(modules):
        known = recorded_version(environment, module)
        if known is None:
            continue
        try:
            now: str | None = metadata.version(known[0])
        except metadata.PackageNotFoundError:
            now = None
        if now != known[1]:
            found.append(Difference(*known, now))
    return tuple(dict.fromkeys(found))


def _versions(environment: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    listed = environment.get("distributions")
    if not isinstance(listed, Mapping):
        return {}
    return {_normal(str(name)): (str(name), str(version)) for name, version in listed.items()}


def _distributions(module: str) -> Iterable[str]:
    yield module
    yield from _KNOWN.get(module, ())
    yield from metadata.packages_distributions().get(module, ())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
