"""What runs are asked for by: an expression tree, and the order of a list.

A condition is two-valued: a comparison of something that a run has not is false, and ``Not`` gives all other runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ATTRIBUTES",
    "NEWEST_FIRST",
    "AllOf",
    "AnyOf",
    "Comparison",
    "Condition",
    "Field",
    "FieldKind",
    "Not",
    "Operator",
    "SortKey",
    "both",
    "equals",
    "fields_of",
]

FieldKind = Literal["attributes", "metrics", "params", "tags"]
AttributeKind = Literal["text", "status", "number", "time", "group", "commit"]

Operator = Literal[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "LIKE",
    "NOT LIKE",
    "ILIKE",
    "NOT ILIKE",
    "IN",
    "NOT IN",
    "IS NULL",
    "IS NOT NULL",
    "IS NAN",
    "IS NOT NAN",
]

Value = str | float | bool

ATTRIBUTES: Mapping[str, tuple[str, AttributeKind]] = {
    "run_id": ("run_id", "text"),
    "pipeline": ("pipeline", "text"),
    "status": ("status", "status"),
    "started": ("started", "time"),
    "finished": ("finished", "time"),
    "seconds": ("seconds", "number"),
    "notebook": ("notebook", "text"),
    "kernel": ("kernel", "text"),
    "backend": ("backend", "text"),
    "trigger": ("started_by", "text"),
    "user": ("user_name", "text"),
    "commit": ("commit_id", "commit"),
    "configuration": ("configuration", "text"),
    "parent": ("parent", "text"),
    "host": ("host", "text"),
    "note": ("note", "text"),
    "experiment": ("", "group"),
}
"""What can be asked of a run itself: its column and what is in there."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something that runs have: an attribute, or a metric, parameter or tag by its name."""

    kind: FieldKind
    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against a value.

    Args:
        value: A text, a number or a truth value; several for ``IN``; None where the operator says it all. A time
            is a number, in milliseconds since the epoch.
    """

    field: Field
    operator: Operator
    value: Value | tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of the parts holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the parts holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Comparison | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by. Runs without a value come last in either direction, those with NaN just before them."""

    field: Field
    descending: bool = False


NEWEST_FIRST = (SortKey(Field("attributes", "started"), descending=True),)


def equals(attribute: str, value: Value) -> Comparison:
    """Return the condition that an attribute has a value."""
    return Comparison(Field("attributes", attribute), "=", value)


def both(*conditions: Condition | None) -> Condition | None:
    """Return the condition that all given ones hold; None is no condition."""
    given = [condition for condition in conditions if condition is not None]
    if len(given) < 2:
        return given[0] if given else None
    parts = [
        part for condition in given for part in (condition.parts if isinstance(condition, AllOf) else (condition,))
    ]
    return AllOf(tuple(parts))


def fields_of(condition: Condition | None, sort: Sequence[SortKey] = ()) -> tuple[Field, ...]:
    """Return what a condition and an order speak of, each once."""
    found: dict[Field, None] = {}
    waiting: list[Condition] = [] if condition is None else [condition]
    while waiting:
        match waiting.pop():
            case Comparison(field):
                found[field] = None
            case AllOf(parts) | AnyOf(parts):
                waiting += parts
            case Not(part):
                waiting.append(part)
    found.update((key.field, None) for key in sort)
    return tuple(found)
