"""A page of runs: what is asked for, what comes of it, and the columns that say most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.notebook.names import nearest
from jupyter_mlops.store.conditions import (
    ATTRIBUTES,
    NEWEST_FIRST,
    AnyOf,
    Comparison,
    Condition,
    Field,
    FieldKind,
    both,
    equals,
    fields_of,
)
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.records import RunRecord
from jupyter_mlops.tracking.filters import field_text, parse_columns, parse_filter, parse_sort

__all__ = ["Columns", "RunPage", "RunQuery", "list_runs", "moment", "value_of"]

SCHEMA = 1

Columns = tuple[Field | FieldKind, ...]
_KINDS: tuple[FieldKind, ...] = ("metrics", "params", "tags")
_ENOUGH = 100
"""Metrics, parameters and tags of a run among which the columns are chosen."""


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What is asked for.

    Args:
        filter: In the language of filters; empty is all runs.
        sort: Orders, the first counts most; the newest first by default.
        columns: Lists of columns; none leaves the choice to whoever shows them.
        limit: Runs on a page; None is all.
        page: Which page, from 1.
        pipeline: Only runs of this pipeline.
        notebook: Only runs of this notebook: its path, or the end of it.
        brief: Whether some of the metrics, parameters and tags are enough, if no columns are asked for.
        runs: Only these runs, by their ids; all by default.
        count: Whether all that are asked for are counted.
    """

    filter: str | None = None
    sort: Sequence[str] = ()
    columns: Sequence[str] = ()
    limit: int | None = 20
    page: int = 1
    pipeline: str | None = None
    notebook: str | None = None
    brief: bool = False
    runs: Sequence[str] = ()
    count: bool = False


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of a list.

    Args:
        experiments: The groups that runs are in, by the runs' ids.
        columns: What was asked for; empty if nothing was.
        spoken_of: The fields of the filter and the order, which a reader wants to see.
        more: Whether there is another page.
        notes: What is odd about the question.
        total: How many runs are on all pages, if that was asked.
    """

    runs: tuple[RunRecord, ...]
    experiments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Columns = ()
    spoken_of: tuple[Field, ...] = ()
    page: int = 1
    more: bool = False
    notes: tuple[str, ...] = ()
    total: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``runs --format json`` prints."""
        runs = [self._all_of(run) if not self.columns else dict(self._chosen(run)) for run in self.runs]
        return {"schema": SCHEMA, "page": self.page, "more": self.more, "notes": list(self.notes), "runs": runs}

    def named_columns(self) -> tuple[Field, ...]:
        """Return the columns asked for, with those of a kind (``metrics``) one by one."""
        found: dict[Field, None] = {}
        for column in self.columns:
            found.update(dict.fromkeys([column] if isinstance(column, Field) else self.fields(column)))
        return tuple(found)

    def fields(self, kind: FieldKind) -> tuple[Field, ...]:
        """Return all fields of a kind that runs of this page have: those that most have first, then by name."""
        if kind == "attributes":
            return tuple(Field(kind, name) for name in ATTRIBUTES)
        seen = Counter(name for run in self.runs for name in values_of(run, kind))
        return tuple(Field(kind, name) for name in sorted(seen, key=lambda name: (-seen[name], name)))

    def value(self, run: RunRecord, found: Field) -> Any:
        """Return what a run has in a column; None if it has nothing."""
        return value_of(run, found, self.experiments.get(run.run_id, ()))

    def _chosen(self, run: RunRecord) -> Iterator[tuple[str, Any]]:
        for found in self.named_columns():
            value = self.value(run, found)
            is_time = found.kind == "attributes" and ATTRIBUTES[found.name][1] == "time"
            yield field_text(found), moment(value) if is_time else value

    def _all_of(self, run: RunRecord) -> dict[str, Any]:
        attributes = {name: self.value(run, Field("attributes", name)) for name in ATTRIBUTES if name != "experiment"}
        times = {name: moment(attributes[name]) for name in ("started", "finished")}
        kinds = {str(kind): dict(values_of(run, kind)) for kind in _KINDS}
        return {**attributes, **times, "experiments": list(self.experiments.get(run.run_id, ())), **kinds}


def list_runs(database: Database, query: RunQuery, *, now: datetime | None = None) -> RunPage:
    """Find the runs that are asked for.

    Raises:
        UsageError: The filter, the order, the columns or a number makes no sense.
    """
    if query.page < 1 or (query.limit is not None and query.limit < 1):
        raise UsageError("Pages, and the runs on a page, are counted from 1.")

    def known() -> Iterator[str]:
        for kind in _KINDS:
            yield from (f"{kind}.{name}" for name in database.names(kind))

    asked = parse_filter(query.filter or "", now=now, known=known)
    condition = both(asked, *_shorthands(query))
    sort = tuple(key for text in query.sort for key in parse_sort(text, known=known)) or NEWEST_FIRST
    columns = tuple(column for text in query.columns for column in parse_columns(text, known=known))
    offset = 0 if query.limit is None else (query.page - 1) * query.limit
    runs = database.runs(
        None if query.limit is None else query.limit + 1,
        offset,
        condition=condition,
        sort=sort,
        fields=_wanted(columns),
        most=_ENOUGH if query.brief else None,
    )
    shown = runs[: query.limit]
    spoken_of = fields_of(asked, sort if query.sort else ())
    named = [column for column in columns if isinstance(column, Field)]
    return RunPage(
        shown,
        database.experiments_of_each([run.run_id for run in shown]),
        columns,
        spoken_of,
        query.page,
        len(runs) > len(shown),
        tuple(_notes(database, dict.fromkeys((*spoken_of, *named)))),
        database.count_runs(condition) if query.count else None,
    )


def values_of(run: RunRecord, kind: FieldKind) -> Mapping[str, Any]:
    """Return a run's metrics, parameters or tags."""
    return {"metrics": run.metrics, "params": run.parameters, "tags": run.tags}[kind]


def value_of(run: RunRecord, found: Field, experiments: Sequence[str] = ()) -> Any:
    """Return what a run has under a name; None if it has nothing."""
    if found.kind != "attributes":
        return values_of(run, found.kind).get(found.name)
    return list(experiments) if found.name == "experiment" else getattr(run, found.name)


def moment(milliseconds: int | None) -> str | None:
    """Write a time for machines: ISO 8601 in UTC, with milliseconds."""
    if milliseconds is None:
        return None
    try:
        text = datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None
    return text.replace("+00:00", "Z")


def _shorthands(query: RunQuery) -> Iterator[Condition]:
    if query.runs:
        yield AnyOf(tuple(equals("run_id", run_id) for run_id in query.runs))
    if query.pipeline is not None:
        yield equals("pipeline", query.pipeline)
    if query.notebook is not None:
        path = query.notebook.replace("\\", "/").removeprefix("./")
        given = [equals("notebook", query.notebook), equals("notebook", path)]
        if "%" not in path:  # which stands for anything
            given.append(Comparison(Field("attributes", "notebook"), "LIKE", f"%/{path}"))
        yield AnyOf(tuple(given))


def _wanted(columns: Columns) -> tuple[Field, ...] | None:
    """The fields to read; None for all."""
    if not columns or any(kind in columns for kind in _KINDS):
        return None
    return tuple(column for column in columns if isinstance(column, Field))


def _notes(database: Database, fields: Mapping[Field, None]) -> Iterator[str]:
    for found in fields:
        if not database.is_known(found):
            near = nearest(found.name, database.names(found.kind))
            hint = f"; did you mean {field_text(Field(found.kind, near))}?" if near else "."
            yield f"No run has {field_text(found)}{hint}"
