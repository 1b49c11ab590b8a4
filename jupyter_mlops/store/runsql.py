"""Conditions on runs as SQL: what holds for one run, and which runs a part can find by an index."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.store.conditions import ATTRIBUTES, AllOf, AnyOf, Comparison, Condition, Field, Not, fields_of

__all__ = ["WORD", "Sql", "found_by", "holds", "holds_in", "is_about_runs_alone", "joined", "table_by_run"]

WORD = 200
"""Characters of a text parameter that can be searched."""

_TABLES = {"metrics": "latest_metrics", "params": "params", "tags": "tags"}
_NEGATED = {"!=": "=", "NOT LIKE": "LIKE", "NOT ILIKE": "ILIKE", "NOT IN": "IN", "IS NOT NAN": "IS NAN"}


@dataclass(frozen=True, slots=True)
class Sql:
    """Some SQL with the values of its question marks."""

    text: str
    values: list[Any] = field(default_factory=list)


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Join several pieces with a word between them."""
    return Sql(word.join(part.text for part in parts), [value for part in parts for value in part.values])


def holds(condition: Condition, run: str = "runs.run_id") -> Sql:
    """Return whether a condition holds for a run, never NULL inside of ``NOT``.

    Args:
        run: SQL of the run's id. If the condition is about attributes, the row of ``runs`` must be there, too.
    """
    if isinstance(condition, Not):
        part = holds(condition.part, run)
        return Sql(f"NOT coalesce({part.text}, 0)", part.values)
    if isinstance(condition, (AllOf, AnyOf)):
        word = " AND " if isinstance(condition, AllOf) else " OR "
        parts = joined(word, [holds(part, run) for part in condition.parts])
        return Sql(f"({parts.text})", parts.values)
    if _is_column(condition.field):
        return _column(f"runs.{ATTRIBUTES[condition.field.name][0]}", condition)
    rows, positive = _rows(condition)
    word = "EXISTS" if positive else "NOT EXISTS"
    return Sql(f"{word} (SELECT 1 {rows.text} AND v.run_id = {run})", rows.values)


def is_about_runs_alone(condition: Condition) -> bool:
    """Tell whether the row of a run is enough to decide."""
    return all(map(_is_column, fields_of(condition)))


def found_by(condition: Condition) -> Sql | None:
    """Return a query for the ids of the runs for which a condition holds, if there is one that needs no other.

    Conditions with several parts have none, unless they are about attributes alone.
    """
    if is_about_runs_alone(condition):
        where = holds(condition)
        return Sql(f"SELECT runs.run_id FROM runs WHERE {where.text}", where.values)
    if not isinstance(condition, Comparison):
        return None
    rows, positive = _rows(condition)
    rows = Sql(rows.text.replace(_by_run(condition.field), ""), rows.values)
    distinct = "DISTINCT " if condition.field.kind == "attributes" else ""  # a run is in several groups
    return Sql(f"SELECT {distinct}v.run_id {rows.text}", rows.values) if positive else None


def table_by_run(found: Field, row: str) -> str:
    """Return the table of a metric, parameter or tag, to be read in the order of the runs, or for one run.

    Its index has all that most comparisons need, and SQLite would not see that it is the better one.
    """
    return f"{_TABLES[found.kind]} AS {row}{_by_run(found)}"


def _by_run(found: Field) -> str:
    return f" INDEXED BY {_TABLES[found.kind]}_by_run" if found.kind in _TABLES else ""


def _is_column(found: Field) -> bool:
    return found.kind == "attributes" and ATTRIBUTES[found.name][1] != "group"


