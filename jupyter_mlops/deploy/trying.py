"""Asks a deployment over HTTP, as any client would."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jupyter_mlops.deploy.schema import ModelSchema
from jupyter_mlops.errors import InfrastructureError, UsageError

__all__ = ["Told", "ask"]

_MOST = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Told:
    """What was answered."""

    version: int | None
    id: str
    outputs: Mapping[str, Any]
    seconds: float


def ask(
    endpoint: str, model: str, rows: Any, schema: ModelSchema, *, version: int | None = None, timeout: float = 30.0
) -> Told:
    """Send rows by the Open Inference Protocol.

    Args:
        endpoint: Such as ``http://127.0.0.1:8080``.
        rows: ``{"dataframe_split": …}``, ``{"dataframe_records": …}``, ``{"instances": …}``, or a DataFrame or array.
        schema: What the model takes.

    Raises:
        UsageError: The rows have another form, or the server refuses them.
        InfrastructureError: It can't be reached, or failed.
    """
    where = f"/versions/{version}" if version is not None else ""
    body = json.dumps({"inputs": _tensors(rows, schema)}, default=_plain).encode()
    request = urllib.request.Request(
        f"{endpoint}/v2/models/{quote(model, safe='')}{where}/infer", body, {"Content-Type": "application/json"}
    )
    began = time.monotonic()
    try:
        with _opener().open(request, timeout=timeout) as answer:
            data = json.loads(answer.read(_MOST))
    except urllib.error.HTTPError as error:
        message = _message(error)
        if error.code < 500:
            raise UsageError(f"The server refuses: {message}") from None
        raise InfrastructureError(f"The server failed ({error.code}): {message}") from None
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"{endpoint} can't be asked: {getattr(error, 'reason', error)}.") from error
    said = data.get("model_version")
    return Told(
        int(said) if isinstance(said, str) and said.isdigit() else None,
        str(data.get("id", "")),
        {item["name"]: _shaped(item) for item in data["outputs"]},
        time.monotonic() - began,
    )


def _opener() -> urllib.request.OpenerDirector:
    """No proxy is asked for what is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _tensors(rows: Any, schema: ModelSchema) -> list[dict[str, Any]]:
    columns = _columns(rows)
    if columns is not None and schema.columns:
        known = {item.name: item.datatype for item in schema.columns}
        return [
            {"name": name, "shape": [len(values)], "datatype": known.get(name, _guess(values)), "data": values}
            for name, values in columns.items()
        ]
    matrix = _matrix(rows) if columns is None else [list(row) for row in zip(*columns.values(), strict=True)]
    width = len(matrix[0]) if matrix else 0
    if any(len(row) != width for row in matrix):
        raise UsageError("The rows have different lengths.")
    return [{"name": "input", "shape": [len(matrix), width], "datatype": "FP64", "data": matrix}]


def _columns(rows: Any) -> dict[str, list[Any]] | None:
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        return {str(name): values.tolist() for name, values in rows.items()}
    if isinstance(rows, Mapping):
        if "dataframe_split" in rows:
            split = rows["dataframe_split"]
            return _by_column(split.get("columns", []), split.get("data", []))
        rows = rows.get("dataframe_records", rows.get("instances", rows.get("inputs", rows)))
        if isinstance(rows, Mapping):
            return {str(name): list(values) if isinstance(values, list) else [values] for name, values in rows.items()}
    if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return {str(name): [row.get(name) for row in rows] for name in names}
    return None


def _by_column(names: Any, data: Any) -> dict[str, list[Any]]:
    if not isinstance(names, list) or any(not isinstance(row, list) or len(row) != len(names) for row in data):
        raise UsageError("dataframe_split needs columns, and data with a value for each in every row.")
    return {str(name): [row[at] for row in data] for at, name in enumerate(names)}


def _matrix(rows: Any) -> list[list[Any]]:
    if isinstance(rows, Mapping):
        rows = rows.get("instances", rows.get("inputs"))
    if hasattr(rows, "tolist"):
        rows = rows.tolist()
    if not isinstance(rows, list) or not rows:
        raise UsageError("Those are no rows.", hint='Such as {"instances": [[1, 2]]} or [{"age": 31, "income": 1200}].')
    return [row if isinstance(row, list) else [row] for row in rows]


def _guess(values: list[Any]) -> str:
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there):
        return "BOOL"
    return "FP64" if there and all(isinstance(value, (int, float)) for value in there) else "BYTES"


def _shaped(item: Mapping[str, Any]) -> Any:
    """Values in rows, as the shape says."""
    data, shape = item.get("data", []), item.get("shape", [])
    if len(shape) == 2 and data and not isinstance(data[0], list):
        width = int(shape[1])
        return [data[at : at + width] for at in range(0, len(data), width)]
    return data


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(65536))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
