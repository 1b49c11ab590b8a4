"""Lists of runs: any condition, any order, one page at a time.

A page must come at once from a hundred thousand runs, so no plan is left to chance. If a part of the condition leaves
few runs, those are looked up, tested and sorted. Otherwise runs are gone through in the order of the list by an index,
and most often the page is full soon. If it is not, the condition is tested in the order of time, where neighbours lie
together in the file, and what is left is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jupyter_mlops.store.conditions import (
    ATTRIBUTES,
    NEWEST_FIRST,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Field,
    SortKey,
    fields_of,
)
from jupyter_mlops.store.connection import Connection
from jupyter_mlops.store.runsql import Sql, found_by, holds, holds_in, is_about_runs_alone, joined

__all__ = ["Listing"]

_FEW = 3000
"""Runs that are quickly tested and sorted one by one."""
_SOON = 3000
"""Runs to go through in the order of the list before it is given up."""
_TABLES = {"metrics": "latest_metrics", "params": "params", "tags": "tags"}


class Listing:
    """Which runs there are; a part of ``Database``."""

    _connection: Connection

    def find_runs(
        self,
        condition: Condition | None = None,
        sort: Sequence[SortKey] = NEWEST_FIRST,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[str]:
        """Return the ids of the runs for which a condition holds, in order; the newest first where that leaves it open.

        Args:
            limit: How many at most; None is all.
        """
        most = None if limit is None else offset + limit
        order = tuple(sort) or NEWEST_FIRST
        few, count = (None, 0) if condition is None else self._smallest(condition)
        if few is not None:
            return self._fetch([_sorted(condition, order, few)] if count else [], most)[offset:]
        if condition is not None and most is not None and order[0].field.kind != "attributes":
            start = joined(" ", [_stage(condition, order, *_stages(order[0])[0], soon=_SOON), Sql("LIMIT ?", [most])])
            found = [row[0] for row in self._connection.rows(start.text, start.values)]
            return found[offset:] if len(found) == most else self._fetch([_sorted(condition, order)], most)[offset:]
        return self._fetch(_in_order(condition, order), most)[offset:]

    def count_runs(self, condition: Condition | None = None) -> int:
        """Return how many runs there are for which a condition holds."""
        if condition is None:
            row = self._connection.row("SELECT count(*) FROM runs")
        else:
            start = _from(self._smallest(condition)[0])
            query = joined(" AND ", [start, holds(condition)])
            row = self._connection.row(f"SELECT count(*) {query.text}", query.values)
        return int(row[0]) if row else 0

    def is_known(self, found: Field) -> bool:
        """Tell whether any run has such a metric, parameter or tag."""
        table = _TABLES.get(found.kind)
        sql = f"SELECT 1 FROM {table} WHERE name = ? LIMIT 1"
        return table is None or self._connection.row(sql, (found.name,)) is not None

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of all metrics, parameters or tags (``metrics``, ``params``, ``tags``) in their order."""
        table = _TABLES[kind]
        # From name to name by the index, instead of through all rows.
        rows = self._connection.rows(
            f"WITH RECURSIVE found (name) AS (SELECT min(name) FROM {table} UNION ALL SELECT "
            f"(SELECT min(name) FROM {table} WHERE {table}.name > found.name) FROM found WHERE name IS NOT NULL) "
            "SELECT name FROM found WHERE name IS NOT NULL"
        )
        return tuple(row[0] for row in rows)

    def _fetch(self, queries: Iterable[Sql], most: int | None) -> list[str]:
        """Ask one query after the other until there are enough."""
        found: list[str] = []
        for query in queries:
            rest = -1 if most is None else most - len(found)
            if rest == 0:
                break
            found += [row[0] for row in self._connection.rows(f"{query.text} LIMIT ?", [*query.values, rest])]
        return found

    def _smallest(self, condition: Condition) -> tuple[Sql | None, int]:
        """A query for few runs, duplicates possible, among which are all that the condition holds for, and how many."""
        if isinstance(condition, AnyOf) and not is_about_runs_alone(condition):
            parts = [self._smallest(part) for part in condition.parts]
            queries = [query for query, _ in parts if query is not None]
            count = sum(count for _, count in parts)
            return (joined(" UNION ", queries), count) if len(queries) == len(parts) and count <= _FEW else (None, 0)
        best: tuple[Sql | None, int] = (None, _FEW + 1)
        for part in _conjuncts(condition):
            if isinstance(part, AnyOf) and not is_about_runs_alone(part):
                query, count = self._smallest(part)
            else:
                query = found_by(part)
                count = 0 if query is None else self._count(query)
            if query is not None and count < best[1]:
                best = (query, count)
        return best if best[0] is not None else (None, 0)

    def _count(self, query: Sql) -> int:
        """How many rows a query has; more than a few are not counted."""
        row = self._connection.row(
            f"SELECT count(*) FROM (SELECT 1 FROM ({query.text}) LIMIT ?)", [*query.values, _FEW + 1]
        )
        return int(row[0]) if row else 0


