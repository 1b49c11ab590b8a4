"""KServe's first protocol, and MLflow's: rows in, predictions out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import orjson

from jupyter_mlops.deploy.checks import rows_from, rows_from_columns
from jupyter_mlops.deploy.schema import ModelSchema, Rows
from jupyter_mlops.deploy.serving.calls import Answer, label_output, member, plain
from jupyter_mlops.deploy.serving.problems import Problem
from jupyter_mlops.deploy.serving.reading import json_of
from jupyter_mlops.deploy.texts import typed_columns

__all__ = ["CsvCall", "InstancesCall", "MlflowCall"]

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class InstancesCall:
    """KServe's ``{"instances": [...]}``; its ``{"inputs": [...]}`` is taken as well.

    Raises:
        Problem: The body is something else.
    """

    id: str | None = None

    def __init__(self, body: bytes) -> None:
        data = member(json_of(body))
        key = next((name for name in ("instances", "inputs") if name in data), None)
        if key is None:
            raise Problem(400, 'The body has no "instances".', field="instances")
        self._rows = data[key]
        if not isinstance(self._rows, list):
            raise Problem(400, f'"{key}" is no array of rows.', field=key)

    def rows(self, schema: ModelSchema) -> Rows:
        """Check the rows."""
        return _instances(self._rows, schema)

    def wanted(self, schema: ModelSchema) -> tuple[str, ...]:
        """Return the one output."""
        return label_output(schema)

    def answer(self, outputs: Mapping[str, Any], schema: ModelSchema, model: str, version: int, id: str) -> Answer:
        """Write the predictions."""
        return Answer(orjson.dumps({"predictions": plain(next(iter(outputs.values())))}))


class MlflowCall:
    """MLflow's ``/invocations`` in JSON; ``params: {"predict_method": "predict_proba"}`` asks for probabilities.

    Raises:
        Problem: The body has none, or more than one, of MLflow's forms.
    """

    id: str | None = None

    def __init__(self, body: bytes) -> None:
        data = member(json_of(body))
        found = [name for name in _FORMS if name in data]
        if len(found) != 1:
            what = f"has {' and '.join(found)}" if found else "has none of them"
            raise Problem(
                400, f"The body must have one of {', '.join(_FORMS)}; it {what}.", field=found[1] if found else "body"
            )
        self._form = found[0]
        self._data = data[self._form]
        self._params = member(data.get("params") or {}, "params")

    def rows(self, schema: ModelSchema) -> Rows:
        """Check the rows."""
        if self._form == "dataframe_split":
            return _split(member(self._data, "dataframe_split"), schema)
        if self._form == "inputs" and isinstance(self._data, dict):
            columns = {
                name: [item[0] if isinstance(item, list) and len(item) == 1 else item for item in _listed(values, name)]
                for name, values in self._data.items()
            }
            return rows_from_columns(columns, schema)
        if not isinstance(self._data, list):
            raise Problem(400, f'"{self._form}" is no array of rows.', field=self._form)
        return _instances(self._data, schema)

    def wanted(self, schema: ModelSchema) -> tuple[str, ...]:
        """Return the output that is asked for."""
        name = self._params.get("predict_method", schema.outputs[0].name)
        if name not in [item.name for item in schema.outputs]:
            some = ", ".join(item.name for item in schema.outputs)
            raise Problem(400, f"The model has no {str(name)[:40]!r}; it has {some}.", field="predict_method")
        return (name,)

    def answer(self, outputs: Mapping[str, Any], schema: ModelSchema, model: str, version: int, id: str) -> Answer:
        """Write the predictions."""
        return Answer(orjson.dumps({"predictions": plain(next(iter(outputs.values())))}))


class CsvCall:
    """MLflow's ``/invocations`` with ``text/csv``: a line of names, then rows.

    Raises:
        Problem: It is no CSV.
    """

    id: str | None = None

    def __init__(self, body: bytes) -> None:
        try:
            lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
        except UnicodeDecodeError:
            raise Problem(400, "The body is no UTF-8.", field="body") from None
        except csv.Error as error:
            raise Problem(400, f"The body is no CSV: {error}.", field="body") from None
        lines = [line for line in lines if line]
        if not lines:
            raise Problem(400, "The body is empty; a line of names is expected.", field="body")
        self._names, self._lines = lines[0], lines[1:]
        for number, line in enumerate(self._lines):
            if len(line) != len(self._names):
                raise Problem(
                    400, f"Row {number} has {len(line)} values, not {len(self._names)} as the names.", field="body"
                )

    def rows(self, schema: ModelSchema) -> Rows:
        """Check the rows."""
        columns = {name: [line[at] for line in self._lines] for at, name in enumerate(self._names)}
        return rows_from_columns(typed_columns(columns, schema), schema)

    def wanted(self, schema: ModelSchema) -> tuple[str, ...]:
        """Return the one output."""
        return label_output(schema)

    def answer(self, outputs: Mapping[str, Any], schema: ModelSchema, model: str, version: int, id: str) -> Answer:
        """Write the predictions."""
        return Answer(orjson.dumps({"predictions": plain(next(iter(outputs.values())))}))


def _instances(rows: list[Any], schema: ModelSchema) -> Rows:
    if not rows:
        raise Problem(400, "There are no rows.", field="instances")
    if schema.layout == "frame" and not isinstance(rows[0], dict) and not isinstance(rows[0], list):
        raise Problem(400, "Each row must be an object of names and values, or an array.", field="instances")
    return rows_from(rows, schema)


def _split(data: dict[str, Any], schema: ModelSchema) -> Rows:
    rows, names = data.get("data"), data.get("columns")
    if not isinstance(rows, list) or not rows:
        raise Problem(400, '"dataframe_split" has no "data".', field="data")
    if names is None:
        return rows_from(rows, schema)
    if not isinstance(names, list) or len(set(map(str, names))) != len(names):
        raise Problem(400, '"columns" is no array of names that differ.', field="columns")
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise Problem(400, f"Row {at} has not {len(names)} values, one for each of the columns.", field="data")
    if schema.layout == "array":
        return rows_from(rows, schema)
    return rows_from_columns({str(name): [row[at] for row in rows] for at, name in enumerate(names)}, schema)


def _listed(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list):
        raise Problem(400, f"{name} is no array of values.", field=name)
    return values
