"""Filters, orders and lists of columns as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from jupyter_mlops.store.conditions import AllOf, AnyOf, Comparison, Condition, Field, FieldKind, Not, Operator, SortKey
from jupyter_mlops.tracking.filters.fields import KINDS, Problem, compare, find
from jupyter_mlops.tracking.filters.problems import FilterError, shortened
from jupyter_mlops.tracking.filters.tokens import Token, tokens

__all__ = ["parse_columns", "parse_filter", "parse_sort"]

_T = TypeVar("_T")
Known = Callable[[], Iterable[str]]
Column = Field | FieldKind

_SIGNS: dict[str, Operator] = {
    **{"=": "=", "==": "=", "!=": "!=", "<>": "!="},
    **{"<": "<", "<=": "<=", ">": ">", ">=": ">="},
}
_WORDS = frozenset({"AND", "OR", "NOT", "LIKE", "ILIKE", "IN", "IS", "NULL"})
_DEEPEST = 50
_MOST = 200


def _nothing_known() -> Iterable[str]:
    return ()


def parse_filter(text: str, *, now: datetime | None = None, known: Known = _nothing_known) -> Condition | None:
    """Read a filter; an empty one is None.

    Args:
        now: The present, local and without a zone, which times such as ``"-7d"`` count from.
        known: Asked for the names there are (``metrics.accuracy``), when one is to be suggested.

    Raises:
        FilterError: It makes no sense; the error says where.
    """
    parser = _Parser(text, "filter", known, datetime.now() if now is None else now)
    return None if parser.is_at_end() else parser.whole(parser.either)


def parse_sort(text: str, *, known: Known = _nothing_known) -> tuple[SortKey, ...]:
    """Read an order: ``metrics.accuracy desc, started``. Errors as for ``parse_filter``."""
    parser = _Parser(text, "order", known, datetime.now())
    return () if parser.is_at_end() else parser.whole(lambda: parser.listed(parser.sort_key))


def parse_columns(text: str, *, known: Known = _nothing_known) -> tuple[Column, ...]:
    """Read a list of columns: ``run_id, metrics.accuracy, params``; a kind alone stands for all of it.

    Errors as for ``parse_filter``.
    """
    parser = _Parser(text, "list of columns", known, datetime.now())
    return () if parser.is_at_end() else parser.whole(lambda: parser.listed(parser.column))


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str, what: str, known: Known, now: datetime) -> None:
        self._text = text
        self._what = what
        self._known = known
        self._now = now
        self._tokens = tokens(text, what)
        self._place = 0
        self._depth = 0
        self._count = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._place]

    def is_at_end(self) -> bool:
        return self._token.kind == "end"

    def whole(self, read: Callable[[], _T]) -> _T:
        """Read all there is."""
        try:
            found = read()
            if not self.is_at_end():
                raise self._unexpected()
        except Problem as problem:
            place = problem.token.start
            raise FilterError(self._what, str(problem), self._text, place, hint=problem.hint) from None
        return found

    def listed(self, read: Callable[[], _T]) -> tuple[_T, ...]:
        """Read one or several things with commas between them."""
        found = [read()]
        while self._takes(","):
            found.append(read())
        return tuple(found)

    def either(self) -> Condition:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return _flat(AnyOf, parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return _flat(AllOf, parts)

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Problem(f"Brackets and NOTs are nested more than {_DEEPEST} deep", self._token)
        start = self._token
        if self._takes("NOT"):
            found: Condition = Not(self._one())
        elif self._takes("("):
            found = self.either()
            if not self._takes(")"):
                raise Problem("This bracket is never closed", start) if self.is_at_end() else self._unexpected()
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Condition:
        self._count += 1
        if self._count > _MOST:
            raise Problem(f"There are more than {_MOST} comparisons", self._token)
        found = self._field()
        place = self._token
        operator = self._operator()
        if operator in ("IS NULL", "IS NOT NULL"):
            return Comparison(found, operator)
        if operator in ("IN", "NOT IN"):
            if not self._takes("("):
                raise Problem(f"A list in brackets must follow {operator}", self._token, hint='IN ("a", "b")')
            values = list(self.listed(self._value))
            if not self._takes(")"):
                raise self._unexpected("a comma or a closing bracket")
        else:
            values = [self._value()]
        return compare(found, operator, values, place, self._now)

    def _operator(self) -> Operator:
        place = self._token
        sign = _SIGNS.get(place.text) if place.kind == "sign" else None
        if sign is not None:
            self._place += 1
            return sign
        if self._takes("IS"):
            negated = self._takes("NOT")
            if not self._takes("NULL"):
                raise self._unexpected("NULL or NOT NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        negated = self._takes("NOT")
        for word in ("LIKE", "ILIKE", "IN"):
            if self._takes(word):
                return f"NOT {word}" if negated else word  # type: ignore[return-value]
        raise self._unexpected("one of =, !=, <, <=, >, >=, LIKE, ILIKE, IN, IS NULL")

    def _value(self) -> Token:
        token = self._token
        if token.kind in ("text", "number") or token.keyword in ("TRUE", "FALSE"):
            self._place += 1
            return token
        if token.keyword == "NULL":
            raise Problem("NULL can't be compared with", token, hint="Write IS NULL or IS NOT NULL.")
        if token.kind in ("word", "name") and token.keyword not in _WORDS:
            raise Problem("A value must stand here, and texts stand in quotes", token, hint=f'Write "{token.text}".')
        raise self._unexpected("a value")

    def sort_key(self) -> SortKey:
        token = self._token
        found = self._field()
        if found == Field("attributes", "experiment"):
            raise Problem("A run can be in several experiments, so they give no order", token)
        if self._takes("DESC"):
            return SortKey(found, descending=True)
        self._takes("ASC")
        return SortKey(found)

    def column(self) -> Column:
        token = self._token
        kind = KINDS.get(token.text.lower()) if token.kind == "word" and token.text.lower() != "run" else None
        if kind is not None:
            self._place += 1
            return kind
        return self._field()

    def _field(self) -> Field:
        token = self._token
        if token.kind not in ("word", "name", "text") or token.keyword in _WORDS or token.quote == "'":
            raise self._unexpected("a name, such as metrics.accuracy or status")
        self._place += 1
        kind, dot, name = token.text.partition(".") if token.kind == "word" else ("", "", token.text)
        after = self._token
        if dot and token.text.endswith(".") and after.quote in ('"', "`") and after.start == token.end:
            self._place += 1
            name += after.text
        elif not dot:
            kind, name = "", token.text
        if not name or (name.endswith(".") and after is self._token):
            raise Problem("A name must follow the dot", Token("end", "", token.end, token.end))
        return find(kind, name, token, self._known)

    def _takes(self, keyword: str) -> bool:
        if self._token.keyword != keyword:
            return False
        self._place += 1
        return True

    def _unexpected(self, wanted: str | None = None) -> Problem:
        token = self._token
        found = f"The {self._what} ends here" if token.kind == "end" else f'"{shortened(token.text)}" can\'t stand here'
        if wanted is None:
            wanted = "AND or OR" if self._what == "filter" else "a comma"
        return Problem(f"{found}; {wanted} is missing", token)


def _flat(kind: type[AllOf] | type[AnyOf], parts: Sequence[Condition]) -> Condition:
    """One condition of several; what is of the same kind becomes part of it."""
    if len(parts) == 1:
        return parts[0]
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return kind(tuple(flat))
