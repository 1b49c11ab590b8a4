"""A pipeline as JSON, and back."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.pipeline.model import Pipeline

__all__ = ["SCHEMA", "from_json", "json_value", "to_json"]

SCHEMA = 1

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(pipeline: Pipeline) -> dict[str, Any]:
    """Return the form that ``show --format json`` prints.

    ``edges`` lists pairs of slugs; ``flows`` says for each pair what flows along it.
    """
    plain: dict[str, Any] = json_value(pipeline)
    flows = plain.pop("edges")
    return {
        "schema": SCHEMA,
        "name": plain.pop("name"),
        "parameters": plain.pop("parameters"),
        "steps": plain.pop("steps"),
        "edges": [[flow["source"], flow["target"]] for flow in flows],
        "diagnostics": plain.pop("diagnostics"),
        **plain,
        "flows": flows,
    }


def json_value(value: Any) -> Any:
    """Return what dataclasses, mappings and sequences hold as JSON values; numbers that JSON has not are texts."""
    if value is None or isinstance(value, (str, int)):
        return value
    names = _fields(type(value))  # type: ignore[arg-type]  # types are hashable
    if names is not None:
        return {name: json_value(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such numbers; the parameter's type says that the text stands for one
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


@functools.cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """The names of a dataclass's fields; None for any other type."""
    return tuple(item.name for item in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def from_json(data: object) -> Pipeline:
    """Read a pipeline from its JSON form.

    Raises:
        UsageError: Lists every field that is missing, unknown or of the wrong type, with its path.
    """
    reader = _Reader()
    if not isinstance(data, Mapping):
        raise UsageError("The pipeline is not a JSON object.")
    if data.get("schema") != SCHEMA:
        raise UsageError(
            f"The pipeline has schema {data.get('schema')!r}; this version reads {SCHEMA}.",
            hint="Write it again with `jupyter mlops show --format json`.",
        )
    fields = {key: value for key, value in data.items() if key not in ("schema", "edges", "flows")}
    fields["edges"] = data.get("flows", [])
    pipeline = reader.read(fields, Pipeline, "$")
    reader.check_edges(data.get("edges"), fields["edges"])
    if reader.problems:
        raise UsageError("The pipeline's JSON is not valid: " + "; ".join(reader.problems) + ".")
    pipeline = typing.cast(Pipeline, pipeline)
    return dataclasses.replace(pipeline, parameters=tuple(_with_number(item) for item in pipeline.parameters))


def _with_number(parameter: Any) -> Any:
    if parameter.type == "float" and parameter.default in _SPECIAL:
        return dataclasses.replace(parameter, default=_SPECIAL[parameter.default])
    return parameter


class _Reader:
    """Builds dataclasses from plain JSON values and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, value: Any, kind: Any, path: str) -> Any:
        """Return the value as this type; note a problem where it can't be."""
        origin = typing.get_origin(kind)
        if kind is Any:
            return value
        if dataclasses.is_dataclass(kind):
            return self._dataclass(value, typing.cast(type, kind), path)
        if origin in (typing.Union, types.UnionType):
            return self._optional(value, typing.get_args(kind), path)
        if origin is typing.Literal:
            return self._one_of(value, typing.get_args(kind), path)
        if origin is tuple:
            return self._sequence(value, typing.get_args(kind)[0], path)
        if origin is not None:
            return self._mapping(value, typing.get_args(kind)[1], path)
        return self._scalar(value, kind, path)

    def _dataclass(self, value: Any, kind: type, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(value, "an object", path)
        hints = typing.get_type_hints(kind)
        known = {item.name: item for item in dataclasses.fields(kind)}
        found = {}
        before = len(self.problems)
        for name, item in known.items():
            if name in value:
                found[name] = self.read(value[name], hints[name], f"{path}.{name}")
            elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                self.problems.append(f"{path}.{name} is missing")
        self.problems += [f"{path}.{name} is not known" for name in value if name not in known]
        if len(self.problems) > before:
            return None
        return kind(**found)

    def _optional(self, value: Any, kinds: tuple[Any, ...], path: str) -> Any:
        if value is None and type(None) in kinds:
            return None
        return self.read(value, next(kind for kind in kinds if kind is not type(None)), path)

    def _one_of(self, value: Any, allowed: tuple[Any, ...], path: str) -> Any:
        if value in allowed:
            return value
        return self._wrong(value, " or ".join(repr(item) for item in allowed), path)

    def _sequence(self, value: Any, kind: Any, path: str) -> Any:
        if not isinstance(value, list):
            return self._wrong(value, "a list", path)
        return tuple(self.read(item, kind, f"{path}[{place}]") for place, item in enumerate(value))

    def _mapping(self, value: Any, kind: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(value, "an object", path)
        return {str(key): self.read(item, kind, f"{path}.{key}") for key, item in value.items()}

    def _scalar(self, value: Any, kind: Any, path: str) -> Any:
        if kind is Path:
            return Path(value) if isinstance(value, str) else self._wrong(value, "a string", path)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        return self._wrong(
            value, {str: "a string", int: "an integer", float: "a number", bool: "true or false"}[kind], path
        )

    def _wrong(self, value: Any, wanted: str, path: str) -> None:
        self.problems.append(f"{path} must be {wanted}, not {value!r:.40}")

    def check_edges(self, edges: Any, flows: Any) -> None:
        """The pairs of slugs have to be those of the flows."""
        pairs = [[flow.get("source"), flow.get("target")] for flow in flows if isinstance(flow, Mapping)]
        if edges != pairs:
            self.problems.append("$.edges and $.flows do not name the same pairs of steps")
