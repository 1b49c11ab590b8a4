"""Parameters as Kubeflow types them, and how their values get there unchanged.

Kubeflow carries each value as JSON whose numbers are floats of 64 bits. What that can't carry, None among it, travels
as a string that holds JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops.errors import UsageError
from jupyter_mlops.kubeflow.names import escaped
from jupyter_mlops.pipeline.model import Parameter, Pipeline

__all__ = ["Argument", "arguments_of"]

_TYPES = {
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "str": "STRING",
    "bool": "BOOLEAN",
    "list": "LIST",
    "dict": "STRUCT",
}
_EXACT = 2**53
_EXACT_DIGITS = 1e15
_UNSET = object()


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of the compiled pipeline.

    Args:
        name: What the notebook calls it.
        key: What Kubeflow calls it.
        parameter: Its declaration.
        type: Kubeflow's type.
        encoding: ``plain``, or ``json``: a string that holds JSON.
        default: The value it has if none is given, as Kubeflow takes it.
    """

    name: str
    key: str
    parameter: Parameter
    type: str
    encoding: Literal["plain", "json"]
    default: Any

    def encode(self, value: Any) -> Any:
        """Return a value as Kubeflow takes it.

        Raises:
            UsageError: It can't travel as the type that was compiled.
        """
        if self.encoding == "json":
            return _json(value)
        if not _travels(self.parameter, value):
            message = f"Kubeflow can't carry {value!r:.60} as a parameter of type {self.type}."
            raise UsageError(message, hint=f"Compile the pipeline with this value: -p {self.name} VALUE.")
        return float(value) if self.type == "NUMBER_DOUBLE" else value

    def definition(self) -> dict[str, Any]:
        """Return the parameter as a pipeline or a component declares it."""
        found: dict[str, Any] = {"defaultValue": self.default, "isOptional": True, "parameterType": self.type}
        note = f"The notebook's {self.name}" if self.key != self.name else ""
        if self.encoding == "json":
            shape = f"JSON of {_called(self.parameter)}"
            note = f"{note}: {shape}" if note else shape
        if note:
            found["description"] = note
        return found


def arguments_of(pipeline: Pipeline, values: Mapping[str, Any]) -> dict[str, Argument]:
    """Return the pipeline's parameters by name.

    Args:
        values: Values that take the place of the notebook's defaults.
    """
    return {item.name: _argument(item, values.get(item.name, _UNSET)) for item in pipeline.parameters}


def _argument(parameter: Parameter, given: Any) -> Argument:
    value = parameter.default if given is _UNSET else given
    kind = _TYPES.get(parameter.type)
    if (
        kind is None
        or parameter.optional
        or not _travels(parameter, value)
        or not _travels(parameter, parameter.default)
    ):
        return Argument(parameter.name, escaped(parameter.name), parameter, "STRING", "json", _json(value))
    default = float(value) if kind == "NUMBER_DOUBLE" else value
    return Argument(parameter.name, escaped(parameter.name), parameter, kind, "plain", default)


def _travels(parameter: Parameter, value: Any) -> bool:
    """Tell whether a value of this declared type arrives as it is."""
    if parameter.type == "float":
        return _is_number(value) and abs(value) != math.inf and value == value and _fits(value)
    if parameter.type == "int":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT
    if parameter.type in ("list", "dict"):
        return _survives(value)
    return value is not None


def _fits(value: float) -> bool:
    return isinstance(value, float) or abs(value) <= _EXACT


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _survives(value: Any) -> bool:
    """Tell whether a value inside a list or object does: a whole number there arrives as an integer."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _survives(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_survives, value))
    if isinstance(value, float):
        return math.isfinite(value) and not value.is_integer()
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _EXACT_DIGITS  # larger ones may be written with an exponent on the way
    return isinstance(value, (str, bool))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _called(parameter: Parameter) -> str:
    if parameter.type == "none":
        return "any value"
    return f"{parameter.type} or null" if parameter.optional else parameter.type
