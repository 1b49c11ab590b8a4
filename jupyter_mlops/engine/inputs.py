"""What a step's inputs are in its cache key, and what their types say of the code that they need. Pure."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["form_of", "label_of", "modules_of"]

_PLAIN_TYPES = frozenset(["int", "float", "complex", "str", "bytes", "bool", "NoneType", "range", "slice"])


def label_of(record: ArtifactRecord) -> str:
    """Return what an input is called in a key."""
    return record.name if record.kind == "value" else f"{record.kind} {record.name}"


def form_of(record: ArtifactRecord, bound: tuple[str, ...]) -> list[Any]:
    """Return what counts of an input: its content, how it is stored, which of its names are bound."""
    return [record.digest, record.serializer, list(bound)]


def modules_of(record: ArtifactRecord) -> tuple[set[str], bool]:
    """Return the top-level modules of an input's types, and whether they say all: a list may have anything in it."""
    names: set[str] = set()
    says_all = True
    if record.kind == "value":
        for text in [str(item.get("type") or "") for item in record.members.values()] or [record.type or ""]:
            top, dot, _ = text.partition(".")
            if dot and top not in ("builtins", "__main__"):
                names.add(top)
            elif text not in _PLAIN_TYPES:
                says_all = False
    return names, says_all
