"""What the protocols have in common: a request that was read, and an answer to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from jupyter_mlops.deploy.schema import ModelSchema, Rows
from jupyter_mlops.deploy.serving.problems import Problem

__all__ = ["JSON", "Answer", "Call", "label_output", "member", "plain"]

JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to be sent."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    status: int = 200


class Call(Protocol):
    """A request of some protocol, read but not looked at yet."""

    @property
    def id(self) -> str | None:
        """That the client gave it."""
        ...

    def rows(self, schema: ModelSchema) -> Rows:
        """Check the rows.

        Raises:
            Problem: The request makes no sense.
            InputError: The rows don't fit.
        """
        ...

    def wanted(self, schema: ModelSchema) -> tuple[str, ...]:
        """Return the names of the outputs that are asked for.

        Raises:
            Problem: There is no such output.
        """
        ...

    def answer(self, outputs: Mapping[str, Any], schema: ModelSchema, model: str, version: int, id: str) -> Answer:
        """Write the answer."""
        ...


def plain(values: Any) -> Any:
    """Return an array as JSON takes it: lists, with null for what is no number."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        found: Any = np.where(np.isfinite(values), values.astype(object), None)
        return found.tolist()
    return values.tolist()


def label_output(schema: ModelSchema) -> tuple[str, ...]:
    """The output that protocols have which know one alone."""
    return (schema.outputs[0].name,)


def member(data: Any, what: str = "body") -> dict[str, Any]:
    """Return an object of JSON.

    Raises:
        Problem: It is something else.
    """
    if not isinstance(data, dict):
        raise Problem(400, f"The {what} is a JSON {_kind(data)}; an object is expected.", field=what)
    return data


def _kind(data: Any) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return names.get(type(data), "value")