def _conjuncts(condition: Condition) -> list[Condition]:
    """Parts all of which must hold; those about attributes alone make one."""
    parts = list(condition.parts) if isinstance(condition, AllOf) else [condition]
    alone = [part for part in parts if is_about_runs_alone(part)]
    others = [part for part in parts if not is_about_runs_alone(part)]
    return ([AllOf(tuple(alone))] if alone else []) + others


def _from(few: Sql | None, tables: Sql | None = None) -> Sql:
    """FROM with the runs to be looked at, and WHERE."""
    more = tables or Sql("")
    if few is None:
        return Sql(f"FROM runs{more.text} WHERE 1 = 1", more.values)
    # A CROSS JOIN keeps SQLite to the order in which the tables stand here.
    text = f"FROM (SELECT DISTINCT run_id FROM ({few.text})) AS few CROSS JOIN runs ON runs.run_id = few.run_id"
    return Sql(f"{text}{more.text} WHERE 1 = 1", [*few.values, *more.values])


def _sorted(condition: Condition | None, sort: Sequence[SortKey], few: Sql | None = None) -> Sql:
    """Test all runs, or few of them, then sort what is left."""
    tables, order = _sorted_by(sort)
    tests = joined(" AND ", [_from(few, tables), *([] if condition is None else [holds(condition)])])
    return Sql(f"SELECT runs.run_id {tests.text} ORDER BY {order}", tests.values)


def _in_order(condition: Condition | None, sort: Sequence[SortKey]) -> Iterator[Sql]:
    """Go through all runs in the order of the list: those with a value of the first key by its index, then the rest."""
    first, rest = sort[0], sort[1:]
    if first.field.kind == "attributes":
        yield from _by_attribute(condition, first, rest)
        return
    for narrowed, keys in _stages(first):
        yield _stage(condition, sort, narrowed, keys)
    tables, order = _sorted_by(rest)
    source, name = _TABLES[first.field.kind], first.field.name
    without = Sql(f"NOT EXISTS (SELECT 1 FROM {source} AS w WHERE w.name = ? AND w.run_id = runs.run_id)", [name])
    tests = joined(" AND ", [without, *([] if condition is None else [holds(condition)])])
    text = f"SELECT runs.run_id FROM runs{tables.text} WHERE {tests.text} ORDER BY {order}"
    yield Sql(text, [*tables.values, *tests.values])


