"""The context of a step: what its load and save cells have to do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ContextError

__all__ = ["ENVIRONMENT_VARIABLE", "Context", "Load", "Save", "parse_context", "read_context"]

ENVIRONMENT_VARIABLE = "JUPYTER_MLOPS_STEP"
KINDS = ("value", "file", "state")


@dataclass(frozen=True)
class Load:
    """One artifact that the step takes.

    Args:
        kind: ``value``, ``file`` or ``state``.
        names: Everything the artifact holds, in the order of saving.
        bind: The variables to bind, a subset of ``names``.
        target: For a file: where to restore it, relative to the working directory.
    """

    id: str
    kind: str
    names: tuple[str, ...]
    bind: tuple[str, ...]
    path: Path
    serializer: str
    target: str | None = None


@dataclass(frozen=True)
class Save:
    """One artifact that the step makes."""

    id: str
    kind: str
    names: tuple[str, ...]
    declared_type: str | None = None


@dataclass(frozen=True)
class Context:
    """All that a step has to load and to save.

    Args:
        code: Functions and classes that every consumer defines by itself, pickled by name.
        metrics: Variables to report as metrics.
        output_dir: Where objects and ``result.json`` go.
        fsync: Whether files are forced to disk before they are reported.
    """

    pipeline: str
    step: str
    name: str
    loads: tuple[Load, ...]
    saves: tuple[Save, ...]
    code: frozenset[str]
    metrics: tuple[str, ...]
    output_dir: Path
    fsync: bool = True


def read_context() -> Context:
    """Read the context that the environment variable points to.

    Raises:
        ContextError: There is none, or it cannot be read.
    """
    place = os.environ.get(ENVIRONMENT_VARIABLE)
    if not place:
        raise ContextError(
            "This notebook is one step of a pipeline; this cell exchanges values with the other steps, which only "
            f"works when the pipeline runs it ({ENVIRONMENT_VARIABLE} is not set). To try the step by hand, skip "
            "this cell and define its inputs yourself."
        )
    try:
        raw = json.loads(Path(place).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ContextError(f"The context of this step, {place}, cannot be read: {reason}.") from None
    except ValueError as error:
        raise ContextError(f"The context of this step, {place}, is not valid JSON: {error}.") from None
    return parse_context(raw, place)


def parse_context(raw: Any, place: str = "context") -> Context:
    """Make a ``Context`` from its JSON form.

    Raises:
        ContextError: A field is missing or of the wrong kind.
    """
    if not isinstance(raw, dict) or raw.get("schema") != 1:
        raise ContextError(f"{place}: not a step context this version can read (schema 1 is expected).")
    try:
        return Context(
            pipeline=str(raw.get("pipeline", "")),
            step=str(raw["step"]),
            name=str(raw.get("name") or raw["step"]),
            loads=tuple(_load(item) for item in raw.get("loads", ())),
            saves=tuple(_save(item) for item in raw.get("saves", ())),
            code=frozenset(raw.get("code", ())),
            metrics=tuple(raw.get("metrics", ())),
            output_dir=Path(raw["output_dir"]),
            fsync=bool(raw.get("fsync", True)),
        )
    except KeyError as error:
        raise ContextError(f"{place}: required field {error} is missing.") from None
    except (TypeError, ValueError) as error:
        raise ContextError(f"{place}: {error}.") from None


def _load(item: Mapping[str, Any]) -> Load:
    names = tuple(item["names"])
    return Load(
        id=item["id"],
        kind=_kind(item),
        names=names,
        bind=tuple(item.get("bind", names)),
        path=Path(item["path"]),
        serializer=item["serializer"],
        target=item.get("target"),
    )


def _save(item: Mapping[str, Any]) -> Save:
    return Save(item["id"], _kind(item), tuple(item["names"]), item.get("declared_type"))


def _kind(item: Mapping[str, Any]) -> str:
    kind = str(item["kind"])
    if kind not in KINDS:
        raise ValueError(f"{item['id']}: {kind!r} is not a kind of artifact ({', '.join(KINDS)})")
    return kind