def _rows(condition: Comparison) -> tuple[Sql, bool]:
    """FROM and WHERE of the rows that say that a condition holds, or, where False comes with them, that it does not."""
    found, operator = condition.field, condition.operator
    if found.kind == "attributes":
        start = Sql("FROM associations AS v WHERE v.kind = 'experiment'")
        positive = operator not in _NEGATED
        condition = Comparison(found, _NEGATED.get(operator, operator), condition.value)  # type: ignore[arg-type]
    else:
        start = Sql(f"FROM {table_by_run(found, 'v')} WHERE v.name = ?", [found.name])
        positive = True
    if operator in ("IS NULL", "IS NOT NULL"):
        return start, operator == "IS NOT NULL"
    test = _column("v.name", condition) if found.kind == "attributes" else holds_in(condition, "v")
    return joined(" AND ", [start, test]), positive


def holds_in(condition: Comparison, row: str) -> Sql:
    """Return whether a comparison holds in the row of a metric, parameter or tag; those that are there have a value.

    Args:
        row: Name of the row; the condition must not be about whether it is there.
    """
    operator = condition.operator
    if operator in _NEGATED:
        positive = holds_in(Comparison(condition.field, _NEGATED[operator], condition.value), row)  # type: ignore[arg-type]
        return Sql(f"NOT coalesce({positive.text}, 0)", positive.values)
    if condition.field.kind == "params":
        return _parameter(condition, row)
    if operator == "IS NAN":
        return Sql(f"{row}.value IS NULL")
    return _column(f"{row}.value", condition)


def _parameter(condition: Comparison, row: str) -> Sql:
    operator, value = condition.operator, condition.value
    if operator == "IS NAN":
        return Sql(f"({row}.number IS NULL AND {row}.value = 'NaN')")
    if operator in ("LIKE", "ILIKE"):
        return _column(f"coalesce({row}.word, {row}.value)", condition)
    if operator in ("=", "IN"):
        return _one_of(value if isinstance(value, tuple) else (value,), row)
    if not isinstance(value, str):
        return Sql(f"{row}.number {operator} ?", [value])
    number = _as_number(value)
    words = Sql(f"({row}.number IS NULL AND {row}.word {operator} ?)", [value[:WORD]])
    return words if number is None else Sql(f"({row}.number {operator} ? OR {words.text})", [number, *words.values])


def _one_of(literals: Sequence[Any], row: str) -> Sql:
    words: list[str] = []
    numbers: list[float] = []
    whole: list[str] = []
    for literal in literals:
        if isinstance(literal, bool):
            words.append("true" if literal else "false")
        elif not isinstance(literal, str):
            numbers.append(float(literal))
        elif len(literal) >= WORD:
            whole += [json.dumps(literal), literal]
        else:
            words += _spellings(literal)
            number = _as_number(literal)
            numbers += [] if number is None else [number]
    tests = [
        Sql(f"{row}.{column} IN ({_marks(values)})", list(values))
        for column, values in (("word", words), ("number", numbers), ("value", whole))
        if values
    ]
    one = joined(" OR ", tests)
    return Sql(f"({one.text})", one.values)


def _spellings(text: str) -> Iterator[str]:
    """A text, and what it is in JSON if it is one of Python's constants, as MLflow's users write them."""
    yield text
    json_text = {"True": "true", "False": "false", "None": "null"}.get(text)
    if json_text is not None:
        yield json_text


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _column(column: str, condition: Comparison) -> Sql:
    """A test of a column that may be NULL, which fails every test but its own."""
    operator, value = condition.operator, condition.value
    if operator in ("IS NULL", "IS NOT NULL"):
        return Sql(f"{column} {operator}")
    if isinstance(value, tuple):
        return Sql(f"{column} {operator} ({_marks(value)})", list(value))
    if operator in ("LIKE", "NOT LIKE"):
        # SQLite's own LIKE does not tell capitals apart.
        return Sql(f"{column} {operator.replace('LIKE', 'GLOB')} ?", [_glob(str(value))])
    if operator in ("ILIKE", "NOT ILIKE"):
        return Sql(f"{column} {operator.replace('ILIKE', 'LIKE')} ?", [value])
    return Sql(f"{column} {operator.replace('!=', '<>')} ?", [value])


def _glob(pattern: str) -> str:
    special = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(special.get(letter, letter) for letter in pattern)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
