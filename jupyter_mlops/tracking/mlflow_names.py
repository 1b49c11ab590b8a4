"""What MLflow takes for names and values, and what ours become there; MLflow itself is not imported."""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.store.records import ArtifactRecord

__all__ = ["MOST_TAG", "dataset_of", "is_data", "key", "number", "parameter", "status", "text"]

MOST_TAG = 5000
"""Characters of a tag that every server takes."""

_MOST_KEY = 250
_MOST_PARAMETER = 6000
_MOST_DIGEST = 36
_MOST_NAME = 500
_BAD = re.compile(r"[^/\w.\- ]")
_DATA = frozenset({"dask", "datasets", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "xarray"})
_STATUS = {"succeeded": "FINISHED", "reused": "FINISHED", "failed": "FAILED"}
_LARGEST = 1.7976931348623157e308


def key(name: str) -> str:
    """Return a name that MLflow takes for a metric, a parameter or a tag; different ones stay different."""
    plain = posixpath.normpath(_BAD.sub("_", name)).lstrip("./") or "_"
    if plain == name and len(name) <= _MOST_KEY:
        return name
    return f"{plain[: _MOST_KEY - 9]}.{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def parameter(value: Any) -> str:
    """Return a parameter's value as MLflow shows it, cut where it takes no more."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text(shown, _MOST_PARAMETER)


def text(value: str, most: int = MOST_TAG) -> str:
    """Cut a text where MLflow takes no more."""
    return value if len(value) <= most else f"{value[: most - 1]}…"


def number(value: float) -> float:
    """Return a metric's value as a database of MLflow keeps it: it has no infinity."""
    return math.copysign(_LARGEST, value) if math.isinf(value) else value


def status(ours: str) -> str:
    """Return MLflow's word for how a run or a step ended."""
    return _STATUS.get(ours, "KILLED")


def is_data(item: ArtifactRecord) -> bool:
    """Tell whether what a step took is a set of data: a file, a frame or an array."""
    types = [item.type, *(member.get("type") for member in item.members.values())]
    return item.kind == "file" or any(str(name).partition(".")[0] in _DATA for name in types if name)


def dataset_of(item: ArtifactRecord) -> dict[str, str]:
    """Return the arguments of MLflow's ``Dataset``; its digest is the beginning of ours."""
    schema, profile = _schema(item.schema or {})
    source = {"uri": item.names[0]} if item.kind == "file" else {"run": item.run_id, "artifact": item.id}
    found = {
        "name": text(item.names[0] if item.kind == "file" else item.name, _MOST_NAME),
        "digest": item.digest[:_MOST_DIGEST],
        "source_type": "local" if item.kind == "file" else "jupyter-mlops",
        "source": json.dumps({**source, "digest": item.digest}),
    }
    return found | ({"schema": schema} if schema else {}) | ({"profile": profile} if profile else {})


def _schema(ours: Mapping[str, Any]) -> tuple[str | None, str | None]:
    columns = ours.get("columns")
    if not isinstance(columns, Mapping):
        return None, None
    listed = [{"name": str(name), "type": str(kind)} for name, kind in columns.items()]
    rows = ours.get("rows")
    return json.dumps({"mlflow_colspec": listed}), None if rows is None else json.dumps({"num_rows": rows})
