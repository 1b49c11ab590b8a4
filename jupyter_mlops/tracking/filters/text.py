"""Conditions written as filters again."""

from __future__ import annotations

import re
from collections.abc import Callable

from jupyter_mlops.store.conditions import AllOf, AnyOf, Comparison, Condition, Field

__all__ = ["field_text", "filter_text", "quoted"]

_PLAIN = re.compile(r"[\w./-]*[\w/-]")


def filter_text(condition: Condition) -> str:
    """Return the filter that is parsed to a condition."""
    if isinstance(condition, Comparison):
        return _comparison(condition)
    if isinstance(condition, (AllOf, AnyOf)):
        word = " AND " if isinstance(condition, AllOf) else " OR "
        return word.join(_part(part, lambda part: isinstance(part, (AllOf, AnyOf))) for part in condition.parts)
    return f"NOT {_part(condition.part, lambda part: isinstance(part, (AllOf, AnyOf)))}"


def field_text(found: Field) -> str:
    """Return a field as it stands in filters: ``metrics.accuracy``, ``status``."""
    if found.kind == "attributes":
        return found.name
    name = found.name if _PLAIN.fullmatch(found.name) else "`" + found.name.replace("`", "``") + "`"
    return f"{found.kind}.{name}"


def quoted(text: str) -> str:
    """Return a text in quotes."""
    return '"' + text.replace('"', '""') + '"'


def _part(part: Condition, needs_brackets: Callable[[Condition], bool]) -> str:
    text = filter_text(part)
    return f"({text})" if needs_brackets(part) else text


def _comparison(condition: Comparison) -> str:
    name, operator, value = field_text(condition.field), condition.operator, condition.value
    if operator in ("IS NAN", "IS NOT NAN"):
        return f"{name} {'=' if operator == 'IS NAN' else '!='} nan"
    if value is None:
        return f"{name} {operator}"
    if isinstance(value, tuple):
        return f"{name} {operator} ({', '.join(map(_literal, value))})"
    return f"{name} {operator} {_literal(value)}"


def _literal(value: str | float | bool) -> str:
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)
