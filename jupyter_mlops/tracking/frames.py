"""Runs as a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.store.conditions import ATTRIBUTES, Field, FieldKind
from jupyter_mlops.tracking.listing import RunPage, value_of

if TYPE_CHECKING:
    import pandas

__all__ = ["runs_frame"]

_KINDS: tuple[FieldKind, ...] = ("metrics", "params", "tags")


def runs_frame(page: RunPage) -> pandas.DataFrame:
    """Return a row for each run: its attributes, then ``metrics.NAME``, ``params.NAME`` and ``tags.NAME``.

    A metric that a run has not is NaN, as one that is NaN; a parameter or tag that it has not is None.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, (_, kind) in ATTRIBUTES.items():
        values = [page.value(run, Field("attributes", name)) for run in page.runs]
        if kind == "time":
            columns[name] = pd.to_datetime(pd.Series(values, dtype="Int64"), unit="ms", utc=True)
        elif kind == "number":
            columns[name] = pd.Series(values, dtype="float64")
        else:
            columns[name] = pd.Series([", ".join(v) if isinstance(v, list) else v for v in values], dtype=object)
    for kind_of_value in _KINDS:
        for found in sorted(page.fields(kind_of_value), key=lambda found: found.name):
            values = [value_of(run, found) for run in page.runs]
            series = pd.Series(values, dtype="float64" if kind_of_value == "metrics" else object)
            columns[f"{kind_of_value}.{found.name}"] = series
    frame: pandas.DataFrame = pd.DataFrame(columns)
    return frame
