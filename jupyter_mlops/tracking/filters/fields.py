"""Names in filters, and what they can be compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.conditions import ATTRIBUTES, AllOf, AnyOf, Comparison, Condition, Field, FieldKind, Operator
from jupyter_mlops.store.records import FINAL
from jupyter_mlops.tracking.filters.moments import span
from jupyter_mlops.tracking.filters.problems import shortened
from jupyter_mlops.tracking.filters.tokens import Token

__all__ = ["KINDS", "Problem", "compare", "find"]

KINDS: dict[str, FieldKind] = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attributes"),
    **dict.fromkeys(("metric", "metrics"), "metrics"),
    **dict.fromkeys(("parameter", "parameters", "param", "params"), "params"),
    **dict.fromkeys(("tag", "tags"), "tags"),
}
_ALIASES = {
    "created": "started",
    "duration": "seconds",
    "end_time": "finished",
    "id": "run_id",
    "run": "run_id",
    "start_time": "started",
    "user_id": "user",
}
"""MLflow's words and others that come to mind."""

_STATUSES = {
    **{status: status for status in (*sorted(FINAL), "queued", "running")},
    "finished": "succeeded",
    "killed": "cancelled",
    "scheduled": "queued",
}
_ORDER = ("<", "<=", ">", ">=")
_LIKE = ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")
_COMMIT = 40


class Problem(Exception):
    """A name or a value that makes no sense; the message says why, and what would.

    Args:
        token: What it is about.
    """

    def __init__(self, message: str, token: Token, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.token = token
        self.hint = hint


def find(kind: str, name: str, token: Token, known: Callable[[], Iterable[str]]) -> Field:
    """Return the field that is meant.

    Args:
        kind: What stands before the first dot; empty for a name alone.
        known: Asked for the metrics, parameters and tags that there are, when one is to be suggested.

    Raises:
        Problem: There is no such attribute, or no such kind.
    """
    found = KINDS.get(kind.lower()) if kind else "attributes"
    if found is None:
        near = nearest(kind, KINDS)
        hint = f"Did you mean {near}.{name}?" if near else "Names begin with metrics, params, tags or attributes."
        raise Problem(f'There is nothing called "{shortened(kind)}"', token, hint=hint)
    if found != "attributes":
        return Field(found, name)
    attribute = _ALIASES.get(name.lower(), name.lower())
    if attribute not in ATTRIBUTES:
        raise Problem(f'Runs have no attribute "{shortened(name)}"', token, hint=_suggestion(name, known))
    return Field("attributes", attribute)


def compare(found: Field, operator: Operator, values: list[Token], place: Token, now: datetime) -> Condition:
    """Return the condition that a field compares with what stands there.

    Args:
        values: One token, or those of a list.
        place: The operator.

    Raises:
        Problem: They can't be compared.
    """
    what = ATTRIBUTES[found.name][1] if found.kind == "attributes" else found.kind
    if what in ("metrics", "number", "time"):
        if operator in _LIKE:
            raise Problem(f"{operator} is for texts, and this is a {'time' if what == 'time' else 'number'}", place)
        return _times(found, operator, values, now) if what == "time" else _numbers(found, operator, values)
    if what == "params":
        return _parameters(found, operator, values)
    if operator in _ORDER:
        for token in values:
            if token.kind == "number":
                raise Problem(
                    "This is a text, which a number can't be compared with", token, hint=f'Write "{token.text}".'
                )
    texts = [token.text for token in values]
    if what == "status" and operator not in _LIKE:
        texts = [_status(token) for token in values]
    if what == "commit" and operator in ("=", "!=") and 4 <= len(texts[0]) < _COMMIT and texts[0].isalnum():
        return Comparison(found, "LIKE" if operator == "=" else "NOT LIKE", texts[0].lower() + "%")
    return Comparison(found, operator, tuple(texts) if operator in ("IN", "NOT IN") else texts[0])


def _numbers(found: Field, operator: Operator, values: list[Token]) -> Condition:
    for token in values:
        if token.kind != "number":
            hint = "Numbers stand without quotes." if token.kind == "text" else None
            raise Problem("A number must stand here", token, hint=hint)
    return _with_numbers(found, operator, values)


def _with_numbers(found: Field, operator: Operator, values: list[Token]) -> Condition:
    literals = [_literal(token) for token in values]
    nans = [token for token, value in zip(values, literals, strict=True) if value != value]
    if nans:
        if operator not in ("=", "!="):
            raise Problem("NaN is not more or less than anything", nans[0], hint="Compare with = or !=.")
        return Comparison(found, "IS NAN" if operator == "=" else "IS NOT NAN")
    return Comparison(found, operator, tuple(literals) if operator in ("IN", "NOT IN") else literals[0])


def _parameters(found: Field, operator: Operator, values: list[Token]) -> Condition:
    for token in values:
        if operator in _LIKE and token.kind != "text":
            raise Problem(f"{operator} needs a text in quotes", token)
        if operator in _ORDER and token.kind == "word":
            raise Problem("True and false are not more or less than anything", token, hint="Compare with = or !=.")
    return _with_numbers(found, operator, values)


def _times(found: Field, operator: Operator, values: list[Token], now: datetime) -> Condition:
    if operator in ("IN", "NOT IN"):
        raise Problem("A list of times is never met", values[0], hint='Compare with = "2026-01-31", or with >= and <.')
    (token,) = values
    if token.kind == "number":
        return _with_numbers(found, operator, values)
    times = span(token.text, now)
    if times is None or token.kind != "text":
        hint = 'Times are "2026-01-31", "2026-01-31 14:05", "-7d", "-12h", "today", "yesterday", or milliseconds.'
        raise Problem("This is no time", token, hint=hint)
    start, end = map(float, times)
    if operator == "=":
        return AllOf((Comparison(found, ">=", start), Comparison(found, "<", end)))
    if operator == "!=":
        return AnyOf((Comparison(found, "<", start), Comparison(found, ">=", end)))
    # A time is as long as it is written: what is later than a day does not lie in it.
    operator, edge = {"<": ("<", start), ">=": (">=", start), ">": (">=", end), "<=": ("<", end)}[operator]  # type: ignore
    return Comparison(found, operator, edge)


def _status(token: Token) -> str:
    found = _STATUSES.get(token.text.lower())
    if found is None:
        near = nearest(token.text, _STATUSES)
        hint = f'Did you mean "{near}"?' if near else f"There are {', '.join(sorted(set(_STATUSES.values())))}."
        raise Problem(f'There is no status "{shortened(token.text)}"', token, hint=hint)
    return found


def _literal(token: Token) -> str | float | bool:
    if token.kind == "number":
        return float(token.text)
    return token.text.lower() == "true" if token.kind == "word" else token.text


def _suggestion(name: str, known: Callable[[], Iterable[str]]) -> str:
    candidates = {text.partition(".")[2].casefold(): text for text in known()}
    exact = candidates.get(name.casefold())
    near = exact or nearest(name, (*ATTRIBUTES, *_ALIASES))
    if near is None:
        other = nearest(name, candidates)
        near = candidates[other] if other else None
    return (
        f"Did you mean {near}?"
        if near
        else f"Attributes: {', '.join(ATTRIBUTES)}. Others: metrics.NAME, params.NAME, tags.NAME."
    )
