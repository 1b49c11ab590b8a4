"""Lists of runs: any condition, any order, one page at a time.

A page must come at once from a hundred thousand runs, so no plan is left to chance. If a part of the condition leaves
very few runs, those are looked up, tested and sorted. Otherwise runs are gone through in the order of the list by an
index, up to a bound; most often the page is full by then. If it is not, the runs that some part leaves, or all of them,
are tested in the order of time, where neighbours lie together in the file, and what is left is sorted.
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
from jupyter_mlops.store.runsql import Sql, found_by, holds, holds_in, is_about_runs_alone, joined, table_by_run

__all__ = ["Listing"]

_VERY_FEW = 300
"""Runs that are tested and sorted in no time."""
_FEW = 3000
"""Runs that are sooner looked up one by one than all are gone through."""
_SOON = 3000
"""Runs to go through in the order of the list before that is given up."""
_QUICK_ORDERS = ("started", "seconds")
"""Attributes with an index and many different values."""
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
        if condition is None:
            return self._fetch(_in_order(condition, order), most)[offset:]
        few, count = self._smallest(condition)
        if few is not None and count == 0:
            return []
        if most is not None and (few is None or count > _VERY_FEW):
            beginning = self._beginning(condition, order)
            found = [] if beginning is None else self._fetch([beginning], most)
            if beginning is not None and len(found) == most:
                return found[offset:]
        return self._fetch([_sorted(condition, order, few)], most)[offset:]

    def count_runs(self, condition: Condition | None = None) -> int:
        """Return how many runs there are for which a condition holds."""
        if condition is None:
            row = self._connection.row("SELECT count(*) FROM runs")
        else:
            rows, _, _ = _matching(condition, self._smallest(condition)[0])
            row = self._connection.row(f"SELECT count(*) {rows.text}", rows.values)
        return int(row[0]) if row else 0

    def holding(self, run_ids: Sequence[str], name: str, digest: str) -> dict[str, bool]:
        """Return for those of the runs that kept a text of this name whether it has this digest."""
        rows = self._connection.rows(
            "SELECT run_id, digest = ? AS same FROM documents "
            f"WHERE slug = '' AND name = ? AND run_id IN ({', '.join('?' for _ in run_ids)})",
            (digest, name, *run_ids),
        )
        return {row["run_id"]: bool(row["same"]) for row in rows}

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

    def _beginning(self, condition: Condition, sort: Sequence[SortKey]) -> Sql | None:
        """A query for the first part of a list that goes through few runs; None if there is none."""
        first = sort[0]
        if first.field.kind == "attributes":
            key = f"runs.{ATTRIBUTES[first.field.name][0]}"
            there = f"{key} IS NOT NULL"
            if first.field.name not in _QUICK_ORDERS:
                return None
            bound = self._bound(Sql(f"runs WHERE {there}"), key, first)
            return _by_attribute(condition, sort, joined(" AND ", [Sql(there), *bound]), [f"{key}{_direction(first)}"])
        of_row = _of_same_row(condition, first.field)
        for narrowed, keys in _stages(first):
            tests = joined(" AND ", [Sql(f"d.name = ? AND {narrowed}", [first.field.name]), *of_row])
            rows = Sql(f"{_TABLES[first.field.kind]} AS d WHERE {tests.text}", tests.values)
            if keys and self._connection.row(f"SELECT 1 FROM {rows.text} LIMIT 1", rows.values):
                bound = self._bound(rows, keys[0].removesuffix(" DESC"), first)
                return _stage(condition, sort, joined(" AND ", [Sql(narrowed), *bound]), keys)
        return None

    def _bound(self, rows: Sql, key: str, first: SortKey) -> list[Sql]:
        """A test that only so many rows pass that come first in the order of a key, and those equal to the last one.

        There is none if there are no more rows than that.
        """
        text = f"SELECT {key} FROM {rows.text} ORDER BY {key}{_direction(first)} LIMIT 1 OFFSET ?"
        row = self._connection.row(text, [*rows.values, _SOON])
        return [] if row is None else [Sql(f"{key} {'>=' if first.descending else '<='} ?", [row[0]])]

    def _smallest(self, condition: Condition) -> tuple[Sql | None, int]:
        """A query for few runs, each once, among which are all that the condition holds for, and how many it has."""
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


def _matching(condition: Condition, few: Sql | None, sort: Sequence[SortKey] = ()) -> tuple[Sql, str, str]:
    """FROM and WHERE of the runs for which a condition holds, the id of a run there, and the keys of an order.

    Args:
        few: Where to look; otherwise all runs are gone through in the order of time.
    """
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    driver = None if few is not None else next(filter(_can_drive, parts), None)
    if not isinstance(driver, Comparison):
        tables, order = _sorted_by(sort)
        # A CROSS JOIN keeps SQLite to the order in which the tables stand here.
        places = "runs" if few is None else f"({few.text}) AS few CROSS JOIN runs ON runs.run_id = few.run_id"
        head = Sql(f"FROM {places}{tables.text} WHERE ", [*(few.values if few else []), *tables.values])
        return joined("", [head, holds(condition)]), "runs.run_id", order
    rest = tuple(part for part in parts if part is not driver)
    needs_runs = any(found.kind == "attributes" for found in fields_of(AllOf(rest), sort))
    join = " CROSS JOIN runs ON runs.run_id = d.run_id" if needs_runs else ""
    tables, order = _sorted_by(sort, "d.run_id")
    start = Sql(f"FROM {table_by_run(driver.field, 'd')}{join}{tables.text} WHERE ", tables.values)
    tests = [Sql("d.name = ?", [driver.field.name]), holds_in(driver, "d"), *(holds(part, "d.run_id") for part in rest)]
    return joined("", [start, joined(" AND ", tests)]), "d.run_id", order


def _can_drive(condition: Condition) -> bool:
    """Whether the rows of a metric, parameter or tag can lead through the runs."""
    if not isinstance(condition, Comparison) or condition.field.kind == "attributes":
        return False
    return condition.operator not in ("IS NULL", "IS NOT NULL")


def _sorted(condition: Condition, sort: Sequence[SortKey], few: Sql | None) -> Sql:
    """Test all runs, or few of them, then sort what is left."""
    rows, run, order = _matching(condition, few, sort)
    return Sql(f"SELECT {run} {rows.text} ORDER BY {order}", rows.values)


def _in_order(condition: Condition | None, sort: Sequence[SortKey]) -> Iterator[Sql]:
    """Go through all runs in the order of the list: those with a value of the first key by its index, then the rest."""
    first, rest = sort[0], sort[1:]
    if first.field.kind == "attributes":
        column = f"runs.{ATTRIBUTES[first.field.name][0]}"
        yield _by_attribute(condition, sort, Sql(f"{column} IS NOT NULL"), [f"{column}{_direction(first)}"])
        yield _by_attribute(condition, sort, Sql(f"{column} IS NULL"), [])
        return
    for narrowed, keys in _stages(first):
        yield _stage(condition, sort, Sql(narrowed), keys)
    tables, order = _sorted_by(rest)
    source, name = _TABLES[first.field.kind], first.field.name
    without = Sql(f"NOT EXISTS (SELECT 1 FROM {source} AS w WHERE w.name = ? AND w.run_id = runs.run_id)", [name])
    start = Sql(f"SELECT runs.run_id FROM runs{tables.text} WHERE ", tables.values)
    yield joined("", [start, *_tests([without], condition), Sql(f" ORDER BY {order}")])


def _by_attribute(condition: Condition | None, sort: Sequence[SortKey], narrowed: Sql, keys: list[str]) -> Sql:
    """Go through runs in the order of an attribute."""
    tables, order = _sorted_by(sort[1:])
    start = Sql(f"SELECT runs.run_id FROM runs{tables.text} WHERE ", tables.values)
    return joined("", [start, *_tests([narrowed], condition), Sql(f" ORDER BY {', '.join([*keys, order])}")])


def _stage(condition: Condition | None, sort: Sequence[SortKey], narrowed: Sql, keys: list[str]) -> Sql:
    """Go through runs that have a metric, parameter or tag, in its order."""
    first, rest = sort[0].field, sort[1:]
    of_row = [Sql(f"d.name = ? AND {narrowed.text}", [first.name, *narrowed.values]), *_of_same_row(condition, first)]
    needs_runs = any(found.kind == "attributes" for found in fields_of(condition, rest))
    join = " CROSS JOIN runs ON runs.run_id = d.run_id" if needs_runs else ""
    tables, order = _sorted_by(rest, "d.run_id")
    start = Sql(f"SELECT d.run_id FROM {_TABLES[first.kind]} AS d{join}{tables.text} WHERE ", tables.values)
    end = Sql(f" ORDER BY {', '.join([*keys, order])}")
    return joined("", [start, *_tests(of_row, condition, "d.run_id"), end])


def _tests(tests: list[Sql], condition: Condition | None, run: str = "runs.run_id") -> list[Sql]:
    return [joined(" AND ", [*tests, *([] if condition is None else [holds(condition, run)])])]


def _of_same_row(condition: Condition | None, found: Field) -> list[Sql]:
    """Tests of the value that the list is sorted by, which its index can skip to."""
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    return [
        holds_in(part, "d")
        for part in parts
        if isinstance(part, Comparison) and part.field == found and part.operator not in ("IS NULL", "IS NOT NULL")
    ]


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
        tables.append(Sql(f" LEFT JOIN {table_by_run(key.field, alias)} ON {on}", [key.field.name]))
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
