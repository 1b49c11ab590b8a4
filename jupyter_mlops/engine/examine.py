"""Run by the kernel's interpreter, whatever its version: prints what is installed there. Imports nothing of ours."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any


def _modules(distribution: Any) -> list[str]:
    listed = distribution.read_text("top_level.txt")
    if listed:
        return sorted(set(listed.split()))
    names = set()
    for line in (distribution.read_text("RECORD") or "").splitlines():
        path = line.split(",")[0].strip('"')
        first, _, rest = path.partition("/")
        if first in ("..", "__pycache__") or first.endswith((".dist-info", ".data", ".pth")):
            continue
        name = first if rest else first.split(".")[0]
        if name.isidentifier():
            names.add(name)
    return sorted(names)


def _origin(distribution: Any) -> dict[str, Any]:
    """Where it was installed from, if that is no index: a file, a folder, a repository, a URL."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return origin if isinstance(origin, dict) else {}


def _conditions(requires: list[str]) -> dict[str, str]:
    """The environment markers of requirements, by name."""
    found = {}
    for item in requires:
        name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", item.strip())
        marker = item.partition(";")[2].strip()
        if name and marker:
            found[re.sub(r"[-_.]+", "-", name.group()).lower()] = marker
    return found


def _source(origin: dict[str, Any]) -> str | None:
    url = origin.get("url", "")
    if origin.get("dir_info", {}).get("editable") and url.startswith("file://"):
        from urllib.request import url2pathname

        return str(url2pathname(url[len("file://") :]))
    return None


def examine() -> dict[str, Any]:
    """Return versions, the module path and the distributions with what they need."""
    from importlib import metadata

    paths = [str(Path.cwd() / path) for path in sys.path if path]
    folders = {}
    distributions = {}
    for path in paths:
        if not Path(path).is_dir():
            continue
        found = list(metadata.distributions(path=[path]))
        if found or Path(path).name in ("site-packages", "dist-packages"):
            folders[path] = Path(path).stat().st_mtime_ns
        for distribution in found:
            name = distribution.metadata["Name"]
            if not name:
                continue
            name = re.sub(r"[-_.]+", "-", name).lower()
            if name in distributions:
                continue
            requires = [item for item in distribution.requires or () if "extra ==" not in item]
            matches = [re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", item.strip()) for item in requires]
            origin = _origin(distribution)
            distributions[name] = {
                "version": distribution.version,
                "requires": sorted({re.sub(r"[-_.]+", "-", match.group()).lower() for match in matches if match}),
                "modules": _modules(distribution),
                "source": _source(origin),
                "origin": origin,
                "conditions": _conditions(requires),
                "installer": (distribution.read_text("INSTALLER") or "").strip(),
                "place": path,
            }
    return {
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": sys.platform,
            "machine": platform.machine(),
        },
        "standard": sorted(getattr(sys, "stdlib_module_names", sys.builtin_module_names)),
        "library": str(Path(os.__file__).absolute().parent),
        "paths": paths,
        "folders": folders,
        "distributions": distributions,
    }


if __name__ == "__main__":
    json.dump(examine(), sys.stdout)
