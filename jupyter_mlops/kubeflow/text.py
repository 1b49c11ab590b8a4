"""The YAML of compiled pipelines: the same for the same pipeline, and known as ours when it is seen again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

__all__ = ["MARK", "document", "is_ours", "manifest"]

MARK = "# PIPELINE DEFINITION, compiled by jupyter-mlops"
"""First line of every file: what begins with it may be replaced."""

_NO_FOLD = 2**30


def document(spec: Mapping[str, Any], platform: Mapping[str, Any] | None) -> str:
    """Write a pipeline and, if there is one, its platform's part."""
    lines = [MARK, f"# Name: {spec['pipelineInfo']['name']}", *_described(spec), ""]
    parts = [_dump(spec), *([_dump(platform)] if platform else [])]
    return "\n".join(lines) + "---\n".join(parts)


def manifest(*resources: Mapping[str, Any]) -> str:
    """Write resources of Kubernetes."""
    return f"{MARK}\n" + "---\n".join(map(_dump, resources))


def is_ours(text: str) -> bool:
    """Tell whether a text was written by ``document``."""
    return text.startswith(MARK)


def _described(spec: Mapping[str, Any]) -> list[str]:
    text = spec["pipelineInfo"].get("description", "")
    return [f"# Description: {' '.join(text.split())[:200]}"] if text else []


def _dump(data: Mapping[str, Any]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    found: str = yaml.dump(data, Dumper=dumper, sort_keys=True, allow_unicode=True, width=_NO_FOLD)
    return found