def _stage(
    condition: Condition | None, sort: Sequence[SortKey], narrowed: str, keys: list[str], soon: int | None = None
) -> Sql:
    """Go through runs that have a value of the first key, or through so many of them, in its order."""
    first, rest = sort[0].field, sort[1:]
    where = joined(" AND ", [Sql(f"d.name = ? AND {narrowed}", [first.name]), *_of_same_row(condition, first)])
    start = Sql(f"SELECT d.run_id FROM {_TABLES[first.kind]} AS d")
    if soon is not None:
        inner = f"SELECT * FROM {_TABLES[first.kind]} AS d WHERE {where.text}"
        beginning = f"{inner} ORDER BY {', '.join([*keys, 'd.run_id DESC'])} LIMIT {soon}"
        start, where = Sql(f"SELECT d.run_id FROM ({beginning}) AS d", where.values), Sql("1 = 1")
    needs_runs = any(found.kind == "attributes" for found in fields_of(condition, rest))
    join = Sql(" CROSS JOIN runs ON runs.run_id = d.run_id" if needs_runs else "")
    tables, order = _sorted_by(rest, "d.run_id")
    tests = joined(" AND ", [where, *([] if condition is None else [holds(condition, "d.run_id")])])
    end = Sql(f" ORDER BY {', '.join([*keys, order])}")
    return joined("", [start, join, tables, Sql(" WHERE "), tests, end])


def _of_same_row(condition: Condition | None, found: Field) -> list[Sql]:
    """Tests of the value that the list is sorted by, which its index can skip to."""
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    return [
        holds_in(part, "d")
        for part in parts
        if isinstance(part, Comparison) and part.field == found and part.operator not in ("IS NULL", "IS NOT NULL")
    ]


def _by_attribute(condition: Condition | None, first: SortKey, rest: Sequence[SortKey]) -> Iterator[Sql]:
    column = f"runs.{ATTRIBUTES[first.field.name][0]}"
    tables, order = _sorted_by(rest)
    where = [] if condition is None else [holds(condition)]
    for narrowed, keys in ((f"{column} IS NOT NULL", f"{column}{_direction(first)}, "), (f"{column} IS NULL", "")):
        tests = joined(" AND ", [Sql(narrowed), *where])
        text = f"SELECT runs.run_id FROM runs{tables.text} WHERE {tests.text} ORDER BY {keys}{order}"
        yield Sql(text, [*tables.values, *tests.values])


def _sorted_by(sort: Sequence[SortKey], run: str = "runs.run_id") -> tuple[Sql, str]:
    """Tables to be joined, and keys for ORDER BY; the newest first where they leave it open."""
    tables: list[Sql] = []
    keys: list[str] = []
    for number, key in enumerate(sort):
        if key.field.kind == "attributes":
            column = f"runs.{ATTRIBUTES[key.field.name][0]}"
            keys += [f"{column} IS NULL", f"{column}{_direction(key)}"]
            continue
        alias = f"s{number}"
        on = f"{alias}.name = ? AND {alias}.run_id = {run}"
        tables.append(Sql(f" LEFT JOIN {_TABLES[key.field.kind]} AS {alias} ON {on}", [key.field.name]))
        keys += [f"{alias}.run_id IS NULL", *_value_keys(key, alias)]
    return joined("", tables), ", ".join([*keys, f"{run} DESC"])


def _value_keys(key: SortKey, alias: str) -> list[str]:
    """Keys that sort by a value: numbers, texts, and NaN, in this order in either direction."""
    direction = _direction(key)
    if key.field.kind != "params":
        return [f"{alias}.value IS NULL", f"{alias}.value{direction}"]
    word = f"CASE WHEN {alias}.number IS NULL THEN {alias}.word END"
    return [f"{alias}.number IS NULL", f"{alias}.number{direction}", f"{word} IS NULL", f"{word}{direction}"]


def _stages(key: SortKey) -> list[tuple[str, list[str]]]:
    """The same order as parts that follow one another, each by an index."""
    direction = _direction(key)
    if key.field.kind != "params":
        return [("d.value IS NOT NULL", [f"d.value{direction}"]), ("d.value IS NULL", [])]
    return [
        ("d.number IS NOT NULL", [f"d.number{direction}"]),
        ("d.number IS NULL AND d.word IS NOT NULL", [f"d.word{direction}"]),
        ("d.number IS NULL AND d.word IS NULL", []),
    ]


def _direction(key: SortKey) -> str:
    return " DESC" if key.descending else ""
